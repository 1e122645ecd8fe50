// doctor in a process of its own, for the service itself: what it reads and waits for holds no machine up.
import { execFile } from 'node:child_process'
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
export const diagnoseApart = ([program = '', ...args]: readonly string[], { env, signal }: ApartOptions): Promise<readonly Finding[]> =>
  new Promise(resolve => {
    const handedOn = Object.fromEntries(Object.entries(env).filter(([name]) => !notHandedOn.test(name)))
    const options = { env: handedOn, signal, timeout: longest, killSignal: 'SIGKILL', maxBuffer: mostOctets } as const
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      try {
        resolve((JSON.parse(stdout) as { readonly findings: readonly Finding[] }).findings)
      } catch (unread) {
        const why = stderr.trim().slice(0, 500) || messageOf(error ?? unread)
        resolve([{ ...warning('doctor', `doctor could not look: ${why}`), fix: 'core-provisioner doctor' }])
      }
    })
    try {
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
    } catch { /* not allowed here, or over already: then it is as urgent as everything else */ }
  })
