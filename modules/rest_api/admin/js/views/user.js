import { ApiError, isAbort, isMissing } from '../api.js'
import { fill, h, icon } from '../dom.js'
import { button, empty, failure, loading } from '../parts/states.js'
import { toast } from '../parts/toast.js'
import { domainPath } from '../paths.js'
import { domainOf } from '../store.js'
import { foldersCard, storageCard } from './account.js'
import { openCreateUser } from './create_user.js'
import { dangerCard } from './danger.js'
import { openPassword } from './password.js'
import { tintOf } from './users.js'

/**
 * One user, or a mailbox that has none: what it uses, and what can be done with it.
 *
 * @param {import('../shell.js').Surroundings} surroundings
 * @param {string} name
 * @returns {import('../shell.js').View}
 */
export const userView = (surroundings, name) => {
  const { api, store, signal } = surroundings
  const path = `v1/users/${encodeURIComponent(name)}`
  /** @type {import('../store.js').UserQuota | null | undefined} */
  let quota
  /** Why it could not be had. @type {unknown} */
  let error
  let hadUser = store.hasUser(name)
  const head = h('div', {})
  const body = h('div', { class: 'stack' }, loading(5, 'the mailbox'))

  const load = async () => {
    try {
      const users = store.stale || !store.hasUser(name) ? store.loadUsers() : undefined
      await Promise.all([users, ask()])
      error = undefined
    } catch (reason) {
      if (isAbort(reason)) return
      error = reason
    }
    show()
  }
  const ask = async () => {
    try {
      quota = await api.request('GET', `${path}/quota`, { signal })
    } catch (reason) {
      if (!isMissing(reason)) throw reason
      quota = null
    }
  }
  const changed = async () => {
    store.forget(name)
    await load()
  }
  const createMailbox = async () => {
    try {
      await api.request('POST', `${path}/mailboxes`)
      toast(`${name} has a mailbox now`)
    } catch (reason) {
      if (isAbort(reason)) return
      const made = reason instanceof ApiError && reason.status === 409 // by somebody else, meanwhile
      if (!made) return fill(body, failure(reason, changed))
    }
    await changed()
  }
  const show = () => {
    const hasUser = store.hasUser(name)
    fill(head, headOf(surroundings, name, hasUser, quota))
    if (quota === undefined && error === undefined) return
    if (quota === null && !hasUser) {
      const back = h('a', { class: 'button', href: surroundings.usersPath }, 'All users')
      return fill(body, empty({ picture: 'users', title: 'There is no such user', text: name, action: back }))
    }
    fill(
      body,
      error !== undefined && failure(error, load),
      quota && [storageCard(surroundings, name, quota, changed), foldersCard(quota)],
      quota === null && noMailbox(createMailbox),
      dangerCard(surroundings, { name, hasUser, quota, changed }),
    )
  }
  const follow = () => {
    if (store.hasUser(name) !== hadUser) show()
    hadUser = store.hasUser(name)
  }
  store.addEventListener('change', follow, { signal })
  show()
  load()
  return { title: name, element: h('div', { class: 'view' }, head, body) }
}

/**
 * @param {import('../shell.js').Surroundings} surroundings
 * @param {string} name
 * @param {boolean} hasUser
 * @param {import('../store.js').UserQuota | null | undefined} quota
 */
const headOf = (surroundings, name, hasUser, quota) => {
  const domain = domainOf(name)
  return [
    h('a', { class: 'back', href: surroundings.usersPath }, icon('back'), 'Users'),
    h(
      'header',
      { class: 'view-head' },
      h(
        'div',
        { class: 'person' },
        h(
          'span',
          { class: 'avatar avatar-large', 'aria-hidden': 'true', 'data-tint': tintOf(name) },
          [...name][0]?.toUpperCase(),
        ),
        h(
          'div',
          {},
          h('h1', { tabindex: -1 }, name),
          h(
            'p',
            { class: 'badges' },
            hasUser
              ? h('span', { class: 'badge badge-good' }, 'Can sign in')
              : h('span', { class: 'badge badge-warn' }, 'Nobody can sign in'),
            quota === null && h('span', { class: 'badge' }, 'No mailbox'),
            domain !== '' && h('a', { class: 'badge badge-link', href: domainPath(domain) }, domain),
          ),
        ),
      ),
      hasUser
        ? button('Change password', () => openPassword(surroundings, name), { picture: 'key' })
        : quota &&
            button('Create its user', () => openCreateUser(surroundings, { name }), {
              picture: 'plus',
              kind: 'button-primary',
            }),
    ),
  ]
}

/** @param {() => Promise<void>} create */
const noMailbox = (create) =>
  h(
    'section',
    { class: 'card' },
    empty({
      picture: 'inbox',
      title: 'No mailbox yet',
      text: 'Mail to this address is refused until it has one. The first sign-in over IMAP would make one with an inbox alone.',
      action: button('Create mailbox', create, { picture: 'plus', kind: 'button-primary' }),
    }),
  )
