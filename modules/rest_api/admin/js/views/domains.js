import { formatBytes } from '../bytes.js'
import { fill, h, icon } from '../dom.js'
import { bar } from '../parts/bar.js'
import { FieldProblem, openDialog } from '../parts/dialog.js'
import { field, writtenIn } from '../parts/fields.js'
import { button, empty, failure, loading } from '../parts/states.js'
import { domainPath } from '../paths.js'
import { domainOf } from '../store.js'

/**
 * All domains that have users.
 *
 * @param {import('../shell.js').Surroundings} surroundings
 * @returns {import('../shell.js').View}
 */
export const domainsView = (surroundings) => {
  const { store, signal } = surroundings
  const count = h('span', { class: 'count' })
  const grid = h('ul', { class: 'tiles' })
  const body = h('div', {})
  /** @type {Map<string, HTMLLIElement>} */
  const cards = new Map()
  const seen = new IntersectionObserver((changes) => {
    for (const { isIntersecting, target } of [...changes].reverse()) {
      if (isIntersecting) store.wantDomain(/** @type {HTMLElement} */ (target).dataset.name ?? '')
    }
  })
  signal.addEventListener('abort', () => seen.disconnect())
  const cardOf = (/** @type {string} */ domain, /** @type {ReadonlyMap<string, number>} */ counts) => {
    const card = cards.get(domain) ?? h('li', { 'data-name': domain })
    if (!cards.has(domain)) {
      card.append(h('a', { class: 'card tile', href: domainPath(domain) }))
      seen.observe(card)
    }
    cards.set(domain, card)
    if (card.firstElementChild) fill(card.firstElementChild, tile(store, domain, counts.get(domain) ?? 0))
    return card
  }
  const show = () => {
    if (!store.users) return fill(body, loading(4, 'domains'))
    const { domains } = store
    fill(count, domains.length)
    if (domains.length === 0) {
      return fill(
        body,
        empty({ picture: 'globe', title: 'No domains yet', text: 'A domain is here as soon as it has a user.' }),
      )
    }
    /** @type {Map<string, number>} */
    const counts = new Map()
    for (const name of store.users) counts.set(domainOf(name), (counts.get(domainOf(name)) ?? 0) + 1)
    const wanted = domains.map((domain) => cardOf(domain, counts))
    if (wanted.length !== grid.children.length || wanted.some((card, index) => grid.children[index] !== card))
      fill(grid, wanted)
    if (grid.parentNode !== body) fill(body, grid)
  }
  const reload = () => store.loadUsers().catch((error) => fill(body, failure(error, reload)))
  store.addEventListener('change', show, { signal })
  show()
  if (store.stale) reload()
  const element = h(
    'div',
    { class: 'view' },
    h(
      'header',
      { class: 'view-head' },
      h('h1', { tabindex: -1 }, 'Domains ', count),
      button('Another domain', () => openOther(surroundings), { picture: 'search' }),
    ),
    h(
      'p',
      { class: 'lead' },
      'A domain gives each of its mailboxes a limit; a mailbox can have one of its own instead.',
    ),
    body,
  )
  return { title: 'Domains', element }
}

/**
 * @param {import('../store.js').Store} store
 * @param {string} domain
 * @param {number} users
 */
const tile = (store, domain, users) => {
  const usage = store.domain(domain)
  const error = store.errorOf(domain)
  return [
    h('h2', {}, domain, icon('next')),
    usage
      ? [
          h(
            'p',
            { class: 'usage-text' },
            usage.userCount === 0
              ? 'No mailboxes'
              : h(
                  'span',
                  {},
                  h('b', {}, formatBytes(usage.usedBytes)),
                  ` in ${plural(usage.userCount, 'mailbox', 'mailboxes')}`,
                ),
          ),
          domainBar(usage),
        ]
      : error !== undefined
        ? h('p', { class: 'muted' }, 'Usage cannot be had now')
        : h('span', { class: 'skeleton', 'aria-hidden': 'true' }),
    h(
      'p',
      { class: 'tile-foot muted' },
      h('span', {}, plural(users, 'user', 'users')),
      usage && h('span', {}, Number(usage.quotaBytes) === 0 ? 'no limit' : `${formatBytes(usage.quotaBytes)} each`),
    ),
  ]
}

/**
 * All that the mailboxes of a domain use, of all that they may; without a number for that as soon as one has no limit.
 *
 * @param {import('../store.js').DomainUsage} usage
 */
export const domainBar = (usage) =>
  bar({ used: usage.usedBytes, limit: allotted(usage), label: `Storage of ${usage.domain}` })

/**
 * @param {import('../store.js').DomainUsage} usage
 * @returns {bigint} 0 when there is no limit
 */
export const allotted = ({ users, quotaBytes }) => {
  const limits = users.map(({ quotaOverride = quotaBytes }) => BigInt(quotaOverride))
  return limits.includes(0n) ? 0n : limits.reduce((sum, limit) => sum + limit, 0n)
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
export const plural = (count, one, many) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`

/**
 * A domain that has no users may have mailboxes, and may get a limit before its first user.
 *
 * @param {import('../shell.js').Surroundings} surroundings
 */
const openOther = ({ store, go }) => {
  openDialog({
    title: 'Another domain',
    action: 'Show',
    body: [
      h(
        'p',
        {},
        'A domain without users may have mailboxes all the same, and may be given a limit before its first user.',
      ),
      field({
        name: 'domain',
        label: 'Domain',
        props: {
          type: 'text',
          inputmode: 'url',
          autocomplete: 'off',
          autocapitalize: 'off',
          spellcheck: 'false',
          placeholder: 'example.org',
        },
      }),
    ],
    submit: async (form) => {
      const domain = writtenIn(form, 'domain').toLowerCase()
      if (domain === '') throw new FieldProblem('domain', 'Write a domain')
      await store.wantDomain(domain, { fresh: true, background: false })
      const error = store.errorOf(domain)
      if (error !== undefined) throw error
      go(domainPath(store.domain(domain)?.domain ?? domain))
    },
  })
}
