import { h } from '../dom.js'
import { button } from '../parts/states.js'
import { openDeleteMailbox, openDeleteUser } from './delete.js'

/**
 * What cannot be undone. `quota` is null when there is no mailbox, and undefined when that is not known.
 *
 * @param {import('../shell.js').Surroundings} surroundings
 * @param {{ name: string, hasUser: boolean, quota: import('../store.js').UserQuota | null | undefined,
 *   changed: () => Promise<void> }} state
 */
export const dangerCard = (surroundings, { name, hasUser, quota, changed }) =>
  h(
    'section',
    { class: 'card danger' },
    h('h2', {}, 'Delete'),
    quota !== null &&
      dangerous(
        'Mailbox',
        hasUser
          ? 'Deletes all its mail. The user stays, and gets an empty mailbox with the next sign-in.'
          : 'Deletes all its mail. Nobody can sign in to it now.',
        button('Delete mailbox…', () => openDeleteMailbox(surroundings, { name, hasUser, quota, changed }), {
          picture: 'trash',
          kind: 'button-risky',
        }),
      ),
    hasUser &&
      dangerous(
        'User',
        quota !== null ? 'Ends the sign-in. You choose whether the mail goes, too.' : 'Ends the sign-in.',
        button('Delete user…', () => openDeleteUser(surroundings, { name, quota }), {
          picture: 'trash',
          kind: 'button-risky',
        }),
      ),
  )

/**
 * @param {string} what
 * @param {string} text
 * @param {Node} action
 */
const dangerous = (what, text, action) =>
  h('div', { class: 'danger-row' }, h('div', {}, h('strong', {}, what), h('p', {}, text)), action)
