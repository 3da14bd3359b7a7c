import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Address } from '../../../core/index.ts'
import { Modifier } from '../../../core/index.ts'
import { formatAddress, parseAddress } from '../../../core/kit/address/index.ts'
import { instance, serve } from '../../support/server.ts'
import { sampleEnvelope } from '../../support/target.ts'
import { dial } from '../../support/wire.ts'

/** A static table with these entries. */
const table = (...entries: string[]) => `static {\n${entries.map((entry) => `entry ${entry}`).join('\n')}\n}`

/** What becomes of a recipient. */
const recipients = async (written: string, address: Address | string): Promise<readonly string[]> => {
  await using modifier = await instance(Modifier, `modifiers m {\nreplace_rcpt ${written}\n}`)
  const modification = modifier.api.begin(sampleEnvelope('a@b.example'))
  const to = typeof address === 'string' ? parseAddress(address) : address
  return ((await modification.recipient?.(to)) ?? [to]).map(formatAddress)
}

/** What becomes of a sender, `''` being `<>`. */
const sender = async (written: string, address: string): Promise<string> => {
  await using modifier = await instance(Modifier, `modifiers m {\nreplace_sender ${written}\n}`)
  const modification = modifier.api.begin(sampleEnvelope('a@b.example'))
  const from = await modification.sender?.(address === '' ? null : parseAddress(address))
  return from ? formatAddress(from) : ''
}

const deferred = (reason: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Error && 'code' in error && 'enhanced' in error)
  assert.deepEqual([error.code, error.enhanced, error.message], [451, '4.3.0', 'Internal server error'])
  assert.match(String(error.cause), reason)
  return true
}

test('an entry for a local part replaces it, at the same domain in its clean form', async () => {
  assert.deepEqual(await recipients(table('info ops'), 'Info@A.example'), ['ops@a.example'])
})

test('an entry for the whole address counts before one for its local part', async () => {
  const entries = table('info ops', 'info@a.example boss@b.example')
  assert.deepEqual(await recipients(entries, 'info@a.example'), ['boss@b.example'])
})

test('a whole address may stand for a local part', async () => {
  assert.deepEqual(await recipients(table('info x@b.example'), 'info@a.example'), ['x@b.example'])
})

test('a local part in quotes may hold an @', async () => {
  assert.deepEqual(await recipients(table('info "\\"x@y\\""'), 'info@a.example'), ['x@y@a.example'])
})

test('a local part that needs quotes may be written without', async () => {
  assert.deepEqual(await recipients(table('info "in fo"'), 'info@a.example'), ['in fo@a.example'])
})

test('a whole address whose local part has quotes is one', async () => {
  assert.deepEqual(await recipients(table('info "\\"in fo\\"@b.example"'), 'info@a.example'), ['in fo@b.example'])
})

test('a key of the table has U-labels, whatever the address was written with', async () => {
  const entries = table('info@bücher.example x@b.example')
  assert.deepEqual(await recipients(entries, 'info@xn--bcher-kva.example'), ['x@b.example'])
})

test('a key of the table has no quotes', async () => {
  assert.deepEqual(await recipients(table('"in fo@a.example" x@b.example'), '"in fo"@a.example'), ['x@b.example'])
})

test('a key of the table with capital letters is never met', async () => {
  assert.deepEqual(await recipients(table('Info@A.example x@b.example', 'Info y'), 'Info@A.example'), [
    'Info@a.example',
  ])
})

test('an address that the table does not know stays as it is', async () => {
  const to = { local: 'Info', domain: 'a.example' }
  await using modifier = await instance(Modifier, `modifiers m {\nreplace_rcpt ${table('x y')}\n}`)
  const [found, another] = (await modifier.api.begin(sampleEnvelope('')).recipient?.(to)) ?? []
  assert.equal(found, to)
  assert.equal(another, undefined)
})

test('the domain of an address is no key', async () => {
  const entries = table('a.example x@b.example', '@a.example x@b.example')
  assert.deepEqual(await recipients(entries, 'info@a.example'), ['info@a.example'])
})

test('a recipient may have several replacements, equal ones too', async () => {
  const entries = table('list ann bob ann')
  assert.deepEqual(await recipients(entries, 'list@a.example'), ['ann@a.example', 'bob@a.example', 'ann@a.example'])
})

test('a sender has the first of several replacements', async () => {
  assert.equal(await sender(table('list ann bob'), 'list@a.example'), 'ann@a.example')
})

test('a replacement is not looked up again', async () => {
  assert.deepEqual(await recipients(table('a b', 'b c'), 'a@a.example'), ['b@a.example'])
})

test('modifiers of one block work on what the one before has made', async () => {
  const second = `${table('list ann bob')}\nreplace_rcpt ${table('ann carl')}`
  assert.deepEqual(await recipients(second, 'list@a.example'), ['carl@a.example', 'bob@a.example'])
})

