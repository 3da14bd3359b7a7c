import type { View } from '../view.ts'
import { eachMessage, sentDate, subjectOf } from './summary.ts'

/** A message and what follows from it. Without a UID it stands for a message that is not there. */
export interface Thread {
  readonly uid: number | undefined
  readonly children: readonly Thread[]
}

/** Makes threads of messages given by UID. */
export type Threading = (view: View, uids: readonly number[]) => Promise<readonly Thread[]>

/** ORDEREDSUBJECT (RFC 5256 §3): messages of one base subject, the first of them above the others. */
export const threadBySubject: Threading = async (view, uids) => {
  const rows: { uid: number; date: number; subject: string }[] = []
  await eachMessage(view, uids, (message, header) =>
    rows.push({ uid: message.uid, date: sentDate(message), subject: subjectOf(header) }),
  )
  rows.sort((a, b) => a.date - b.date || a.uid - b.uid)
  const threads = Map.groupBy(rows, ({ subject }) => subject) // each in the order of its first message
  return [...threads.values()].map(([first, ...others]) => ({
    uid: first?.uid,
    children: others.map(({ uid }) => ({ uid, children: [] })),
  }))
}

/** Threads as THREAD answers them (RFC 5256 §4): ` (1)(2 3)(4 (5)(6))`, or nothing. */
export function formatThreads(threads: readonly Thread[], number: (uid: number) => number): string {
  const text = threads.map((thread) => `(${formatThread(thread, number)})`).join('')
  return text === '' ? '' : ` ${text}`
}

/** A chain goes on one line; where it branches, each branch has parentheses. Loops, not recursion, follow the chain. */
function formatThread(top: Thread, number: (uid: number) => number): string {
  const words: string[] = []
  for (let thread: Thread | undefined = top; thread; ) {
    if (thread.uid !== undefined) words.push(String(number(thread.uid)))
    const [only, second]: readonly Thread[] = thread.children
    if (second) {
      const branches: string = thread.children.map((child) => `(${formatThread(child, number)})`).join('')
      return [...words, branches].join(' ')
    }
    thread = only
  }
  return words.join(' ')
}
