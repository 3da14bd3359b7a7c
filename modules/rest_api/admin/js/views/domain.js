import { exactBytes, formatBytes, percentOf } from '../bytes.js'
import { fill, h, icon } from '../dom.js'
import { bar, formatPercent, levelOf } from '../parts/bar.js'
import { openLimitDialog } from '../parts/limit_dialog.js'
import { button, empty, failure, loading } from '../parts/states.js'
import { toast } from '../parts/toast.js'
import { userPath, usersPath } from '../paths.js'
import { openCreateUser } from './create_user.js'
import { allotted, domainBar, plural } from './domains.js'

/** How many mailboxes are shown, the largest first. */
const most = 100

/**
 * One domain: what its mailboxes use, and what they may.
 *
 * @param {import('../shell.js').Surroundings} surroundings
 * @param {string} domain
 * @returns {import('../shell.js').View}
 */
export const domainView = (surroundings, domain) => {
  const { store, signal } = surroundings
  const body = h('div', { class: 'stack' }, loading(5, 'the domain'))
  const load = () => store.wantDomain(domain, { fresh: true, background: false })
  /** @type {unknown} */
  let shown
  const show = () => {
    const usage = store.domain(domain)
    const error = store.errorOf(domain)
    if (shown === (error ?? usage)) return // it was about another domain
    shown = error ?? usage
    if (error !== undefined) fill(body, failure(error, load))
    else if (usage) fill(body, storageCard(surroundings, usage, load), mailboxesCard(surroundings, usage))
  }
  store.addEventListener('change', show, { signal })
  show()
  load()
  const element = h(
    'div',
    { class: 'view' },
    h('a', { class: 'back', href: '#/domains' }, icon('back'), 'Domains'),
    h(
      'header',
      { class: 'view-head' },
      h('h1', { tabindex: -1 }, domain),
      h(
        'div',
        { class: 'actions' },
        h('a', { class: 'button', href: usersPath({ domain }) }, icon('users'), 'Its users'),
        button('New user', () => openCreateUser(surroundings, { domain }), { picture: 'plus' }),
      ),
    ),
    body,
  )
  return { title: domain, element }
}

/**
 * @param {import('../shell.js').Surroundings} surroundings
 * @param {import('../store.js').DomainUsage} usage
 * @param {() => Promise<void>} changed
 */
const storageCard = ({ api, store }, usage, changed) => {
  const { domain, usedBytes, quotaBytes, userCount } = usage
  const limited = Number(quotaBytes) !== 0
  const edit = () =>
    openLimitDialog({
      title: 'Limit of each mailbox',
      limit: quotaBytes,
      now: limited ? 'size' : 'none',
      used: 0,
      explanation: `How much mail each mailbox of ${domain} may keep, unless it has a limit of its own.`,
      submit: async (limit) => {
        await api.request('PUT', `v1/domains/${encodeURIComponent(domain)}/quota`, {
          body: { quotaBytes: limit ?? 0n },
        })
        store.forget(domain)
        toast(`The limit of ${domain} has been changed`)
        await changed()
      },
    })
  const all = allotted(usage)
  const percent = percentOf(usedBytes, all)
  return h(
    'section',
    { class: 'card' },
    h('div', { class: 'card-head' }, h('h2', {}, 'Storage'), button('Change limit', edit, { picture: 'gauge' })),
    h(
      'p',
      { class: 'figure' },
      h('b', {}, formatBytes(usedBytes)),
      h('span', { class: 'muted' }, percent === undefined ? ' used' : ` of ${formatBytes(all)}`),
      percent !== undefined && h('span', { class: `percent ${levelOf(percent)}` }, formatPercent(percent)),
    ),
    domainBar(usage),
    h(
      'dl',
      { class: 'facts' },
      h('div', {}, h('dt', {}, 'Used'), h('dd', {}, exactBytes(usedBytes))),
      h('div', {}, h('dt', {}, 'Limit of each mailbox'), h('dd', {}, limited ? exactBytes(quotaBytes) : 'None')),
      h('div', {}, h('dt', {}, 'Mailboxes'), h('dd', {}, userCount.toLocaleString('en'))),
    ),
  )
}

/**
 * @param {import('../shell.js').Surroundings} surroundings
 * @param {import('../store.js').DomainUsage} usage
 */
const mailboxesCard = ({ store }, { users, quotaBytes, usedBytes }) => {
  const largest = [...users].sort((a, b) => b.usedBytes - a.usedBytes).slice(0, most)
  return h(
    'section',
    { class: 'card' },
    h(
      'div',
      { class: 'card-head' },
      h('h2', {}, 'Mailboxes'),
      h('span', { class: 'count' }, users.length.toLocaleString('en')),
    ),
    largest.length === 0
      ? empty({
          picture: 'inbox',
          title: 'No mailboxes',
          text: 'Users of this domain get one when you create it, or with their first sign-in.',
        })
      : h(
          'ul',
          { class: 'ranking' },
          largest.map((user) => h('li', {}, row(store, user, quotaBytes, usedBytes))),
        ),
    users.length > most &&
      h('p', { class: 'hint' }, `The ${most} largest of ${plural(users.length, 'mailbox', 'mailboxes')}.`),
  )
}

/**
 * @param {import('../store.js').Store} store
 * @param {import('../store.js').UserUsage} user
 * @param {import('../bytes.js').Bytes} quotaBytes
 * @param {number} all
 */
const row = (store, { username, usedBytes, quotaOverride }, quotaBytes, all) => {
  const limit = quotaOverride ?? quotaBytes
  const limited = Number(limit) !== 0
  return h(
    'a',
    { href: userPath(username) },
    h(
      'span',
      { class: 'who' },
      h('span', { class: 'address' }, h('b', {}, username.slice(0, username.lastIndexOf('@')) || username)),
      quotaOverride !== undefined && h('span', { class: 'badge' }, 'own limit'),
      !store.hasUser(username) && h('span', { class: 'badge badge-warn' }, 'Mailbox only'),
    ),
    h(
      'span',
      { class: 'usage' },
      h(
        'span',
        { class: 'usage-text' },
        h('span', {}, h('b', {}, formatBytes(usedBytes)), limited ? ` of ${formatBytes(limit)}` : ''),
      ),
      bar({ used: usedBytes, limit, label: `Storage of ${username}`, share: all === 0 ? 0 : usedBytes / all }),
    ),
  )
}