test('a regular expression may replace whole domains', async () => {
  const written = 'regexp "(.+)@old.example" "$1@new.example"'
  assert.deepEqual(await recipients(written, 'Ann@old.example'), ['ann@new.example'])
})

test('bare postmaster may become an address', async () => {
  assert.deepEqual(await recipients(table('postmaster admin@a.example'), 'Postmaster'), ['admin@a.example'])
})

test('bare postmaster may not become a bare name, for want of a domain', async () => {
  await assert.rejects(recipients(table('postmaster admin'), 'postmaster'), deferred(/"admin"/))
})

test('postmaster of a domain may become a bare name', async () => {
  assert.deepEqual(await recipients(table('postmaster admin'), 'postmaster@a.example'), ['admin@a.example'])
})

for (const value of ['not-an-address', '@b.example', 'x@', 'x@b..example', '"a b@c.example"', '""']) {
  test(`an entry of ${value} for a whole address defers the message, and the log names it`, async () => {
    const named = new RegExp(JSON.stringify(value.replaceAll('"', '')))
    await assert.rejects(recipients(table(`info@a.example ${value}`), 'info@a.example'), deferred(named))
  })
}

for (const value of ['x@', '@b.example', '""', 'a\tb']) {
  test(`an entry of ${JSON.stringify(value)} for a local part defers the message`, async () => {
    await assert.rejects(recipients(table(`info ${value.includes('\t') ? `"${value}"` : value}`), 'info@a.example'), {
      code: 451,
      enhanced: '4.3.0',
    })
  })
}

test('a table that cannot answer defers the message', async () => {
  const written = 'sql_query {\ndriver sqlite3\ndsn :memory:\nlookup "SELECT NULL WHERE $1 = $1"\n}'
  await assert.rejects(recipients(written, 'info@a.example'), deferred(/NULL/i))
})

test('the null sender is looked up as an empty key', async () => {
  assert.equal(await sender(table('"" daemon@a.example'), ''), 'daemon@a.example')
  assert.equal(await sender(table('x y'), ''), '')
})

test('a table of its own block may be named', async () => {
  const conf = `table.static aliases {\nentry info ops\n}\nmodifiers m {\nreplace_rcpt &aliases\n}`
  await using modifier = await instance(Modifier, conf, { name: 'm' })
  const found = await modifier.api.begin(sampleEnvelope('')).recipient?.(parseAddress('info@a.example'))
  assert.deepEqual(found?.map(formatAddress), ['ops@a.example'])
})

for (const name of ['replace_rcpt', 'replace_sender']) {
  for (const table of ['identity', 'email_localpart']) {
    test(`${name} ${table} is an error that shows the way out`, async () => {
      await assert.rejects(instance(Modifier, `modifiers m {\n${name} ${table}\n}`), (error: Error) => {
        assert.match(error.message, new RegExp(`:2:${name.length + 2}: .*chain \\{ step ${table} \\}`))
        return true
      })
    })
  }

  test(`${name} takes what a chain makes of a table with one value`, async () => {
    const chain = 'chain {\nstep email_localpart\nstep email_with_domain y.example\n}'
    const changed =
      name === 'replace_rcpt' ? await recipients(chain, 'any@x.example') : [await sender(chain, 'any@x.example')]
    assert.deepEqual(changed, ['any@y.example'])
  })

  test(`${name} without a table is an error, at the top level too`, async () => {
    const needs = /needs a table after its name/
    await assert.rejects(instance(Modifier, `modifiers m {\n${name}\n}`), needs)
    await assert.rejects(instance(Modifier, `modify.${name} m { }`), needs)
  })
}

test('a server routes by what modifiers have made of sender and recipient', async () => {
  await using server = await serve(`
    table.static aliases {
      entry info ops
      entry list ann@a.example bob@a.example
      entry bad not-an-address
      entry bad@a.example not-an-address
    }
    smtp tcp://127.0.0.1:0 {
      hostname mx.h.example
      tls off
      defer_sender_reject no
      modify {
        replace_sender static {
          entry old@b.example new@b.example
        }
        replace_rcpt &aliases
      }
      source new@b.example {
        destination ops@a.example ann@a.example bob@a.example { deliver_to dummy }
        default_destination { reject 550 5.1.1 "No such user" }
      }
      default_source { reject 550 5.7.1 "Not you" }
    }`)
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<Old@B.example>', '250 *')
  await client.command('RCPT TO:<Info@a.example>', '250 *')
  await client.command('RCPT TO:<list@a.example>', '250 *')
  await client.command('RCPT TO:<nobody@a.example>', '550 5.1.1 No such user *')
  await client.command('RCPT TO:<bad@a.example>', '451 4.3.0 Internal server error *')
  assert.match(await server.log(), /RCPT error.*not-an-address/)
  await client.command('MAIL FROM:<other@b.example>', '250 *')
  await client.command('RCPT TO:<info@a.example>', '550 5.7.1 Not you *')
})
