// doctor and check in a process of their own, for the service itself: what they read and wait for holds no machine up.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { messageOf } from '../base/errors.js'
import { type Finding, warning } from './finding.js'

/** Milliseconds. */
const longest = 60_000
/** Octets of its answer. */
const mostOctets = 4 * 2 ** 20

/** What a service manager hands to the service alone. */
const notHandedOn = /^(?:NOTIFY_SOCKET|LISTEN_|WATCHDOG_|JOURNAL_STREAM)/

export interface ApartOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Ends it. */
  readonly signal: AbortSignal
}

/** What `command`, a doctor --json, finds. Never rejects: that it can't be asked is a finding too. */
export const diagnoseApart = async (command: readonly string[], options: ApartOptions): Promise<readonly Finding[]> => {
  const { findings, failure = '' } = await ask<Finding>(command, options)
  return findings ?? [{ ...warning('doctor', `doctor could not look: ${failure}`), fix: 'core-provisioner doctor' }]
}

interface CheckedFinding extends Omit<Finding, 'level' | 'place'> {
  readonly level: 'error' | 'warning' | 'note'
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

/** What `command`, a check --json, finds; undefined where it can't be asked. Never rejects. */
export async function checkApart (command: readonly string[], options: ApartOptions): Promise<CheckedApart | undefined> {
  const { findings, more = 0 } = await ask<CheckedFinding>(command, options)
  if (findings === undefined) return undefined
  return {
    findings: findings.map(({ level, file, line, column, ...finding }) =>
      ({ ...finding, level: level === 'error' ? 'problem' : level, ...file !== undefined && { place: { file, line, column } } })),
    more
  }
}

/** `more`: how many it did not tell. */
export interface CheckedApart { readonly findings: readonly Finding[], readonly more: number }

interface ApartAnswer<T> { readonly findings?: readonly T[], readonly more?: number, readonly failure?: string }

const ask = <T>([program = '', ...args]: readonly string[], { env, signal }: ApartOptions): Promise<ApartAnswer<T>> =>
  new Promise(resolve => {
    const handedOn = Object.fromEntries(Object.entries(env).filter(([name]) => !notHandedOn.test(name)))
    const options = { env: handedOn, signal, timeout: longest, killSignal: 'SIGKILL', maxBuffer: mostOctets } as const
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      try {
        const { findings, more = 0 } = JSON.parse(stdout) as { readonly findings: readonly T[], readonly more?: number }
        resolve({ findings, more })
      } catch (unread) {
        resolve({ failure: stderr.trim().slice(0, 500) || messageOf(error ?? unread) })
      }
    })
    if (child.pid !== undefined) yieldTo(child.pid)
  })

/** Has it give way to everything else: to processors, and to memory, of which the service itself would lose its own. */
function yieldTo (pid: number): void {
  try { setPriority(pid, constants.priority.PRIORITY_LOW) } catch { /* not allowed, or over: it is as urgent as the rest then */ }
  try { writeFileSync(`/proc/${pid}/oom_score_adj`, '1000') } catch { /* the same */ }
}
