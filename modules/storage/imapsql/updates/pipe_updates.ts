import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from '../../../../core/index.ts'
import { UpdatePipe } from './pipe.ts'
import { fromLine, gapLine, toLines } from './record.ts'
import type { Hears, Updates } from './updates.ts'

/** Updates over a Unix socket in the runtime directory, which the DSN gives its name. */
export const pipeUpdates = async (
  hears: Hears,
  { dsn, runtime, log }: { readonly dsn: string; readonly runtime: string; readonly log: Logger },
): Promise<Updates> => {
  const self = `${process.pid}-${randomBytes(8).toString('hex')}`
  const pipe = await UpdatePipe.open({
    path: join(runtime, `sql-${createHash('sha1').update(dsn).digest('hex')}.sock`),
    onLine: (line) => {
      const notice = fromLine(line, self)
      if (!notice) return
      if ('event' in notice) hears.event(notice.event)
      else if ('everything' in notice) hears.everything()
      else hears.mailbox(notice.mailbox)
    },
    onGap: () => hears.everything(),
    gapLine: gapLine(self),
    log,
  })
  return {
    send: (event) => pipe.send(() => toLines(self, event)),
    [Symbol.asyncDispose]: () => pipe[Symbol.asyncDispose](),
  }
}
