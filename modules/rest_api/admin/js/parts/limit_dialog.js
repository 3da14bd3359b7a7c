import { exactBytes, formatBytes, parseBytes, writtenBytes } from '../bytes.js'
import { fill, h, newId } from '../dom.js'
import { FieldProblem, openDialog } from './dialog.js'
import { choice, writtenIn } from './fields.js'

const usual = ['1 GB', '5 GB', '10 GB', '50 GB']

/**
 * Asks for a limit. `submit` gets its bytes, 0 for none; null when it is to be that of the domain.
 *
 * @param {{ title: string, limit: import('../bytes.js').Bytes, now: 'size' | 'none' | 'inherited', used: number,
 *   inherit?: string | undefined, explanation: string, submit: (limit: bigint | null) => Promise<void> }} options
 *   `inherit` says what the domain gives; without it, that is no choice
 */
export const openLimitDialog = ({ title, limit, now, used, inherit, explanation, submit }) => {
  const preview = h('span', {})
  const id = newId()
  const input = h('input', {
    id,
    name: 'size',
    value: now === 'size' ? writtenBytes(limit) : '',
    placeholder: '10 GB',
    inputmode: 'text',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    'aria-label': 'Size of the limit',
    'aria-describedby': `${id}-preview ${id}-problem`,
  })
  const own = choice(
    {
      name: 'limit',
      value: 'size',
      checked: now === 'size',
      label: inherit === undefined ? 'A limit' : 'Its own limit',
    },
    h(
      'div',
      { class: 'choice-more' },
      h('div', { class: 'input-row' }, input),
      h(
        'div',
        { class: 'chips' },
        usual.map((size) => h('button', { type: 'button', class: 'chip', on: { click: () => take(size) } }, size)),
      ),
      h('p', { class: 'hint', id: `${id}-preview` }, preview),
      h('p', { class: 'field-problem', id: `${id}-problem`, 'data-problem-of': 'size' }),
    ),
  )
  const radio = /** @type {HTMLInputElement} */ (own.querySelector('[type=radio]'))
  const show = () => {
    const bytes = attempt(input.value)
    const below = bytes !== undefined && bytes < BigInt(used)
    fill(preview, bytes === undefined ? 'KB, MB, GB or TB; each is 1024 of the one before' : `= ${exactBytes(bytes)}`)
    if (below)
      preview.append(`. Less than the ${formatBytes(used)} in use: nothing is deleted, but new mail is refused`)
  }
  const take = (/** @type {string} */ size) => {
    input.value = size
    radio.checked = true
    show()
  }
  input.addEventListener('input', () => {
    radio.checked = true
    show()
  })
  show()
  const body = [
    h('p', {}, explanation),
    h(
      'fieldset',
      { class: 'choices' },
      h('legend', { class: 'visually-hidden' }, 'Limit'),
      inherit !== undefined &&
        choice({
          name: 'limit',
          value: 'inherited',
          checked: now === 'inherited',
          label: 'As its domain',
          text: inherit,
        }),
      own,
      choice({
        name: 'limit',
        value: 'none',
        checked: now === 'none',
        label: 'No limit',
        text: 'It may use all the space there is',
      }),
    ),
  ]
  openDialog({
    title,
    action: 'Save',
    body,
    submit: async (form) => {
      const wanted = writtenIn(form, 'limit')
      await submit(wanted === 'inherited' ? null : wanted === 'none' ? 0n : read(input.value))
    },
  })
}

/** @param {string} written */
const attempt = (written) => {
  try {
    return parseBytes(written)
  } catch {
    return undefined
  }
}

/** @param {string} written */
const read = (written) => {
  try {
    return parseBytes(written)
  } catch (error) {
    throw new FieldProblem('size', error instanceof RangeError ? error.message : String(error))
  }
}
