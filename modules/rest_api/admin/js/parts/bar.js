import { exactBytes, formatBytes, percentOf } from '../bytes.js'
import { h } from '../dom.js'

/**
 * How full something is, drawn. Without a limit there is nothing to compare with: then `share` (0 to 1) may say what part of
 * something else it is.
 *
 * @param {{ used: import('../bytes.js').Bytes, limit: import('../bytes.js').Bytes, label: string, share?: number }} usage
 */
export const bar = ({ used, limit, label, share }) => {
  const percent = percentOf(used, limit)
  const shown = percent ?? (share === undefined ? undefined : share * 100)
  const filled = h('span', { class: 'bar-fill' })
  filled.style.inlineSize = `${widthOf(shown ?? 0)}%`
  const text =
    percent === undefined ? `${formatBytes(used)}, no limit` : `${formatBytes(used)} of ${formatBytes(limit)}`
  return h(
    'span',
    {
      class: `bar ${percent === undefined ? 'bar-open' : levelOf(percent)}`,
      role: 'meter',
      'aria-label': label,
      'aria-valuemin': 0,
      'aria-valuemax': 100,
      'aria-valuenow': Math.round(Math.min(100, shown ?? 0)),
      'aria-valuetext': text,
      title: Number(limit) === 0 ? exactBytes(used) : `${exactBytes(used)} of ${exactBytes(limit)}`,
    },
    filled,
  )
}

/** A little is never drawn as nothing. @param {number} percent */
const widthOf = (percent) => (percent === 0 ? 0 : Math.min(100, Math.max(1.5, percent)))

/** @param {number} percent */
export const levelOf = (percent) => (percent >= 100 ? 'full' : percent >= 80 ? 'nearly-full' : 'fine')

/** @param {number} percent */
export const formatPercent = (percent) =>
  percent > 0 && percent < 1 ? 'under 1%' : `${Math.min(999, Math.floor(percent))}%`
