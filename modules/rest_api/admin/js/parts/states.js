import { explain } from '../api.js'
import { h, icon } from '../dom.js'

/**
 * Something could not be had.
 *
 * @param {unknown} error
 * @param {(() => unknown) | undefined} retry
 */
export const failure = (error, retry) =>
  h(
    'div',
    { class: 'notice notice-bad', role: 'alert' },
    icon('alert'),
    h('p', {}, explain(error)),
    retry && button('Try again', retry),
  )

/**
 * There is nothing to show, and that is no fault.
 *
 * @param {{ picture: string, title: string, text?: string, action?: Node | undefined }} content
 */
export const empty = ({ picture, title, text = '', action }) =>
  h(
    'div',
    { class: 'empty' },
    icon(picture),
    h('p', { class: 'empty-title' }, title),
    text !== '' && h('p', {}, text),
    action,
  )

/**
 * The place of something that is on its way.
 *
 * @param {number} lines
 * @param {string} what
 */
export const loading = (lines, what) =>
  h(
    'div',
    { class: 'loading', role: 'status' },
    h('span', { class: 'visually-hidden' }, `Loading ${what}…`),
    Array.from({ length: lines }, () => h('span', { class: 'skeleton', 'aria-hidden': 'true' })),
  )

/**
 * A button with a drawing. While what it does goes on, it cannot be pressed again.
 *
 * @param {string} label
 * @param {() => unknown} act
 * @param {{ picture?: string, kind?: string }} [look]
 */
export const button = (label, act, { picture, kind = '' } = {}) => {
  const click = async () => {
    if (element.classList.contains('busy')) return
    const acting = act()
    if (!(acting instanceof Promise)) return
    element.classList.add('busy')
    await acting.finally(() => element.classList.remove('busy'))
  }
  const element = h(
    'button',
    { type: 'button', class: `button ${kind}`, on: { click } },
    picture && icon(picture),
    label,
  )
  return element
}
