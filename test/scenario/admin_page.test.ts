import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, afterEach, before, test } from 'node:test'
import puppeteer, { type Browser, type HTTPRequest, type HTTPResponse, type Page } from 'puppeteer-core'
import { ImapClient } from '../bench/load/imap_client.ts'
import { type ApiServer, admin, serveApi } from '../modules/rest_api/support.ts'
import { dial } from '../support/wire.ts'
import { unless } from './programs.ts'

const chromium = unless('chromium')
const password = 'a pass phrase of ann'

/** One server and one browser for all tests of this file, each of which has users of its own. */
let own: ApiServer
let browser: Browser
/** The page as most tests find it: somebody has signed in. */
let admins: Visit

before(async () => {
  const executablePath = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'chromium'))
    .find(existsSync)
  if (executablePath === undefined) return
  own = await serveApi()
  // Its sandbox needs rights that root gives up in many containers. The only page it ever sees is ours.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  browser = await puppeteer.launch({ executablePath, args })
  admins = await signedIn()
})

afterEach(() => assert.deepEqual(admins?.complaints ?? [], []))

after(async () => {
  await browser?.close()
  await own?.[Symbol.asyncDispose]()
})

interface Visit extends AsyncDisposable {
  readonly page: Page
  /** Presses what has that name for people who cannot see it. */
  press(name: string, role?: string): Promise<void>
  /** Writes into the field with that label, in place of what was there. */
  write(label: string, text: string, role?: string): Promise<void>
  /** Waits until the page says so, somewhere. */
  says(text: string): Promise<void>
  /** Goes to another view. */
  go(hash: string, heading: string): Promise<void>
  /** What the page complained of in the console, or threw. */
  readonly complaints: readonly string[]
  readonly answers: readonly HTTPResponse[]
}

/** Opens the page; the size is that of a desktop unless another is given. */
const visit = async ({ width = 1100, height = 800, port = own.server.port('rest_api') } = {}): Promise<Visit> => {
  const context = await browser.createBrowserContext()
  const page = await context.newPage()
  page.setDefaultTimeout(8000)
  await page.setViewport({ width, height, isMobile: width < 500, hasTouch: width < 500 })
  const complaints: string[] = []
  const answers: HTTPResponse[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('dialog', (dialog) => {
    complaints.push(`a box of the browser: ${dialog.message()}`)
    dialog.dismiss().catch(() => {})
  })
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) complaints.push(message.text())
  })
  page.on('response', (response) => answers.push(response))
  await page.goto(`http://127.0.0.1:${port}/admin`)
  const says = async (text: string) => {
    await page.waitForFunction(`document.body.innerText.includes(${JSON.stringify(text)})`)
  }
  return {
    page,
    complaints,
    answers,
    says,
    press: (name, role = 'button') => page.locator(`::-p-aria([name="${name}"][role="${role}"])`).click(),
    write: (label, text, role = 'textbox') => page.locator(`::-p-aria([name="${label}"][role="${role}"])`).fill(text),
    async go(hash, heading) {
      await page.evaluate(`location.assign(${JSON.stringify(hash)})`)
      await page.waitForFunction(`document.querySelector('h1')?.innerText.startsWith(${JSON.stringify(heading)})`)
    },
    [Symbol.asyncDispose]: () => context.close(),
  }
}

const signIn = async (visit: Visit, { email, password } = admin): Promise<void> => {
  await visit.write('E-mail address', email)
  await visit.write('Password', password)
  await visit.press('Sign in')
}

/** Opens the page as the administrator. */
const signedIn = async (options: Parameters<typeof visit>[0] = {}): Promise<Visit> => {
  const opened = await visit(options)
  await signIn(opened)
  await opened.says('New user')
  return opened
}

/** Answers requests to a path in place of the server, as long as `answer` gives something, until it is disposed of. */
const intercept = async (
  { page }: Visit,
  path: string,
  answer: () => { status: number; headers: Record<string, string> } | undefined,
): Promise<AsyncDisposable> => {
  const decide = (request: HTTPRequest) => {
    const given = new URL(request.url()).pathname === path ? answer() : undefined
    void (given ? request.respond(given) : request.continue())
  }
  await page.setRequestInterception(true)
  page.on('request', decide)
  return {
    async [Symbol.asyncDispose]() {
      page.off('request', decide)
      await page.setRequestInterception(false)
    },
  }
}

