import { h, icon, newId } from '../dom.js'
import { FieldProblem } from './dialog.js'

/**
 * A control with its label, a hint, and a place for what is wrong with it.
 *
 * @param {{ name: string, label: string, hint?: import('../dom.js').Child, props?: Readonly<Record<string, unknown>>,
 *   beside?: import('../dom.js').Child }} field
 */
export const field = ({ name, label, hint, props = {}, beside }) => {
  const id = newId()
  const input = h('input', { id, name, 'aria-describedby': `${id}-hint ${id}-problem`, ...props })
  return h(
    'div',
    { class: 'field' },
    h('label', { for: id }, label),
    h('div', { class: 'input-row' }, input, beside),
    h('p', { class: 'hint', id: `${id}-hint` }, hint),
    h('p', { class: 'field-problem', id: `${id}-problem`, 'data-problem-of': name }),
  )
}

/** What a new password is made of: nothing that looks like something else. */
const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

/** The longest password that bcrypt tells from a longer one; bytes. */
const longestPassword = 72

const newPassword = () => {
  const groups = Array.from({ length: 4 }, () =>
    Array.from({ length: 5 }, () => {
      let octet = 255
      while (octet >= 256 - (256 % letters.length)) octet = crypto.getRandomValues(new Uint8Array(1))[0] ?? 255
      return letters[octet % letters.length]
    }).join(''),
  )
  return groups.join('-')
}

/**
 * A new password: written, or made here and shown.
 *
 * @param {string} label
 */
export const passwordField = (label) => {
  const show = (/** @type {boolean} */ shown) => {
    input.type = shown ? 'text' : 'password'
    eye.setAttribute('aria-pressed', String(shown))
  }
  const eye = h(
    'button',
    {
      type: 'button',
      class: 'icon-button',
      'aria-label': 'Show the password',
      'aria-pressed': 'false',
      on: { click: () => show(input.type === 'password') },
    },
    icon('eye'),
  )
  const generate = () => {
    input.value = newPassword()
    show(true)
    input.select()
  }
  const element = field({
    name: 'password',
    label,
    hint: [
      `Up to ${longestPassword} bytes. `,
      h('button', { type: 'button', class: 'link', on: { click: generate } }, 'Make one up'),
    ],
    props: {
      type: 'password',
      autocomplete: 'new-password',
      spellcheck: 'false',
      autocapitalize: 'off',
      required: true,
    },
    beside: eye,
  })
  const input = /** @type {HTMLInputElement} */ (element.querySelector('input'))
  return element
}

/**
 * What a form says in a field, without what surrounds it by mistake.
 *
 * @param {HTMLFormElement} form
 * @param {string} name
 */
export const writtenIn = (form, name) => String(new FormData(form).get(name) ?? '').trim()

/**
 * The password of a form, as it was written. Throws FieldProblem for one that the server would not take.
 *
 * @param {HTMLFormElement} form
 */
export const passwordOf = (form) => {
  const password = String(new FormData(form).get('password') ?? '')
  if (password === '') throw new FieldProblem('password', 'Write a password')
  if (new TextEncoder().encode(password).length > longestPassword) {
    throw new FieldProblem('password', `This is longer than ${longestPassword} bytes`)
  }
  return password
}

/**
 * A choice with an explanation.
 *
 * @param {{ type?: 'radio' | 'checkbox', name: string, value: string, checked?: boolean, label: string, text?: string }} choice
 * @param {...import('../dom.js').Child} inside
 */
export const choice = ({ type = 'radio', name, value, checked = false, label, text = '' }, ...inside) => {
  const id = newId()
  const described = text === '' ? undefined : `${id}-text`
  return h(
    'div',
    { class: 'choice' },
    h(
      'label',
      {},
      h('input', { type, name, value, checked, 'aria-labelledby': id, 'aria-describedby': described }),
      h('span', {}, h('strong', { id }, label), described !== undefined && h('small', { id: described }, text)),
    ),
    inside,
  )
}
