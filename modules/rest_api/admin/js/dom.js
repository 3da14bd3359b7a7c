/** @typedef {Node | string | number | null | undefined | false | readonly Child[]} Child */

/**
 * Makes an element. What it says is always text: nothing here, nor anywhere on this page, reads HTML.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Readonly<Record<string, unknown>>} [props] attributes; `on` holds listeners, null and false leave one out
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export const h = (tag, props = {}, ...children) => {
  const element = document.createElement(tag)
  setProps(element, props)
  element.append(...nodes(children))
  return element
}

/**
 * @param {string} tag
 * @param {Readonly<Record<string, unknown>>} [props]
 * @param {...Child} children
 * @returns {SVGElement}
 */
export const svg = (tag, props = {}, ...children) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  setProps(element, props)
  element.append(...nodes(children))
  return element
}

/**
 * Puts other children into an element.
 *
 * @param {Element} element
 * @param {...Child} children
 */
export const fill = (element, ...children) => element.replaceChildren(...nodes(children))

/**
 * @param {Element} element
 * @param {Readonly<Record<string, unknown>>} props
 */
const setProps = (element, props) => {
  for (const [name, value] of Object.entries(props)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(/** @type {Record<string, EventListener>} */ (value))) {
        element.addEventListener(event, listener)
      }
    } else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value))
  }
}

/**
 * @param {readonly Child[]} children
 * @returns {(Node | string)[]}
 */
const nodes = (children) =>
  /** @type {readonly Child[]} */ (children.flat(9)).flatMap((child) => {
    if (child === null || child === undefined || child === false) return []
    return [child instanceof Node ? child : String(child)]
  })

const sprite = new URL('../icons.svg', import.meta.url).pathname

/**
 * A drawing beside words that say the same.
 *
 * @param {string} name
 */
export const icon = (name) =>
  svg('svg', { class: 'icon', 'aria-hidden': 'true' }, svg('use', { href: `${sprite}#${name}` }))

let ids = 0

/** An id that no other element has. */
export const newId = () => `e${++ids}`