const create = async (username: string, createMailboxes: boolean): Promise<void> => {
  const { status, text } = await own.api.post('/v1/users', { username, password, createMailboxes })
  assert.equal(status, 201, text)
}

/** Writes users into the table, since hashing their passwords would take its time. */
const insert = ({ server }: ApiServer, names: readonly string[]): void => {
  using credentials = new DatabaseSync(join(server.directory, 'credentials.db'))
  const values = names.map(() => `(?, 'bcrypt:')`)
  credentials.prepare(`INSERT INTO passwords VALUES ${values.join()}`).run(...names)
}

/** What a server that wants to deliver is told of a recipient. */
const deliver = async (to: string, expected: string): Promise<void> => {
  await using client = await dial(own.server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<friend@client.example>', '250 *')
  await client.command(`RCPT TO:<${to}>`, expected)
  if (!expected.startsWith('250')) return
  await client.command('DATA', '354 *')
  await client.command('Subject: hello\r\n\r\nHello.\r\n.', '250 *')
}

/** Logs in over IMAP; the names of the mailboxes, and how many messages the INBOX has. */
const mailboxesOf = async (user: string, secret = password): Promise<{ names: string[]; messages: number }> => {
  using client = await ImapClient.login(own.server.port('imap'), { user, password: secret })
  const listed = await client.ok('LIST "" *')
  const names = listed.flatMap(({ text }) => / "?([^" ]+)"?$/.exec(text)?.[1] ?? []).toSorted()
  const [status] = await client.ok('STATUS INBOX (MESSAGES)')
  return { names, messages: Number(/MESSAGES (\d+)/.exec(status?.text ?? '')?.[1]) }
}

test('a wrong password is refused on the page itself: the browser never asks for one', chromium, async () => {
  await using another = await visit()
  await signIn(another, { ...admin, password: 'wrong' })
  await another.page.waitForSelector('[role=alert] ::-p-text(The e-mail address or the password is wrong.)')
  const refused = another.answers.filter((answer) => answer.status() === 401)
  assert.equal(refused.length, 1)
  assert.equal(refused[0]?.headers()['www-authenticate'], undefined)
  await signIn(another)
  await another.says('New user')
  assert.deepEqual(another.complaints, [])
})

test('signing out forgets the password, and so does reloading; it is stored nowhere', chromium, async () => {
  await using another = await signedIn()
  const stored = await another.page.evaluate('[localStorage.length, sessionStorage.length, document.cookie]')
  assert.deepEqual(stored, [0, 0, ''])
  await another.press('Sign out')
  await another.page.waitForSelector('form.sign-in')
  await signIn(another)
  await another.says('New user')
  await another.page.reload()
  await another.page.waitForSelector('form.sign-in')
})

test('workflow A: a user without a mailbox can sign in, and mail is refused until there is one', chromium, async () => {
  await admins.go('#/users', 'Users')
  await admins.press('New user')
  await admins.write('E-mail address', 'ada@a.test')
  await admins.write('Password', password)
  await admins.press('Create a mailbox', 'checkbox')
  await admins.press('Create user')
  await admins.says('No mailbox yet')
  await deliver('ada@a.test', '501 5.1.1 *')
  assert.deepEqual((await mailboxesOf('ada@a.test')).names, ['INBOX'])
})

test('workflow B: a user with a mailbox has the usual folders, and mail is accepted at once', chromium, async () => {
  await admins.go('#/users', 'Users')
  await admins.press('New user')
  await admins.write('E-mail address', 'ben@b.test')
  await admins.press('Make one up')
  const made = await admins.page.$eval('input[name=password]', ({ value }) => value)
  assert.match(made, /^(\w{5}-){3}\w{5}$/)
  await admins.press('Create user')
  await admins.says('Folders')
  await deliver('ben@b.test', '250 *')
  const { names, messages } = await mailboxesOf('ben@b.test', made)
  assert.deepEqual(names, ['Archive', 'Drafts', 'INBOX', 'Junk', 'Sent', 'Trash'])
  assert.equal(messages, 1)
})

