import { h } from '../dom.js'
import { openDialog } from '../parts/dialog.js'
import { passwordField, passwordOf } from '../parts/fields.js'
import { toast } from '../parts/toast.js'

/**
 * Asks for another password of a user.
 *
 * @param {import('../shell.js').Surroundings} surroundings
 * @param {string} name
 */
export const openPassword = ({ api }, name) => {
  const { form } = openDialog({
    title: 'Change password',
    action: 'Change password',
    body: [
      h(
        'p',
        {},
        'The password that ',
        h('b', {}, name),
        ' signs in with. Mail programs that are open have to be told.',
      ),
      passwordField('New password'),
    ],
    submit: async (form) => {
      await api.request('POST', `v1/users/${encodeURIComponent(name)}/password`, {
        body: { password: passwordOf(form) },
      })
      toast(`${name} has a new password`)
    },
  })
  const input = form.elements.namedItem('password')
  if (input instanceof HTMLElement) input.focus()
}
