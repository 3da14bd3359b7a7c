import { Api, isAbort } from './api.js'
import { fill } from './dom.js'
import { closeDialogs } from './parts/dialog.js'
import { clearToasts } from './parts/toast.js'
import { Shell } from './shell.js'
import { Stats } from './stats.js'
import { Store } from './store.js'
import { signIn } from './views/sign_in.js'

const app = /** @type {HTMLElement} */ (document.getElementById('app'))

/** @param {string} [message] why one has to sign in again */
const showSignIn = (message) => {
  document.title = 'Sign in · tsmaddy'
  fill(app, signIn({ enter, message }))
  app.querySelector('input')?.focus()
}

/**
 * Tries a name and a password, and shows the page to whom they belong. Throws ApiError.
 *
 * @param {string} email
 * @param {string} password
 */
const enter = async (email, password) => {
  const api = new Api(email, password)
  const store = new Store(api)
  try {
    await store.loadUsers()
  } catch (error) {
    api.close()
    throw error
  }
  const stats = new Stats(api)
  const shell = new Shell({ api, store, stats, email, leave: () => leave() })
  const leave = (/** @type {string | undefined} */ message = undefined) => {
    api.onUnauthorized = () => {}
    shell.close()
    stats.close()
    api.close() // the password is gone with it
    closeDialogs()
    clearToasts()
    showSignIn(message)
  }
  api.onUnauthorized = () => leave('The server no longer takes this password. Please sign in again.')
  clearToasts()
  fill(app, shell.element)
  shell.route()
}

addEventListener('unhandledrejection', (event) => {
  if (isAbort(event.reason)) event.preventDefault() // somebody signed out, or went on to something else
})

showSignIn()