test('workflow C: a mailbox is made for a user who has none', chromium, async () => {
  await create('cleo@c.test', false)
  await admins.go('#/users/cleo%40c.test', 'cleo@c.test')
  await admins.says('No mailbox yet')
  await admins.press('Create mailbox')
  await admins.says('Folders')
  await deliver('cleo@c.test', '250 *')
  assert.equal((await mailboxesOf('cleo@c.test')).names.length, 6)
})

test('workflow D: a user is deleted and the mailbox stays, still taking mail', chromium, async () => {
  await create('dora@d.test', true)
  await admins.go('#/users/dora%40d.test', 'dora@d.test')
  await admins.press('Delete user…')
  await admins.says('0 messages (0 bytes) stay')
  await admins.press('Delete user')
  await admins.says('dora@d.test cannot sign in any more')
  await admins.page.waitForSelector('.rows a[href="#/users/dora%40d.test"] ::-p-text(Mailbox only)')
  await assert.rejects(mailboxesOf('dora@d.test'), /AUTHENTICATIONFAILED|NO/)
  await deliver('dora@d.test', '250 *')
})

test('a user is deleted with all mail only once the address has been written', chromium, async () => {
  await create('dirk@d2.test', true)
  await deliver('dirk@d2.test', '250 *')
  await admins.go('#/users/dirk%40d2.test', 'dirk@d2.test')
  await admins.press('Delete user…')
  await admins.press('Delete the mailbox', 'radio')
  await admins.press('Delete user and mail')
  await admins.says('This is not the address')
  assert.equal((await own.api.get('/v1/users/dirk@d2.test')).status, 200)
  await admins.write('Write dirk@d2.test to confirm', 'dirk@d2.test')
  await admins.press('Delete user and mail')
  await admins.says('dirk@d2.test and its mail are gone')
  assert.equal((await own.api.get('/v1/users/dirk@d2.test')).status, 404)
  assert.equal((await own.api.get('/v1/users/dirk@d2.test/quota')).status, 404)
  await deliver('dirk@d2.test', '501 5.1.1 *')
})

test('workflow E: a mailbox is deleted and the user stays', chromium, async () => {
  await create('emil@e.test', true)
  await deliver('emil@e.test', '250 *')
  await admins.go('#/users/emil%40e.test', 'emil@e.test')
  await admins.press('Delete mailbox…')
  await admins.write('Write emil@e.test to confirm', 'emil@e.test')
  await admins.press('Delete all mail')
  await admins.says('No mailbox yet')
  assert.deepEqual(await mailboxesOf('emil@e.test'), { names: ['INBOX'], messages: 0 })
})

test('another password is in force at once', chromium, async () => {
  await create('pia@p.test', true)
  await admins.go('#/users/pia%40p.test', 'pia@p.test')
  await admins.press('Change password')
  await admins.write('New password', 'another phrase')
  await admins.page.keyboard.press('Enter')
  await admins.says('pia@p.test has a new password')
  await assert.rejects(mailboxesOf('pia@p.test'))
  await mailboxesOf('pia@p.test', 'another phrase')
})

test('limits are written in units that people use, and every byte of them is shown', chromium, async () => {
  await create('quinn@q.test', true)
  const quota = async () => {
    const { quotaBytes, quotaSource } = (await own.api.get('/v1/users/quinn@q.test/quota')).json as Record<
      string,
      unknown
    >
    return [quotaBytes, quotaSource]
  }
  await admins.go('#/domains/q.test', 'q.test')
  await admins.press('Change limit')
  await admins.write('Size of the limit', '10 gigs')
  await admins.press('Save')
  await admins.says('“gigs” is no unit')
  await admins.write('Size of the limit', '10 GB')
  await admins.says('= 10,737,418,240 bytes')
  await admins.press('Save')
  await admins.says('The limit of q.test has been changed')
  assert.deepEqual(await quota(), [10_737_418_240, 'domain'])
  await admins.go('#/users/quinn%40q.test', 'quinn@q.test')
  await admins.says('of 10 GB')
  await admins.press('Change limit')
  await admins.press('5 GB')
  await admins.press('Save')
  await admins.says('5,368,709,120 bytes')
  assert.deepEqual(await quota(), [5_368_709_120, 'user'])
  await admins.press('Change limit')
  await admins.press('As its domain', 'radio')
  await admins.press('Save')
  await admins.says('of 10 GB')
  assert.deepEqual(await quota(), [10_737_418_240, 'domain'])
})

