import { parentPort } from 'node:worker_threads'
import type { NewHash } from './format.ts'
import { hashNow, PasswordFormatError, verifySync } from './format.ts'

/** What a worker is asked. */
export type Question =
  | { readonly verify: string; readonly password: string }
  | { readonly create: NewHash; readonly password: string }

/** What it answers. */
export type Answer =
  | { readonly value: boolean | string }
  | { readonly error: string; readonly kind: 'format' | 'range' | 'other' }

const answer = (question: Question): Answer => {
  try {
    if ('verify' in question) return { value: verifySync(question.verify, question.password) }
    return { value: hashNow(question.password, question.create) }
  } catch (error) {
    const kind = error instanceof PasswordFormatError ? 'format' : error instanceof RangeError ? 'range' : 'other'
    return { error: error instanceof Error ? error.message : String(error), kind }
  }
}

parentPort?.on('message', (question: Question) => parentPort?.postMessage(answer(question)))
