import { ApiError, explain, isAbort } from '../api.js'
import { fill, h, icon, newId } from '../dom.js'

/** What somebody wrote is not right; `field` is the name of the control. */
export class FieldProblem extends Error {
  /**
   * @param {string} field
   * @param {string} message
   */
  constructor(field, message) {
    super(message)
    this.field = field
  }
}

/**
 * Asks for something in a window of its own. `submit` does it; while it does, nothing can be sent twice, and what it throws is
 * shown beside the field that it is about, or below all of them. The window closes when it resolves.
 *
 * @param {{ title: string, action: string, danger?: boolean, body: readonly import('../dom.js').Child[],
 *   submit: (form: HTMLFormElement) => Promise<void> }} options
 * @returns {{ form: HTMLFormElement, button: HTMLButtonElement }}
 */
export const openDialog = ({ title, action, danger = false, body, submit }) => {
  const titleId = newId()
  const problem = h('div', { class: 'form-problem', role: 'alert' })
  const send = h('button', { type: 'submit', class: `button ${danger ? 'button-danger' : 'button-primary'}` }, action)
  const close = () => dialog.close()
  const form = h(
    'form',
    { novalidate: true },
    h(
      'header',
      {},
      h('h2', { id: titleId }, title),
      h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Close', on: { click: close } }, icon('close')),
    ),
    h('div', { class: 'dialog-body' }, body, problem),
    h('footer', {}, h('button', { type: 'button', class: 'button', on: { click: close } }, 'Cancel'), send),
  )
  const dialog = h('dialog', { 'aria-labelledby': titleId }, form)
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    if (dialog.ariaBusy === 'true') return
    busy(true)
    clearProblems(form, problem)
    try {
      await submit(form)
      dialog.close()
    } catch (error) {
      if (isAbort(error)) return dialog.close()
      showProblem(form, problem, error)
    } finally {
      busy(false)
    }
  })
  const busy = (/** @type {boolean} */ is) => {
    dialog.ariaBusy = String(is)
    send.classList.toggle('busy', is)
  }
  dialog.addEventListener('cancel', (event) => {
    if (dialog.ariaBusy === 'true') event.preventDefault()
  })
  dialog.addEventListener('close', () => {
    dialog.remove()
    if (document.activeElement !== document.body) return
    const heading = document.querySelector('main h1') // the button that opened it may be gone
    if (heading instanceof HTMLElement) heading.focus({ preventScroll: true })
  })
  document.body.append(dialog)
  dialog.showModal()
  const first = form.querySelector('input:checked, input:not([type=radio], [readonly])')
  if (first instanceof HTMLElement) first.focus()
  return { form, button: send }
}

/** Closes every window, whatever is in it. */
export const closeDialogs = () => {
  for (const dialog of document.querySelectorAll('dialog')) dialog.close()
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement} problem
 */
const clearProblems = (form, problem) => {
  fill(problem)
  for (const input of form.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid')
  for (const message of form.querySelectorAll('.field-problem')) fill(message)
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement} problem
 * @param {unknown} error
 */
const showProblem = (form, problem, error) => {
  const problems = error instanceof FieldProblem ? [error] : error instanceof ApiError ? error.errors : []
  const placed = problems.filter(({ field, message }) => {
    const input = form.elements.namedItem(field)
    const place = form.querySelector(`[data-problem-of="${CSS.escape(field)}"]`)
    if (!(input instanceof HTMLElement) || !place) return false
    input.setAttribute('aria-invalid', 'true')
    fill(place, message.charAt(0).toUpperCase() + message.slice(1))
    return true
  })
  if (placed.length < problems.length || problems.length === 0) fill(problem, icon('alert'), h('p', {}, explain(error)))
  const [first] = placed
  const input = first && form.elements.namedItem(first.field)
  if (input instanceof HTMLElement) input.focus()
}
