import { fill, h, icon } from '../dom.js'
import { sparkline } from '../parts/sparkline.js'
import { failure, loading } from '../parts/states.js'

/**
 * What the server is doing.
 *
 * @param {import('../shell.js').Surroundings} surroundings
 * @returns {import('../shell.js').View}
 */
export const serverView = ({ stats, signal }) => {
  const body = h('div', { class: 'stack' }, loading(5, 'the counters'))
  const pulse = h('p', { class: 'pulse' })
  const show = () => {
    const { latest, error } = stats
    fill(pulse, latest && [h('span', { class: error === undefined ? 'dot' : 'dot dot-off' }), upFor(latest)])
    if (latest) fill(body, error !== undefined && failure(error, undefined), content(stats))
    else if (error !== undefined) fill(body, failure(error, undefined))
  }
  stats.addEventListener('change', show, { signal })
  stats.watch(signal)
  show()
  return {
    title: 'Server',
    element: h(
      'div',
      { class: 'view' },
      h('header', { class: 'view-head' }, h('h1', { tabindex: -1 }, 'Server'), pulse),
      body,
    ),
  }
}

/** @param {import('../stats.js').Stats} stats */
const content = ({ history, latest }) => {
  if (!latest) return []
  const { sessions, deliveries, rejects, quarantined, transactions } = latest
  const course = (/** @type {(reading: import('../stats.js').Reading) => number} */ of) =>
    history.map(({ reading }) => of(reading))
  const open = (/** @type {import('../stats.js').Reading} */ reading) => sum(Object.values(reading.sessions))
  const held = (/** @type {import('../stats.js').Reading} */ reading) =>
    sum(reading.quarantined.map(({ count }) => count))
  return [
    h(
      'div',
      { class: 'gauges' },
      gauge('Open sessions', open(latest), 'now', course(open)),
      gauge('Accepted', deliveries, 'since start', steps(course((reading) => reading.deliveries))),
      gauge('Refused', rejects.total, 'since start', steps(course((reading) => reading.rejects.total)), 'bad'),
      gauge('Quarantined', sum(quarantined.map(({ count }) => count)), 'since start', steps(course(held)), 'warn'),
    ),
    h(
      'div',
      { class: 'halves' },
      card(
        'Sessions by module',
        Object.entries(sessions)
          .sort(([a], [b]) => a.localeCompare(b))
          .map(([module, count]) => ({
            label: module,
            count,
            course: course((reading) => reading.sessions[module] ?? 0),
          })),
        { picture: 'users', title: 'Nobody is connected' },
      ),
      card(
        'Messages by module',
        transactions.map(({ module, started, completed, aborted }) => ({
          label: module,
          note: `${number(started)} begun, ${number(aborted)} given up`,
          count: completed,
          course: steps(
            course((reading) => reading.transactions.find((each) => each.module === module)?.completed ?? 0),
          ),
        })),
        { picture: 'inbox', title: 'No mail yet' },
      ),
      card(
        'Refused, by reply',
        rejects.byReply.map(({ module, command, code, enhancedCode, count }) => ({
          label: reasonOf(code, enhancedCode),
          note: `${code} ${enhancedCode} to ${command}, ${module}`,
          count,
        })),
        { picture: 'check', title: 'Nothing has been refused' },
      ),
      card(
        'Refused or quarantined, by check',
        [
          ...rejects.byCheck.map(({ check, count }) => ({ label: check, note: 'refused', count })),
          ...quarantined.map(({ check, count }) => ({ label: check, note: 'quarantined', count })),
        ],
        { picture: 'check', title: 'No check has objected' },
      ),
    ),
  ]
}

/**
 * @param {string} label
 * @param {number} value
 * @param {string} when
 * @param {readonly number[]} course
 * @param {string} [tone]
 */
const gauge = (label, value, when, course, tone = '') =>
  h(
    'section',
    { class: `card gauge ${tone}` },
    h('h2', {}, label),
    h('p', { class: 'figure' }, h('b', {}, number(value)), h('span', { class: 'muted' }, ` ${when}`)),
    sparkline(course),
  )

/**
 * @param {string} title
 * @param {readonly { label: string, note?: string, count: number, course?: readonly number[] }[]} rows
 * @param {{ picture: string, title: string }} nothing
 */
const card = (title, rows, nothing) => {
  const top = Math.max(1, ...rows.map(({ count }) => count))
  return h(
    'section',
    { class: 'card' },
    h('h2', {}, title),
    rows.length === 0
      ? h('p', { class: 'quiet' }, icon(nothing.picture), nothing.title)
      : h(
          'ul',
          { class: 'counts' },
          rows.map(({ label, note = '', count, course }) =>
            h(
              'li',
              {},
              h('span', { class: 'counts-label' }, label, note !== '' && h('small', {}, note)),
              course ? sparkline(course) : share(count / top),
              h('b', { class: 'number' }, number(count)),
            ),
          ),
        ),
  )
}

/** @param {number} part */
const share = (part) => {
  const filled = h('span', { class: 'bar-fill' })
  filled.style.inlineSize = `${Math.max(2, part * 100)}%`
  return h('span', { class: 'bar bar-share', 'aria-hidden': 'true' }, filled)
}

/** @param {readonly number[]} numbers */
const sum = (numbers) => numbers.reduce((total, each) => total + each, 0)

/** @param {number} value */
const number = (value) => value.toLocaleString('en')

/** From one reading to the next. @param {readonly number[]} values */
const steps = (values) => values.slice(1).map((value, index) => Math.max(0, value - (values[index] ?? 0)))

/** What enhanced codes mean (RFC 3463, RFC 4954), as far as one sees them often. @type {Readonly<Record<string, string>>} */
const reasons = {
  '4.2.2': 'Mailbox is full',
  '4.3.0': 'Failure on this side',
  '4.3.2': 'Too busy',
  '4.4.5': 'Too busy',
  '4.7.0': 'Come back later',
  '4.7.1': 'Come back later',
  '5.1.1': 'No such recipient',
  '5.1.2': 'Not a domain of ours',
  '5.1.3': 'Malformed recipient',
  '5.1.7': 'Malformed sender',
  '5.1.8': 'Sender does not exist',
  '5.2.2': 'Mailbox is full',
  '5.3.4': 'Message too large',
  '5.4.6': 'Loop',
  '5.5.1': 'Out of order',
  '5.5.2': 'Not understood',
  '5.6.0': 'Malformed message',
  '5.7.0': 'Policy',
  '5.7.1': 'Policy',
  '5.7.8': 'Wrong password',
  '5.7.20': 'DKIM',
  '5.7.23': 'SPF',
  '5.7.25': 'No name for the address (PTR)',
  '5.7.26': 'DMARC',
  '5.7.27': 'Sender accepts no mail',
}

/**
 * @param {string} code
 * @param {string} enhanced
 */
const reasonOf = (code, enhanced) => reasons[enhanced] ?? (code.startsWith('4') ? 'Refused for now' : 'Refused')

/** @param {import('../stats.js').Reading} reading */
const upFor = ({ uptimeSeconds, startedAt }) => {
  const started = new Date(startedAt)
  return h('span', { title: `Since ${started.toLocaleString('en')}` }, `Up for ${spanOf(uptimeSeconds)}`)
}

/** @param {number} seconds */
const spanOf = (seconds) => {
  const units = /** @type {const} */ ([
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ])
  const [name, size] = units.find(([, size]) => seconds >= size) ?? ['second', 1]
  const count = Math.floor(seconds / size)
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
