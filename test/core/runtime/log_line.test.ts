import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SmtpError } from '../../../core/kit/smtp/error.ts'
import type { Fields } from '../../../core/log.ts'
import { makeLogger } from '../../../core/runtime/log.ts'
import { formatLine, type LogLine } from '../../../core/runtime/log_line.ts'

const time = new Date('2031-05-06T07:08:09.010Z')
const line = (event: string, fields: Fields = {}, name = '') => formatLine({ time, debug: false, name, event, fields })

/** What a logger writes of an error. */
const errorLine = (error: unknown, fields: Fields = {}): string => {
  const lines: LogLine[] = []
  makeLogger({ write: (each) => lines.push(each) }, 'm', false).error('failed', error, fields)
  return lines.map(formatLine).join('\n')
}

const cases: Readonly<Record<string, readonly [string, string]>> = {
  'a line has a name, an event, a tab and sorted fields': [
    line('route chosen', { rcpt: 'u@x.test', msg_id: 'ab12' }, 'smtp/pipeline'),
    'smtp/pipeline: route chosen\t{"msg_id":"ab12","rcpt":"u@x.test"}',
  ],
  'a line without fields ends with the tab': [line('stopping'), 'stopping\t'],
  'a field that is undefined is left out, and null is kept': [line('e', { a: undefined, b: null }), 'e\t{"b":null}'],
  'HTML is escaped as maddy does': [line('e', { a: '<a&b>' }), 'e\t{"a":"\\u003ca\\u0026b\\u003e"}'],
  'line breaks and tabs of an event are escaped': [line('a\r\nb\tc'), 'a\\r\\nb\\tc\t'],
  'line breaks of a field are escaped': [line('e', { a: 'x\ny\u2028' }), 'e\t{"a":"x\\ny\\u2028"}'],
  'half a character is replaced': [line('e', { a: '\ud800' }), 'e\t{"a":"\ufffd"}'],
  'times have no zone': [line('e', { at: time }), 'e\t{"at":"2031-05-06T07:08:09.010"}'],
  'errors are shown by their text': [line('e', { a: new Error('no') }), 'e\t{"a":"no"}'],
  'keys are sorted at every level': [
    line('e', { a: { d: 1, c: [{ z: 1, y: 2 }] } }),
    'e\t{"a":{"c":[{"y":2,"z":1}],"d":1}}',
  ],
  'what is no JSON is shown by its text': [
    line('e', { a: 10n, b: Number.NaN, c: new Set([1]) }),
    'e\t{"a":"10","b":"NaN","c":[1]}',
  ],
  'a circle ends': [
    (() => {
      const circle: { self?: unknown } = {}
      circle.self = circle
      return line('e', { circle })
    })(),
    'e\t{"circle":{"self":"[circular]"}}',
  ],
  'an error gives its reason': [errorLine(new Error('no route')), 'm: failed\t{"reason":"no route"}'],
  'the reason has the causes too': [
    errorLine(new Error('cannot dial', { cause: new Error('refused') })),
    'm: failed\t{"reason":"cannot dial: refused"}',
  ],
  'an SmtpError gives code, enhanced code, message and its own fields': [
    errorLine(SmtpError.permanent(552, '5.2.2', 'Mailbox is full', { rcpt: 'a@b' })),
    'm: failed\t{"rcpt":"a@b","reason":"Mailbox is full","smtp_code":552,"smtp_enchcode":"5.2.2","smtp_msg":"Mailbox is full"}',
  ],
  'the reason of an SmtpError is its cause': [
    errorLine(SmtpError.temporary(451, '4.3.0', 'Internal server error', { cause: new Error('disk full') })),
    'm: failed\t{"reason":"disk full","smtp_code":451,"smtp_enchcode":"4.3.0","smtp_msg":"Internal server error"}',
  ],
  'fields of an outer error win over those of its cause': [
    errorLine(
      SmtpError.permanent(550, '5.1.1', 'a', {
        x: 'outer',
        cause: SmtpError.permanent(554, '5.0.0', 'b', { x: 'inner', y: 1 }),
      }),
    ),
    'm: failed\t{"reason":"b","smtp_code":550,"smtp_enchcode":"5.1.1","smtp_msg":"a","x":"outer","y":1}',
  ],
  'fields of the call win over all': [errorLine(new Error('no'), { reason: 'yes' }), 'm: failed\t{"reason":"yes"}'],
}
for (const [title, [written, expected]] of Object.entries(cases)) {
  test(title, () => assert.equal(written, expected))
}

test('a text that a stranger made long is cut', () => {
  assert.ok(line('e', { a: 'x'.repeat(1_000_000) }).length < 20_000)
})

test('a logger of a part has the name of both, and keeps its fields', () => {
  const lines: LogLine[] = []
  const log = makeLogger({ write: (each) => lines.push(each) }, 'smtp', false)
  log.with({ msg_id: 'x' }).part('sasl').info('e', { a: 1 })
  assert.deepEqual(lines.map(formatLine), ['smtp/sasl: e\t{"a":1,"msg_id":"x"}'])
})

test('debug lines are written by loggers that debug, and by no others', () => {
  const lines: LogLine[] = []
  const sink = { write: (each: LogLine) => lines.push(each) }
  makeLogger(sink, 'a', true).debug('shown')
  makeLogger(sink, 'b', false).debug('hidden')
  assert.deepEqual(
    lines.map(({ event, debug }) => [event, debug]),
    [['shown', true]],
  )
})

test('a mistake in a program is logged with its stack', () => {
  assert.match(errorLine(new TypeError('x is not a function')), /"stack":"TypeError: x is not a function\\n/)
})
