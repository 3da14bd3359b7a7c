/** One client: what it sends, in which packets, and how it comes and goes. */
export interface RandomSession {
  readonly endpoint: 'smtp' | 'submission' | 'lmtp'
  readonly tls: 'none' | 'starttls' | 'implicit'
  readonly packets: readonly Buffer[]
  /** Half closes its side and reads to the end; gone is gone, in the middle of whatever goes on. */
  readonly end: 'half' | 'gone'
  /** How many lines were meant as commands. */
  readonly commands: number
}

const plain = (text: string): string => `AUTH PLAIN ${base64(text)}`
const base64 = (text: string): string => Buffer.from(text).toString('base64')

const names = [
  'c.example',
  'bücher.example',
  '[127.0.0.1]',
  'mx.h.example',
  'xn--a_b.example',
  '',
  'a b',
  '\0',
  '..',
  '\xff\xfe',
]

const senders = [
  '<>',
  '<ann@h.example>',
  '<a@fail.example>',
  '<a@temporary.example>',
  '<a@loop.example>',
  '<a@broken.example>',
  '<a@macro.example>',
  '<a@bücher.example>',
  '<é@h.example>',
  '<"a b"@h.example>',
  '<@x.example:a@h.example>',
  'ann@h.example',
  '<a@xn--a_b.example>',
  '<a>',
  '<a@b@c>',
  '<a@h.example',
  '<\x01@h.example>',
  '',
]

const recipients = [
  '<Ann@H.EXAMPLE>',
  '<alias@h.example>',
  '<list@h.example>',
  '<nobody@h.example>',
  '<x@elsewhere.example>',
  '<"ann"@h.example>',
  '<é@h.example>',
  '<ann@xn--bcher-kva.example>',
  '<postmaster>',
  '<>',
  '<ann',
  'ann@h.example',
  '<\0@h.example>',
]

const mailParameters = [
  'SIZE=10',
  'SIZE=99999999',
  'SIZE=x',
  'SMTPUTF8',
  'BODY=8BITMIME',
  'BODY=BINARYMIME',
  'REQUIRETLS',
  'AUTH=<>',
  'RET=FULL',
  'FOO=1',
  '=',
]
const recipientParameters = ['NOTIFY=NEVER', 'ORCPT=rfc822;x', 'FOO', '=']

/** What nobody minds, and what is wrong with a header. */
const fields = [
  'From: <ann@h.example>',
  'From: <ann@h.example>',
  'From: Ann <ann@h.example>, Bob <bob@fail.example>',
  'From: <a@fail.example>',
  'From: undisclosed:;',
  'Sender: <ann@h.example>',
  'Sender: a, b',
  'To: <b@h.example>',
  'To: group: a@b.example, c@d.example;',
  'Cc: ,,,',
  'Subject: =?utf-8?q?J=C3=A4ne?=',
  'Subject: =?x?b?////?=',
  'Subject: é\xff',
  'Date: Tue, 3 Mar 2026 08:05:00 +0000',
  'Date: yesterday',
  'Message-ID: <x@y>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=x',
  'Content-Type: message/rfc822',
  'Content-Type: text/plain; charset="unknown',
  'TLS-Required: No',
  'Received: from a by b',
  'Authentication-Results: mx.h.example; spf=pass',
  'Return-Path: <x@y>',
  'DKIM-Signature: v=1; a=rsa-sha256; d=h.example; s=sel; h=from; bh=AAAA; b=AAAA',
  'DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/simple; d=h.example; s=sel; h=From:Subject; l=1; bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAA',
  'DKIM-Signature: v=1; a=rsa-sha256; d=temporary.example; s=sel; h=from; bh=AAAA; b=AAAA; x=1; t=2',
  'DKIM-Signature: ;;;=;a',
  'ARC-Seal: i=1; a=rsa-sha256; d=h.example; s=sel; cv=none; b=AAAA',
  'ARC-Message-Signature: i=1; a=rsa-sha256; d=h.example; s=sel; h=from; bh=AAAA; b=AAAA',
  'ARC-Authentication-Results: i=1; mx.h.example; spf=pass',
  'ARC-Seal: i=99999999999; cv=fail',
  'X-Folded: a\r\n\tb\r\n c',
  'X-Empty:',
]
const brokenFields = [
  'From: "unfinished',
  'From:',
  'Sender: ,',
  'Date:',
  ' starts with a blank',
  'no colon here',
  'na\x01me: x',
  ': x',
]

