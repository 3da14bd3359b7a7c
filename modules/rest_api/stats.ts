import type { Count } from '../../core/index.ts'

interface CheckCount {
  readonly check: string
  readonly count: number
}

/** What the schema `Stats` describes. */
export interface Stats {
  readonly startedAt: string
  readonly uptimeSeconds: number
  readonly sessions: Readonly<Record<string, number>>
  readonly transactions: readonly {
    readonly module: string
    readonly started: number
    readonly completed: number
    readonly aborted: number
  }[]
  readonly deliveries: number
  readonly rejects: {
    readonly total: number
    readonly byCheck: readonly CheckCount[]
    readonly byReply: readonly {
      readonly module: string
      readonly command: string
      readonly code: string
      readonly enhancedCode: string
      readonly count: number
    }[]
  }
  readonly quarantined: readonly CheckCount[]
}

/** The counters of the process in the form in which a page shows them. */
export const statsOf = (counts: readonly Count[]): Stats => {
  const of = (name: string) => counts.filter((each) => each.name === name)
  const byCheck = (name: string): CheckCount[] =>
    of(name)
      .map(({ labels, value }) => ({ check: labels.check ?? '', count: value }))
      .toSorted(byCount)
  const failed = of('maddy_smtp_failed_commands')
  const transactions = transactionsOf(of)
  const uptime = process.uptime()
  return {
    startedAt: new Date(Date.now() - uptime * 1000).toISOString(),
    uptimeSeconds: Math.floor(uptime),
    sessions: Object.fromEntries(of('tsmaddy_sessions').map(({ labels, value }) => [labels.module ?? '', value])),
    transactions,
    deliveries: sum(transactions.map(({ completed }) => completed)),
    rejects: {
      total: sum(failed.map(({ value }) => value)),
      byCheck: byCheck('maddy_check_reject'),
      byReply: failed
        .map(({ labels, value }) => ({
          module: labels.module ?? '',
          command: labels.command ?? '',
          code: labels.smtp_code ?? '',
          enhancedCode: labels.smtp_enchcode ?? '',
          count: value,
        }))
        .toSorted(byCount),
    },
    quarantined: byCheck('maddy_check_quarantined'),
  }
}

const names = {
  started: 'maddy_smtp_started_transactions',
  completed: 'maddy_smtp_smtp_completed_transactions',
  aborted: 'maddy_smtp_aborted_transactions',
} as const

const transactionsOf = (of: (name: string) => readonly Count[]): Stats['transactions'] => {
  const modules = new Set(Object.values(names).flatMap((name) => of(name).map(({ labels }) => labels.module ?? '')))
  const value = (name: string, module: string) => of(name).find(({ labels }) => labels.module === module)?.value ?? 0
  return [...modules].toSorted().map((module) => ({
    module,
    started: value(names.started, module),
    completed: value(names.completed, module),
    aborted: value(names.aborted, module),
  }))
}

const byCount = (a: { readonly count: number }, b: { readonly count: number }): number => b.count - a.count

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)
