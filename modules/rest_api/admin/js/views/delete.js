import { formatBytes } from '../bytes.js'
import { h, icon } from '../dom.js'
import { FieldProblem, openDialog } from '../parts/dialog.js'
import { choice, field, writtenIn } from '../parts/fields.js'
import { toast } from '../parts/toast.js'

/** @param {import('../store.js').UserQuota | undefined} quota */
const mailIn = (quota) => {
  if (!quota) return 'All messages'
  const { mailboxes, usedBytes } = quota
  const count = mailboxes.reduce((sum, { messageCount }) => sum + messageCount, 0)
  return `${count.toLocaleString('en')} ${count === 1 ? 'message' : 'messages'} (${formatBytes(usedBytes)})`
}

/** Nobody deletes mail by a slip of the finger. @param {string} name */
const confirmation = (name) =>
  field({
    name: 'confirmation',
    label: `Write ${name} to confirm`,
    props: { type: 'text', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false' },
  })

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 */
const confirmed = (form, name) => {
  if (writtenIn(form, 'confirmation') !== name) throw new FieldProblem('confirmation', 'This is not the address')
}

/** @param {...import('../dom.js').Child} text */
const warning = (...text) => h('p', { class: 'notice notice-bad' }, icon('alert'), h('span', {}, text))

/**
 * Deletes a user, and the mailbox when one says so.
 *
 * @param {import('../shell.js').Surroundings} surroundings
 * @param {{ name: string, quota: import('../store.js').UserQuota | null | undefined }} user
 *   `quota` is null when there is no mailbox, and undefined when that is not known
 */
export const openDeleteUser = ({ api, store, go }, { name, quota }) => {
  const more = h(
    'div',
    { class: 'choice-more', hidden: true },
    warning(`${mailIn(quota ?? undefined)} will be gone for good.`),
    confirmation(name),
  )
  const { form, button } = openDialog({
    title: 'Delete user',
    action: 'Delete user',
    danger: true,
    body: [
      h('p', {}, h('b', {}, name), ' will not be able to sign in any more.'),
      quota !== null &&
        h(
          'fieldset',
          { class: 'choices' },
          h('legend', {}, 'And the mailbox?'),
          choice({
            name: 'mailbox',
            value: 'keep',
            checked: true,
            label: 'Keep the mailbox',
            text: `${mailIn(quota ?? undefined)} stay, and new mail is still accepted. A user by the same name would see it again.`,
          }),
          choice(
            {
              name: 'mailbox',
              value: 'delete',
              label: 'Delete the mailbox',
              text: 'With all its mail. Mail to the address is refused.',
            },
            more,
          ),
        ),
    ],
    submit: async (form) => {
      const everything = writtenIn(form, 'mailbox') === 'delete'
      if (everything) confirmed(form, name)
      await api.request('DELETE', `v1/users/${encodeURIComponent(name)}${everything ? '?delete_mailbox=true' : ''}`)
      await Promise.all([store.loadUsers(), store.want(name, { fresh: true })]) // whose mailbox is still to be seen
      toast(everything ? `${name} and its mail are gone` : `${name} cannot sign in any more; the mailbox stays`)
      go('#/users')
    },
  })
  form.addEventListener('change', () => {
    const everything = writtenIn(form, 'mailbox') === 'delete'
    more.hidden = !everything
    button.textContent = everything ? 'Delete user and mail' : 'Delete user'
  })
}

/**
 * Deletes a mailbox, and not the user.
 *
 * @param {import('../shell.js').Surroundings} surroundings
 * @param {{ name: string, hasUser: boolean, quota: import('../store.js').UserQuota | undefined, changed: () => Promise<void> }} mailbox
 */
export const openDeleteMailbox = ({ api, store, go }, { name, hasUser, quota, changed }) => {
  openDialog({
    title: 'Delete mailbox',
    action: 'Delete all mail',
    danger: true,
    body: [warning(`${mailIn(quota)} of `, h('b', {}, name), ' will be gone for good.'), confirmation(name)],
    submit: async (form) => {
      confirmed(form, name)
      await api.request('DELETE', `v1/users/${encodeURIComponent(name)}/mailboxes`)
      toast(`The mailbox of ${name} is gone`)
      if (hasUser) return await changed()
      await store.want(name, { fresh: true })
      go('#/users')
    },
  })
}