test('sizes are read and written to the byte, however large', chromium, async () => {
  const results = await admins.page.evaluate(async (url) => {
    const { parseBytes, formatBytes, exactBytes, writtenBytes } = await import(url)
    const attempt = (text: string) => {
      try {
        return String(parseBytes(text))
      } catch (error) {
        return (error as Error).name
      }
    }
    const written = [
      '10 GB',
      '1.5g',
      '500 MiB',
      '10,5 kb',
      '1 048 576',
      '9223372036854775807',
      '8 EB',
      '0',
      '-1',
      '',
      'GB',
      '1e3',
    ]
    return [
      written.map(attempt),
      [0, 1, 1023, 1024, 1_048_575, 10_485_760, 2n ** 63n - 1n].map(formatBytes),
      exactBytes(9_007_199_254_740_993n),
      [10_737_418_240, 1500, 1536].map(writtenBytes),
    ]
  }, new URL('js/bytes.js', admins.page.url()).href)
  const refused = 'RangeError'
  assert.deepEqual(results, [
    ['10737418240', '1610612736', '524288000', '10752', '1048576', '9223372036854775807', ...Array(6).fill(refused)],
    ['0 bytes', '1 byte', '1023 bytes', '1 KB', '1 MB', '10 MB', '8 EB'],
    '9,007,199,254,740,993 bytes',
    ['10 GB', '1500', '1536'],
  ])
})

test('a name that is taken is refused beside the field, and what was written stays', chromium, async () => {
  await create('tom@t.test', false)
  await admins.go('#/users', 'Users')
  await admins.press('New user')
  await admins.write('E-mail address', 'TOM@t.test')
  await admins.write('Password', password)
  await admins.press('Create user')
  await admins.says('There is a user by this name already')
  const field = await admins.page.$eval('input[name=username]', ({ value, ariaInvalid }) => [value, ariaInvalid])
  assert.deepEqual(field, ['TOM@t.test', 'true'])
  await admins.press('Cancel')
})

test('a server that wants a pause gets it, and nobody is bothered', chromium, async () => {
  await create('rita@r.test', true)
  const answers = [{ status: 429, headers: { 'Retry-After': '1' } }]
  await using _ = await intercept(admins, '/v1/users/rita%40r.test/quota', () => answers.pop())
  await admins.go('#/users/rita%40r.test', 'rita@r.test')
  await admins.says('Folders')
  assert.equal(answers.length, 0)
  assert.equal(await admins.page.$('main [role=alert]'), null)
})

test('when the database is away the page says so, and goes on when asked to', chromium, async () => {
  await create('sam@s.test', true)
  let away = true
  await using _ = await intercept(admins, '/v1/users/sam%40s.test/quota', () =>
    away ? { status: 503, headers: { 'Retry-After': '10' } } : undefined,
  )
  await admins.go('#/users/sam%40s.test', 'sam@s.test')
  await admins.says('The server cannot reach its database right now. Try again in 10 seconds.')
  away = false
  await admins.press('Try again')
  await admins.says('Folders')
})

test('markup in names of users and mailboxes is shown as the text it is', chromium, async () => {
  const markup = '<img src=x onerror=alert(1)>'
  await create('xena@x.test', true)
  insert(own, [`${markup}@x.test`])
  using client = await ImapClient.login(own.server.port('imap'), { user: 'xena@x.test', password })
  await client.ok(`CREATE "${markup}"`)
  await admins.go('#/users', 'Users')
  await admins.press('Refresh')
  await admins.write('Search users', 'onerror', 'searchbox')
  await admins.says(`${markup}@x.test`)
  await admins.page.locator('.rows a').click()
  await admins.page.waitForSelector(`h1 ::-p-text(${markup}@x.test)`)
  await admins.go('#/users/xena%40x.test', 'xena@x.test')
  await admins.page.waitForSelector(`.folders th ::-p-text(${markup})`)
  assert.equal(await admins.page.$('main img'), null)
  assert.deepEqual(admins.complaints, [])
})