const newlines = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n', '\0\r\n']

/** Sessions made of valid, odd and broken commands in likely and unlikely orders. */
export class RandomSessions {
  readonly #random: () => number
  #commands = 0

  /** `random` gives numbers from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random
  }

  next(): RandomSession {
    this.#commands = 0
    const endpoint = this.#pick(['smtp', 'smtp', 'submission', 'lmtp'] as const)
    const text = this.#chance(0.05) ? this.#junk(3000) : this.#session(endpoint)
    return {
      endpoint,
      tls: this.#chance(0.7) ? 'none' : this.#pick(['starttls', 'implicit'] as const),
      packets: this.#packets(Buffer.from(text, 'latin1')),
      end: this.#chance(0.7) ? 'half' : 'gone',
      commands: this.#commands,
    }
  }

  #session(endpoint: RandomSession['endpoint']): string {
    let text = this.#greeting(endpoint)
    if (endpoint === 'submission' || this.#chance(0.1)) text += this.#auth()
    for (let count = this.#below(6); count >= 0; count--) {
      text += this.#chance(0.75) ? this.#transaction() : this.#odd(endpoint)
      if (this.#chance(0.1)) text += this.#greeting(endpoint)
    }
    return this.#chance(0.1) ? text.slice(0, this.#below(text.length)) : text
  }

  #transaction(): string {
    const steps = [this.#mail()]
    for (let count = this.#below(3); count >= 0; count--) steps.push(this.#rcpt())
    if (this.#chance(0.1)) steps.splice(this.#below(steps.length), 1)
    if (this.#chance(0.1)) steps.push(this.#command('RSET'))
    if (this.#chance(0.9)) steps.push(this.#chance(0.6) ? this.#data() : this.#chunks())
    return steps.join('')
  }

  #greeting(endpoint: RandomSession['endpoint']): string {
    const right = endpoint === 'lmtp' ? 'LHLO' : 'EHLO'
    const verb = this.#chance(0.9) ? right : this.#pick(['EHLO', 'HELO', 'LHLO'])
    return this.#command(`${verb} ${this.#chance(0.7) ? 'c.example' : utf8(this.#pick(names))}`)
  }

  #mail(): string {
    const parameters = this.#chance(0.2) ? ` ${this.#pick(mailParameters)}` : ''
    const sender = this.#chance(0.6) ? '<ann@h.example>' : utf8(this.#pick(senders))
    return this.#command(`MAIL FROM:${sender}${parameters}`)
  }

  #rcpt(): string {
    const parameters = this.#chance(0.05) ? ` ${this.#pick(recipientParameters)}` : ''
    const recipient = this.#chance(0.6) ? '<ann@h.example>' : utf8(this.#pick(recipients))
    return this.#command(`RCPT TO:${recipient}${parameters}`)
  }

  #auth(): string {
    switch (this.#below(8)) {
      case 0:
        return this.#command(plain('\0ann@h.example\0wrong'))
      case 1:
        return this.#command(plain(this.#junk(20)))
      case 2:
        return this.#command('AUTH LOGIN') + this.#command(base64('ann@h.example')) + this.#command(base64('secret'))
      case 3:
        return this.#command('AUTH PLAIN') + this.#command(this.#pick(['*', '', '=', '====', base64('\0\0'), 'NOOP']))
      case 4: {
        const first = base64(this.#pick(['n,,n=ann@h.example,r=abc', 'y,,n=,r=', 'p=x,,', '']))
        const mechanism = this.#pick(['SCRAM-SHA-256', 'SCRAM-SHA-1', 'SCRAM-SHA-256-PLUS', 'EXTERNAL', 'CRAM-MD5', ''])
        return this.#command(`AUTH ${mechanism} ${first}`) + this.#command(base64('c=biws,r=abc,p=AAAA'))
      }
      default:
        return this.#command(plain('\0ann@h.example\0secret'))
    }
  }

  #odd(endpoint: RandomSession['endpoint']): string {
    switch (this.#below(12)) {
      case 0:
        return this.#auth()
      case 1:
        return this.#command('STARTTLS') + this.#pick(['', this.#junk(100), '\x16\x03\x01\x00\x05hello', this.#mail()])
      case 2:
        return this.#command(`${this.#junk(12)}`)
      case 3:
        return this.#command('x'.repeat(this.#below(2500)))
      case 4:
        return this.#command('QUIT')
      case 5:
        return this.#data()
      case 6:
        return this.#chunks()
      case 7:
        return this.#greeting(endpoint)
      case 8:
        return this.#pick(['\n', '\r', '\0', '.\r\n', '\r\n.\r\n'])
      default:
        return this.#command(
          this.#pick([
            'NOOP',
            'RSET',
            'VRFY a',
            'EXPN a',
            'HELP',
            'DATA now',
            'BDAT',
            'BDAT x',
            'BDAT -1 LAST',
            'BDAT 1 2 3',
          ]),
        )
    }
  }

  #data(): string {
    const content = this.#message().replace(/(?<=^|\n)\./g, this.#chance(0.9) ? '..' : '.')
    const end = this.#chance(0.9) ? '\r\n.\r\n' : this.#pick(['\n.\n', '\r\n.\n', '\r.\r', '\r\n.\r', '\n.\r\n', ''])
    return this.#command('DATA') + content + end
  }

  #chunks(): string {
    const content = this.#message()
    const cuts = Array.from({ length: this.#below(4) }, () => this.#below(content.length + 1)).sort((a, b) => a - b)
    const bounds = [0, ...cuts, content.length]
    return bounds
      .slice(1)
      .map((until, index) => {
        const chunk = content.slice(bounds[index], until)
        const size = this.#chance(0.95) ? chunk.length : this.#below(3000)
        const last = index === cuts.length && this.#chance(0.95) ? ' LAST' : ''
        return (
          this.#command(`BDAT ${size}${last}`) + chunk + (this.#chance(0.05) ? this.#pick(['\r\n', this.#mail()]) : '')
        )
      })
      .join('')
  }

  #message(): string {
    let text = ''
    const strict = this.#chance(0.8)
    const newline = () => (strict ? '\r\n' : this.#pick(newlines))
    if (this.#chance(0.8)) text += 'From: <ann@h.example>\r\n'
    for (let count = this.#below(8); count > 0; count--) {
      text += `${utf8(this.#pick(this.#chance(0.97) ? fields : brokenFields))}${newline()}`
    }
    if (this.#chance(0.03)) text += 'Received: x\r\n'.repeat(60)
    if (this.#chance(0.03)) text += `X-Long: ${'y'.repeat(this.#below(9000))}\r\n`
    text += newline()
    for (let count = this.#below(12); count > 0; count--) {
      text +=
        this.#pick(['Hello', '.', '..', '--x', '--x--', 'From me', '\0', '\xff', 'a'.repeat(this.#below(1200))]) +
        newline()
    }
    if (this.#chance(0.05)) text += 'z'.repeat(70).concat('\r\n').repeat(this.#below(400))
    return this.#chance(0.9) ? text : text + this.#junk(300)
  }

  #command(line: string): string {
    this.#commands++
    const written = this.#chance(0.05) ? line.toLowerCase() : line
    return written + (this.#chance(0.99) ? '\r\n' : this.#pick(['\n', '\r', '', '\r\n\r\n']))
  }

  #packets(bytes: Buffer): Buffer[] {
    const longest = this.#pick([1 + this.#below(40), 200, 1500, 65_536])
    const packets: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + this.#below(longest)
      packets.push(bytes.subarray(at, at + size))
      at += size
    }
    return packets
  }

  #junk(longest: number): string {
    return Array.from({ length: this.#below(longest) }, () => String.fromCharCode(this.#below(256))).join('')
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #chance(of: number): boolean {
    return this.#random() < of
  }
}

/** A character for each octet of the text. */
const utf8 = (text: string): string => Buffer.from(text).toString('latin1')
