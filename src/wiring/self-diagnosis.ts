// What doctor says of this service, for the page: asked in a process of its own, so that no machine waits for it, and once a minute at
// most, whoever looks. What the service says of itself stands beside it at once.
import { unwaited } from '../base/errors.js'
import { counted } from '../base/units.js'
import { diagnoseApart } from '../doctor/apart.js'
import { fine, problem, warning } from '../doctor/finding.js'
import type { CheckShown, HealthShown } from '../ui/health-page.js'
import type { RunningParts } from './running-parts.js'

/** Milliseconds for which its word is taken, and for which a page waits for it. */
const keptFor = 60_000
const patience = 3000
/** Findings of it that are shown. */
const mostShown = 200

type Health = Pick<HealthShown, 'checks' | 'at'>
type DiagnosisParts = Pick<RunningParts, 'doctor' | 'env' | 'clock' | 'readiness' | 'onClose'>

export function openSelfDiagnosis ({ doctor, env, clock, readiness, onClose }: DiagnosisParts): () => Promise<Health> {
  const ending = new AbortController()
  onClose(async () => { ending.abort() })
  let last: Required<Health> | undefined
  let asking: Promise<void> | undefined

  const ask = async (): Promise<void> => {
    const found = await diagnoseApart(doctor, { env, signal: ending.signal })
    const shown = found.slice(0, mostShown).map(({ level, about, text, fix, block }): CheckShown =>
      ({ level, about, text, fix: fix ?? block }))
    const more = found.length - shown.length
    const checks = more === 0 ? shown : [...shown, { about: 'doctor', level: 'note', text: `${counted(more, 'more finding')}: core-provisioner doctor tells all` } as const]
    last = { checks, at: clock.now() }
  }
  return async () => {
    if (doctor.length > 0 && !ending.signal.aborted && (last?.at === undefined || Math.abs(clock.now() - last.at) >= keptFor)) {
      asking ??= ask().finally(() => { asking = undefined })
      unwaited(asking)
      // The word before is better than to wait for the next.
      if (last === undefined) await soon(asking, clock)
    }
    const told = last?.checks.filter(({ about }) => about !== 'ready') ?? []
    return { checks: [...ownWord(readiness, new Set(told.map(({ text }) => text))), ...told], at: last?.at }
  }
}

const soon = (done: Promise<void>, clock: DiagnosisParts['clock']): Promise<void> => new Promise(resolve => {
  const timer = clock.after(patience, resolve)
  const end = (): void => {
    timer.cancel()
    resolve()
  }
  // That it failed is told elsewhere.
  unwaited(done.then(end, end))
})

/** `told`: what doctor says too. */
function ownWord ({ ready, warnings }: DiagnosisParts['readiness'], told: ReadonlySet<string>): readonly CheckShown[] {
  const problems = ready()
  return [
    ...problems.length === 0 ? [fine('ready', 'everything that is configured does its work')] : problems.map(text => problem('ready', text)),
    ...warnings().filter(text => !told.has(text)).map(text => warning('configuration', text))
  ]
}
