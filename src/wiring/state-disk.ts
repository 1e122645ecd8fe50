// Whether the disk of the state answers while the service runs: a mount whose server is gone says nothing, and whoever writes waits.
import { statfs } from 'node:fs/promises'
import { unwaited } from '../base/errors.js'
import { DiskTurns, silenceOf } from '../disk/disk-turns.js'
import type { RunningParts } from './running-parts.js'

/** Milliseconds between two looks. */
const lookEvery = 3000

/** While it does not answer, that is what keeps the service from being ready: an address of a range waits for its lease to be kept. */
export function watchStateDisk (
  { loaded, clock, log, onClose, hindrances }: Pick<RunningParts, 'loaded' | 'clock' | 'log' | 'onClose' | 'hindrances'>, ask: (path: string) => Promise<unknown> = path => statfs(path)
): void {
  const { config: { state_path: path }, keyAt } = loaded
  const disk = new DiskTurns(path, clock, 1)
  const problem = `${keyAt(['state_path'])}: ${silenceOf(path)}: no address of a range is given, and nothing that is seen of machines is kept`
  const key = 'state disk'
  let isAsked = false
  const timer = clock.every(lookEvery, () => {
    if (disk.isSilent && !hindrances.has(key)) {
      hindrances.set(key, problem)
      log.warn({ problem }, 'state.silent')
    } else if (!disk.isSilent && hindrances.delete(key)) {
      log.info({ path }, 'state.answers')
    }
    if (isAsked) return
    isAsked = true
    // That it fails is an answer, and told by whoever writes.
    unwaited(disk.owe(() => ask(path).catch(() => {})).finally(() => { isAsked = false }))
  })
  onClose(async () => { timer.cancel() })
}
