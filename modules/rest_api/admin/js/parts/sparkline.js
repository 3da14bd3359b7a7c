import { svg } from '../dom.js'

const width = 120
const height = 28

/** Fewer values than that do not fill the width. */
const fewest = 20

/**
 * The course of a number. What it is now stands beside it in words.
 *
 * @param {readonly number[]} values oldest first, evenly spaced
 */
export const sparkline = (values) => {
  const room = Math.max(fewest, values.length)
  const top = Math.max(1, ...values)
  const x = (/** @type {number} */ index) => width - (values.length - 1 - index) * (width / (room - 1))
  const y = (/** @type {number} */ value) => height - 2 - (value / top) * (height - 4)
  const points = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`)
  const [first = 0] = [values.length > 0 ? x(0) : width]
  return svg(
    'svg',
    { class: 'sparkline', viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg('polygon', { points: [`${first.toFixed(1)},${height}`, ...points, `${width},${height}`].join(' ') }),
    svg('polyline', { points: points.join(' ') }),
  )
}
