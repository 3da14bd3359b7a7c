import { ApiError, explain } from '../api.js'
import { fill, h, icon } from '../dom.js'
import { field, writtenIn } from '../parts/fields.js'

/**
 * The first thing that one sees.
 *
 * @param {{ enter: (email: string, password: string) => Promise<void>, message?: string | undefined }} options
 */
export const signIn = ({ enter, message }) => {
  const problem = h('div', { class: 'form-problem', role: 'alert' }, message && [icon('alert'), h('p', {}, message)])
  const send = h('button', { type: 'submit', class: 'button button-primary button-wide' }, 'Sign in')
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    if (send.classList.contains('busy')) return
    send.classList.add('busy')
    fill(problem)
    try {
      await enter(writtenIn(form, 'email'), String(new FormData(form).get('password') ?? ''))
    } catch (error) {
      fill(problem, icon('alert'), h('p', {}, explain(error)))
      if (error instanceof ApiError && error.status === 401) passwordInput.select()
    } finally {
      send.classList.remove('busy')
    }
  }
  const password = field({
    name: 'password',
    label: 'Password',
    props: { type: 'password', autocomplete: 'current-password', required: true },
  })
  const passwordInput = /** @type {HTMLInputElement} */ (password.querySelector('input'))
  const form = h(
    'form',
    { class: 'card sign-in', on: { submit } },
    h('img', { src: 'icon.svg', alt: '', width: 48, height: 48 }),
    h('h1', {}, 'tsmaddy'),
    h('p', { class: 'muted' }, 'Users, mailboxes and quotas of this mail server'),
    field({
      name: 'email',
      label: 'E-mail address',
      props: {
        type: 'text',
        inputmode: 'email',
        autocomplete: 'username',
        autocapitalize: 'off',
        spellcheck: 'false',
        required: true,
      },
    }),
    password,
    problem,
    send,
    h('p', { class: 'hint' }, 'The password stays in the memory of this page: reloading or closing it signs you out.'),
  )
  return h('main', { class: 'entrance' }, form)
}
