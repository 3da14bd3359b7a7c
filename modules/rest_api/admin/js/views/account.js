import { exactBytes, formatBytes, percentOf } from '../bytes.js'
import { h, icon } from '../dom.js'
import { bar, formatPercent, levelOf } from '../parts/bar.js'
import { openLimitDialog } from '../parts/limit_dialog.js'
import { button, empty } from '../parts/states.js'
import { toast } from '../parts/toast.js'
import { domainOf } from '../store.js'

const sources = { user: 'This mailbox', domain: 'All of its domain', none: 'Nobody' }

/**
 * What an account uses of what it may.
 *
 * @param {import('../shell.js').Surroundings} surroundings
 * @param {string} name
 * @param {import('../store.js').UserQuota} quota
 * @param {() => Promise<void>} changed
 */
export const storageCard = ({ api, store }, name, quota, changed) => {
  const { usedBytes, quotaBytes, quotaSource } = quota
  const percent = percentOf(usedBytes, quotaBytes)
  const path = `v1/users/${encodeURIComponent(name)}/quota`
  const edit = async () => {
    const domain = domainOf(name)
    await store.wantDomain(domain, { background: false })
    const ofDomain = store.domain(domain)?.quotaBytes
    openLimitDialog({
      title: 'Limit of the mailbox',
      limit: quotaBytes,
      now: quotaSource !== 'user' ? 'inherited' : Number(quotaBytes) === 0 ? 'none' : 'size',
      used: usedBytes,
      inherit: inherited(ofDomain),
      explanation: `How much mail ${name} may keep. When it is full, new mail is refused.`,
      submit: async (limit) => {
        if (limit === null) await api.request('DELETE', path)
        else await api.request('PUT', path, { body: { quotaBytes: limit } })
        toast(limit === null ? 'The limit of the domain holds again' : 'The limit has been changed')
        await changed()
      },
    })
  }
  return h(
    'section',
    { class: 'card' },
    h('div', { class: 'card-head' }, h('h2', {}, 'Storage'), button('Change limit', edit, { picture: 'gauge' })),
    h(
      'p',
      { class: 'figure' },
      h('b', {}, formatBytes(usedBytes)),
      h('span', { class: 'muted' }, percent === undefined ? ' used' : ` of ${formatBytes(quotaBytes)}`),
      percent !== undefined && h('span', { class: `percent ${levelOf(percent)}` }, formatPercent(percent)),
    ),
    bar({ used: usedBytes, limit: quotaBytes, label: 'Storage used' }),
    h(
      'dl',
      { class: 'facts' },
      fact('Used', exactBytes(usedBytes)),
      fact('Limit', Number(quotaBytes) === 0 ? 'None' : exactBytes(quotaBytes)),
      fact('Set for', sources[quotaSource]),
    ),
    percent !== undefined &&
      percent >= 100 &&
      h('p', { class: 'notice notice-bad' }, icon('alert'), 'This mailbox is full: new mail for it is refused.'),
  )
}

/** @param {import('../bytes.js').Bytes | undefined} bytes */
const inherited = (bytes) => {
  if (bytes === undefined) return 'Whatever holds for its domain'
  return Number(bytes) === 0 ? 'Which has none' : formatBytes(bytes)
}

/**
 * @param {string} name
 * @param {import('../dom.js').Child} value
 */
const fact = (name, value) => h('div', {}, h('dt', {}, name), h('dd', {}, value))

/**
 * @param {import('../store.js').MailboxUsage} a
 * @param {import('../store.js').MailboxUsage} b
 */
const inboxFirst = (a, b) => Number(b.name === 'INBOX') - Number(a.name === 'INBOX')

/** What each folder holds. @param {import('../store.js').UserQuota} quota */
export const foldersCard = ({ mailboxes, usedBytes, quotaBytes }) =>
  h(
    'section',
    { class: 'card' },
    h('div', { class: 'card-head' }, h('h2', {}, 'Folders'), h('span', { class: 'count' }, mailboxes.length)),
    mailboxes.length === 0
      ? empty({ picture: 'inbox', title: 'No folders' })
      : h(
          'table',
          { class: 'folders' },
          h(
            'thead',
            {},
            h(
              'tr',
              {},
              ['Folder', 'Messages', 'Size', 'Share'].map((title) => h('th', { scope: 'col' }, title)),
            ),
          ),
          h(
            'tbody',
            {},
            [...mailboxes]
              .sort(inboxFirst)
              .map(({ name, messageCount, usedBytes: used }) =>
                h(
                  'tr',
                  {},
                  h('th', { scope: 'row' }, name),
                  h(
                    'td',
                    { class: 'number', 'data-label': messageCount === 1 ? 'message' : 'messages' },
                    messageCount.toLocaleString('en'),
                  ),
                  h('td', { class: 'number', title: exactBytes(used) }, formatBytes(used)),
                  h(
                    'td',
                    { class: 'share' },
                    bar({ used, limit: quotaBytes, label: name, share: usedBytes === 0 ? 0 : used / usedBytes }),
                  ),
                ),
              ),
          ),
        ),
  )
