import { formatBytes, percentOf } from '../bytes.js'
import { fill, h, icon } from '../dom.js'
import { bar, formatPercent, levelOf } from '../parts/bar.js'
import { button, empty, failure, loading } from '../parts/states.js'
import { userPath, usersPath } from '../paths.js'
import { domainOf } from '../store.js'
import { openCreateUser } from './create_user.js'

/** How many rows are made at a time, as one scrolls down. */
const atATime = 60

/** Up to so many domains are asked for at once, not only as their users come into sight. */
const fewDomains = 8

/**
 * All users, and mailboxes that have none.
 *
 * @param {import('../shell.js').Surroundings} surroundings
 * @returns {import('../shell.js').View}
 */
export const usersView = (surroundings) => {
  const { store, signal, query } = surroundings
  const filters = { search: query.get('search') ?? '', domain: query.get('domain') ?? '' }
  const count = h('span', { class: 'count', role: 'status' })
  const search = h('input', {
    type: 'search',
    name: 'search',
    value: filters.search,
    placeholder: 'Search users',
    'aria-label': 'Search users',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
  })
  const domains = h('select', { name: 'domain', 'aria-label': 'Domain' })
  const list = new RowList((name) => store.want(name), signal)
  const body = h('div', {})
  const create = () => openCreateUser(surroundings, { domain: filters.domain })
  const reload = async () => {
    store.forgetAll()
    try {
      await store.loadUsers()
      wantFew()
    } catch (error) {
      fill(body, failure(error, reload))
    }
  }
  const wantFew = () => {
    const wanted = filters.domain === '' ? store.domains : [filters.domain]
    if (wanted.length <= fewDomains) for (const domain of [...wanted].reverse()) store.wantDomain(domain)
  }
  const show = () => {
    if (!store.users) return fill(body, loading(6, 'users'))
    showDomains(domains, store.domains, filters.domain)
    const all = store.entries(filters.domain || undefined)
    const wanted = filters.search.toLowerCase()
    const found = all.filter(({ name }) => name.toLowerCase().includes(wanted))
    const number = found.length.toLocaleString('en')
    fill(count, found.length === all.length ? number : `${number} of ${all.length.toLocaleString('en')}`)
    list.show(found)
    if (found.length > 0) {
      if (list.element.parentNode !== body) fill(body, list.element)
    } else if (all.length > 0) {
      fill(body, empty({ picture: 'search', title: 'Nobody by that name', text: 'Try another part of the address.' }))
    } else {
      const action = button('New user', create, { picture: 'plus', kind: 'button-primary' })
      fill(body, empty({ picture: 'users', title: 'No users yet', text: 'The first one is a minute away.', action }))
    }
  }
  const changed = () => {
    history.replaceState(null, '', usersPath(filters)) // so that one finds it again on the way back
    show()
  }
  search.addEventListener('input', () => {
    filters.search = search.value.trim()
    changed()
  })
  domains.addEventListener('change', () => {
    filters.domain = domains.value
    wantFew()
    changed()
  })
  store.addEventListener('change', show, { signal })
  const refresh = h(
    'button',
    { type: 'button', class: 'icon-button', 'aria-label': 'Refresh', title: 'Refresh', on: { click: reload } },
    icon('refresh'),
  )
  const element = h(
    'div',
    { class: 'view' },
    h(
      'header',
      { class: 'view-head' },
      h('h1', { tabindex: -1 }, 'Users ', count),
      button('New user', create, { picture: 'plus', kind: 'button-primary' }),
    ),
    h(
      'div',
      { class: 'toolbar', role: 'search' },
      h('div', { class: 'search' }, icon('search'), search),
      domains,
      refresh,
    ),
    body,
  )
  show()
  if (store.stale) reload()
  else wantFew()
  return { title: 'Users', element }
}

/**
 * @param {HTMLSelectElement} select
 * @param {readonly string[]} domains
 * @param {string} chosen
 */
const showDomains = (select, domains, chosen) => {
  const wanted = chosen === '' || domains.includes(chosen) ? domains : [chosen, ...domains]
  const shown = [...select.options].slice(1).map(({ value }) => value)
  if (select.options.length > 0 && shown.join() === wanted.join()) return
  fill(
    select,
    h('option', { value: '' }, 'All domains'),
    wanted.map((domain) => h('option', { value: domain, selected: domain === chosen }, domain)),
  )
}

