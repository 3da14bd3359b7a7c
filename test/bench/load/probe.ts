import { writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** What a server tells of itself when it is asked with SIGWINCH: since it was asked last, or started. */
export interface Probe {
  /** How late the event loop came to what was due; milliseconds. */
  readonly delayP99: number
  readonly delayMax: number
  /** Of all threads; milliseconds of one processor. */
  readonly cpu: number
}

/** The variable that names the file which the answer is written to, one line for each. */
export const probeVariable = 'TSMADDY_BENCH_PROBE'

// Loaded into the server with --import, before its program.
const file = process.env[probeVariable]
if (file !== undefined && !import.meta.main) {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  let before = process.cpuUsage()
  process.on('SIGWINCH', () => {
    const { user, system } = process.cpuUsage(before)
    before = process.cpuUsage()
    const milliseconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - 5) // the interval is none of its delay
    const probe: Probe = {
      delayP99: milliseconds(delay.percentile(99)),
      delayMax: milliseconds(delay.max),
      cpu: (user + system) / 1000,
    }
    delay.reset()
    writeFileSync(file, `${JSON.stringify(probe)}\n`, { flag: 'a' })
  })
}
