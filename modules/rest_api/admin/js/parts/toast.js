import { fill, h, icon } from '../dom.js'

const shownFor = 7000

/**
 * Says what has been done, and goes away by itself.
 *
 * @param {string} text
 */
export const toast = (text) => {
  const region = document.getElementById('announcements')
  const message = h('div', { class: 'toast' }, icon('check'), h('span', {}, text))
  region?.append(message)
  setTimeout(() => message.remove(), shownFor)
}

/** Takes everything away that has been said. */
export const clearToasts = () => {
  const region = document.getElementById('announcements')
  if (region) fill(region)
}
