import { fill, h, icon } from './dom.js'
import { closeDialogs } from './parts/dialog.js'
import { domainView } from './views/domain.js'
import { domainsView } from './views/domains.js'
import { serverView } from './views/server.js'
import { userView } from './views/user.js'
import { usersView } from './views/users.js'

/**
 * What a view may use. `signal` aborts when another takes its place.
 *
 * @typedef {{ api: import('./api.js').Api, store: import('./store.js').Store, stats: import('./stats.js').Stats,
 *   signal: AbortSignal, go: (path: string) => void, query: URLSearchParams, usersPath: string }} Surroundings
 *   `usersPath` is the list of users as it was looked at last
 * @typedef {{ title: string, element: HTMLElement }} View
 */

const places = /** @type {const} */ ([
  { path: '#/users', label: 'Users', picture: 'users' },
  { path: '#/domains', label: 'Domains', picture: 'globe' },
  { path: '#/server', label: 'Server', picture: 'pulse' },
])

/** The frame around all views, and the way from one to another, by what follows the # of the address. */
export class Shell {
  element
  #common
  #main = h('main', { id: 'main' })
  #links = places.map(({ path, label, picture }) => h('a', { href: path }, icon(picture), h('span', {}, label)))
  #shown = new AbortController()
  #usersPath = '#/users'
  #route = (/** @type {HashChangeEvent} */ { oldURL }) => {
    const { hash } = new URL(oldURL)
    if (/^#\/users(\?|$)/.test(hash)) this.#usersPath = hash
    this.route()
  }

  /**
   * @param {Omit<Surroundings, 'signal' | 'go' | 'query' | 'usersPath'> & { email: string, leave: () => void }} options
   */
  constructor({ email, leave, ...common }) {
    this.#common = common
    this.element = h(
      'div',
      { class: 'shell' },
      h(
        'a',
        { class: 'skip', href: '#main', on: { click: (/** @type {Event} */ event) => this.#skip(event) } },
        'Skip to content',
      ),
      h(
        'header',
        { class: 'top' },
        h(
          'a',
          { class: 'brand', href: '#/users' },
          h('img', { src: 'icon.svg', alt: '', width: 28, height: 28 }),
          'tsmaddy',
        ),
        h('nav', { 'aria-label': 'Main' }, this.#links),
        h(
          'div',
          { class: 'me' },
          h('span', { class: 'me-name', title: email }, email),
          h(
            'button',
            { type: 'button', class: 'button button-quiet', on: { click: () => leave() } },
            icon('leave'),
            'Sign out',
          ),
        ),
      ),
      this.#main,
    )
    addEventListener('hashchange', this.#route)
  }

  close() {
    removeEventListener('hashchange', this.#route)
    this.#shown.abort()
  }

  /** Shows what the address says. */
  route() {
    const [, place = '', name, query = ''] = /^#\/([a-z]+)(?:\/([^?]+))?(?:\?(.*))?$/.exec(location.hash) ?? []
    this.#shown.abort()
    this.#shown = new AbortController()
    closeDialogs()
    const surroundings = {
      ...this.#common,
      signal: this.#shown.signal,
      go: (/** @type {string} */ path) => this.#go(path),
      query: new URLSearchParams(query),
      usersPath: this.#usersPath,
    }
    const { title, element } = viewOf(surroundings, place, name === undefined ? undefined : decoded(name))
    for (const link of this.#links) {
      const current = link.getAttribute('href') === `#/${place || 'users'}`
      if (current) link.setAttribute('aria-current', name === undefined ? 'page' : 'true')
      else link.removeAttribute('aria-current')
    }
    document.title = `${title} · tsmaddy`
    fill(this.#main, element)
    scrollTo(0, 0)
    const heading = element.querySelector('h1')
    heading?.focus({ preventScroll: true })
  }

  /** @param {string} path */
  #go(path) {
    if (location.hash === path) this.route()
    else location.hash = path
  }

  /** @param {Event} event */
  #skip(event) {
    event.preventDefault() // the address says which view it is
    this.#main.querySelector('h1')?.focus()
  }
}

/** @param {string} text */
const decoded = (text) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * @param {Surroundings} surroundings
 * @param {string} place
 * @param {string | undefined} name
 * @returns {View}
 */
const viewOf = (surroundings, place, name) => {
  if (place === 'server') return serverView(surroundings)
  if (place === 'domains') return name === undefined ? domainsView(surroundings) : domainView(surroundings, name)
  return name === undefined ? usersView(surroundings) : userView(surroundings, name)
}