test('users are found by a part of their address and by their domain', chromium, async () => {
  for (const name of ['una@u.test', 'udo@u.test', 'una@u2.test']) await create(name, false)
  const shown = () => admins.page.$$eval('.rows .address', (rows) => rows.map(({ textContent }) => textContent))
  await admins.go('#/users', 'Users')
  await admins.press('Refresh')
  await admins.page.waitForSelector('option[value="u.test"]')
  await admins.page.select('select[name=domain]', 'u.test')
  assert.deepEqual(await shown(), ['udo@u.test', 'una@u.test'])
  await admins.write('Search users', 'UN', 'searchbox')
  assert.deepEqual(await shown(), ['una@u.test'])
  await admins.write('Search users', 'nobody', 'searchbox')
  await admins.says('Nobody by that name')
})

test('the counters of the server move while one looks at them', chromium, async () => {
  await create('vera@v.test', true)
  await admins.go('#/users', 'Users')
  await admins.go('#/server', 'Server')
  const accepted = () => admins.page.$eval('.gauge:nth-child(2) b', ({ textContent }) => Number(textContent))
  await admins.page.waitForSelector('.gauges')
  const before = await accepted()
  await deliver('vera@v.test', '250 *')
  await deliver('nobody@v.test', '501 5.1.1 *')
  await admins.go('#/users', 'Users')
  await admins.go('#/server', 'Server') // which reads them at once
  await admins.says('No such recipient')
  await admins.page.waitForFunction(`document.querySelector('.gauge:nth-child(2) b')?.textContent > ${before}`)
})

test('on a phone nothing is wider than the screen', chromium, async () => {
  const long = `${'a-rather-long-name-'.repeat(3)}end@a-domain-that-is-long-as-well.example.test`
  await create(long, true)
  await using another = await signedIn({ width: 360, height: 740 })
  const views = [
    ['#/users', 'Users'],
    [`#/users/${encodeURIComponent(long)}`, long],
    ['#/domains', 'Domains'],
    ['#/domains/a-domain-that-is-long-as-well.example.test', 'a-domain'],
    ['#/server', 'Server'],
  ] as const
  for (const [hash, heading] of views) {
    await another.go(hash, heading)
    await another.page.waitForSelector('main :is(.bar, .gauges)')
    const beyond = await another.page.evaluate('document.documentElement.scrollWidth - innerWidth')
    assert.equal(beyond, 0, hash)
  }
})

test('hundreds of users cost a request for their domain, and rows are made as one scrolls', chromium, async () => {
  insert(
    own,
    Array.from({ length: 150 }, (_, index) => `user${index}@many.test`),
  )
  const before = admins.answers.length
  await admins.go('#/users', 'Users')
  await admins.press('Refresh')
  await admins.page.waitForSelector('option[value="many.test"]')
  await admins.page.select('select[name=domain]', 'many.test')
  await admins.page.waitForSelector('.rows .badge')
  for (const shown of [60, 120, 150]) {
    await admins.page.waitForFunction(`document.querySelectorAll('.rows > [data-name]').length === ${shown}`)
    await admins.page.$eval('.rows-end', (end) => end.scrollIntoView())
  }
  await admins.page.$eval('.rows li:nth-last-child(2)', (last) => last.scrollIntoView())
  await admins.page.waitForSelector('[data-name="user149@many.test"] .badge')
  const asked = admins.answers.slice(before).map((answer) => new URL(answer.url()).pathname)
  assert.deepEqual(
    asked.filter((path) => path.includes('many.test')),
    ['/v1/domains/many.test/quota'],
  )
})

test('whatever the page wants at once, it asks for no faster than the server answers', chromium, async () => {
  await using strict = await serveApi({ rate: 8 })
  insert(
    strict,
    Array.from({ length: 12 }, (_, index) => `user@strict${index}.test`),
  )
  await using another = await signedIn({ port: strict.server.port('rest_api') })
  await another.go('#/domains', 'Domains')
  await another.page.waitForFunction(`document.querySelectorAll('.tile .bar').length === 12`)
  assert.deepEqual(
    another.answers.filter((answer) => answer.status() === 429),
    [],
  )
})
