import type { FSWatcher } from 'node:fs'
import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'

const minute = 60_000
/** A renewal writes several files; one look is enough when it is done. */
const settle = 200

/**
 * Calls `changed` soon after one of the files may have changed, and each minute in any case: what lies behind a symbolic
 * link, or on a remote file system, changes unnoticed. One call at a time; disposal waits for the one under way.
 */
export const onChange = (paths: readonly string[], changed: () => Promise<void>): AsyncDisposable => {
  let running = Promise.resolve()
  let soon: NodeJS.Timeout | undefined
  const run = () => {
    running = running.then(changed)
  }
  const noticed = () => {
    clearTimeout(soon)
    soon = setTimeout(run, settle).unref()
  }
  const watchers = [...Map.groupBy(paths, dirname)].flatMap(([directory, files]) =>
    watchFor(directory, new Set(files.map((file) => basename(file))), noticed),
  )
  const regularly = setInterval(run, minute).unref()
  return {
    async [Symbol.asyncDispose]() {
      for (const watcher of watchers) watcher.close()
      clearInterval(regularly)
      clearTimeout(soon)
      await running
    },
  }
}

/** The directory is watched, since files are replaced rather than written; links to `..data` are how Kubernetes does it. */
const watchFor = (directory: string, names: ReadonlySet<string>, noticed: () => void): FSWatcher[] => {
  try {
    const watcher = watch(directory, { persistent: false }, (_event, name) => {
      if (name === null || names.has(name) || name === '..data') noticed()
    })
    return [watcher.on('error', () => watcher.close())] // then the clock has to do
  } catch {
    return [] // the system has no watches left, or the directory cannot be read: likewise
  }
}