/** A list as long as it may be: rows are made as one scrolls to them, and what they need is asked for when they are seen. */
class RowList {
  element = h('ul', { class: 'rows card', 'aria-label': 'Users' })
  /** @type {readonly import('../store.js').Entry[]} */
  #entries = []
  /** @type {Map<string, { row: HTMLLIElement, entry: import('../store.js').Entry }>} */
  #rows = new Map()
  #room = atATime
  #end = h('li', { class: 'rows-end', 'aria-hidden': 'true' })
  #seen

  /**
   * @param {(name: string) => void} want
   * @param {AbortSignal} signal
   */
  constructor(want, signal) {
    this.#seen = new IntersectionObserver((changes) => {
      for (const { isIntersecting, target } of [...changes].reverse()) {
        if (!isIntersecting) continue
        if (target === this.#end) this.#grow()
        else want(/** @type {HTMLElement} */ (target).dataset.name ?? '')
      }
    })
    this.#seen.observe(this.#end)
    signal.addEventListener('abort', () => this.#seen.disconnect())
  }

  /** @param {readonly import('../store.js').Entry[]} entries */
  show(entries) {
    this.#entries = entries
    const shown = entries.slice(0, this.#room)
    const wanted = new Set(shown.map(({ name }) => name))
    for (const [name, { row }] of this.#rows) {
      if (wanted.has(name)) continue
      this.#seen.unobserve(row)
      row.remove()
      this.#rows.delete(name)
    }
    /** @type {Element | null} */
    let place = this.element.firstElementChild
    for (const entry of shown) {
      const row = this.#rowOf(entry)
      if (place && row === place) place = place.nextElementSibling
      else this.element.insertBefore(row, place)
    }
    this.element.append(this.#end)
    this.#end.hidden = shown.length === entries.length
  }

  #grow() {
    this.#room += atATime
    this.show(this.#entries)
    this.#seen.unobserve(this.#end) // so that it is looked at again where it stands now
    this.#seen.observe(this.#end)
  }

  /** @param {import('../store.js').Entry} entry */
  #rowOf(entry) {
    const known = this.#rows.get(entry.name)
    if (known && sameEntry(known.entry, entry)) return known.row
    const row = known?.row ?? h('li', { 'data-name': entry.name })
    const link = row.firstElementChild ?? h('a', { href: userPath(entry.name) })
    fill(link, rowContent(entry))
    if (!known) {
      row.append(link)
      this.#seen.observe(row)
    }
    this.#rows.set(entry.name, { row, entry })
    return row
  }
}

/**
 * @param {import('../store.js').Entry} a
 * @param {import('../store.js').Entry} b
 */
const sameEntry = (a, b) =>
  a.hasUser === b.hasUser &&
  a.error === b.error &&
  a.account?.usedBytes === b.account?.usedBytes &&
  a.account?.limit === b.account?.limit &&
  (a.account === undefined) === (b.account === undefined) &&
  (a.account === null) === (b.account === null)

/** @param {import('../store.js').Entry} entry */
const rowContent = ({ name, hasUser, account, error }) => {
  const domain = domainOf(name)
  const local = domain === '' ? name : name.slice(0, -domain.length - 1)
  return [
    h('span', { class: 'avatar', 'aria-hidden': 'true', 'data-tint': tintOf(name) }, [...name][0]?.toUpperCase()),
    h(
      'span',
      { class: 'who' },
      h('span', { class: 'address' }, h('b', {}, local), domain !== '' && `@${domain}`),
      !hasUser && h('span', { class: 'badge badge-warn' }, 'Mailbox only'),
    ),
    h('span', { class: 'usage' }, usageOf(name, account, error)),
    icon('next'),
  ]
}

/** A number from 0 to 5 that is always the same for a name. @param {string} name */
export const tintOf = (name) => [...name].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % 6

/**
 * @param {string} name
 * @param {import('../store.js').Account | null | undefined} account
 * @param {unknown} error
 */
const usageOf = (name, account, error) => {
  if (account === undefined && error !== undefined) return h('span', { class: 'muted' }, 'Usage cannot be had now')
  if (account === undefined) return h('span', { class: 'skeleton', 'aria-hidden': 'true' })
  if (account === null) return h('span', { class: 'badge' }, 'No mailbox')
  const { usedBytes, limit } = account
  const percent = percentOf(usedBytes, limit)
  return [
    h(
      'span',
      { class: 'usage-text' },
      h('span', {}, h('b', {}, formatBytes(usedBytes)), percent === undefined ? '' : ` of ${formatBytes(limit)}`),
      percent === undefined
        ? h('span', { class: 'muted' }, 'no limit')
        : h('span', { class: `percent ${levelOf(percent)}` }, formatPercent(percent)),
    ),
    bar({ used: usedBytes, limit, label: `Storage of ${name}` }),
  ]
}
