import { ApiError } from '../api.js'
import { FieldProblem, openDialog } from '../parts/dialog.js'
import { choice, field, passwordField, passwordOf, writtenIn } from '../parts/fields.js'
import { toast } from '../parts/toast.js'
import { userPath } from '../paths.js'

/**
 * Asks for a new user. `name` is that of a mailbox which has none.
 *
 * @param {import('../shell.js').Surroundings} surroundings
 * @param {{ name?: string, domain?: string }} [given]
 */
export const openCreateUser = ({ api, store, go }, { name = '', domain = '' } = {}) => {
  const ofMailbox = name !== ''
  const { form } = openDialog({
    title: ofMailbox ? 'Create its user' : 'New user',
    action: 'Create user',
    body: [
      field({
        name: 'username',
        label: 'E-mail address',
        props: {
          type: 'text',
          inputmode: 'email',
          autocomplete: 'off',
          autocapitalize: 'off',
          spellcheck: 'false',
          placeholder: `name@${domain || store.domains[0] || 'example.org'}`,
          value: name,
          readonly: ofMailbox,
        },
      }),
      passwordField('Password'),
      !ofMailbox &&
        choice({
          type: 'checkbox',
          name: 'mailbox',
          value: 'yes',
          checked: true,
          label: 'Create a mailbox',
          text: 'With the usual folders for sent mail, trash, junk, drafts and the archive. Without it, mail is refused until there is one.',
        }),
    ],
    submit: async (form) => {
      const username = writtenIn(form, 'username')
      if (!/^[^@\s]+@[^@\s]+$/.test(username)) throw new FieldProblem('username', 'Write an e-mail address')
      const password = passwordOf(form)
      const createMailboxes = writtenIn(form, 'mailbox') === 'yes'
      try {
        await api.request('POST', 'v1/users', { body: { username, password, createMailboxes } })
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 409)) throw error
        throw new FieldProblem('username', 'There is a user by this name already')
      }
      store.forget(username.toLowerCase())
      await store.loadUsers() // they have the name as the server writes it
      toast(`${username} can sign in now`)
      const known = store.hasUser(username) ? username : username.toLowerCase()
      go(store.hasUser(known) ? userPath(known) : '#/users')
    },
  })
  if (ofMailbox) form.querySelector('input[name=password]')?.setAttribute('autofocus', '')
  const first = form.elements.namedItem(ofMailbox ? 'password' : 'username')
  if (first instanceof HTMLElement) first.focus()
}
