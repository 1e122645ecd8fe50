// How far a machine's boot has come: what was observed, in order, and when a new boot begins. Pure.
import { clockSkew } from '../base/clock.js'
import { type BootSummary, type MachineFacts, type Machine, type Observation, rankOf, type Stage, type TimelineEntry } from './machine.js'
import { troubleOf } from './reasons.js'

/** How much is kept of a machine. */
export interface RecordLimits {
  /** Lines of the present boot: a machine that loops in its loader must not grow its timeline without end. */
  readonly timeline: number
  /** Boots before it. */
  readonly history: number
}

/** Of a machine that somebody named, and of one that anybody may have made up. */
export const recordLimits = {
  known: { timeline: 64, history: 10 },
  stranger: { timeline: 12, history: 2 },
  /** Of a machine whose record several provisioners share: it is written whole whenever it changes. */
  shared: { timeline: 24, history: 5 }
} as const satisfies Record<string, RecordLimits>

/** Characters of a text that came from outside, or may be as long as a message of a template. */
export const longestText = 256

const facts = [
  'address', 'name', 'architecture', 'firmware', 'vendorClass', 'uuid', 'serial', 'group', 'profile', 'otherLoader', 'bootedAs', 'seenBy'
] as const satisfies ReadonlyArray<keyof MachineFacts>

/** The machine after an observation. `before` is undefined for one never seen. */
export function observe (before: Machine | undefined, observation: Observation, limits: RecordLimits = recordLimits.known): Machine {
  const seen = clipped(observation)
  const machine: Draft = before === undefined
    ? { mac: seen.mac, firstSeen: seen.at, boots: 0, timeline: [], lastSeen: seen.at }
    : { ...before }
  for (const name of facts) learn(machine, seen, name)
  machine.lastSeen = seen.at
  if (seen.exchange !== undefined) machine.exchange = seen.exchange
  if (seen.program === 'other') {
    // The DHCP client of an initramfs or of the installed system: no stage of the boot, but a sign of life after it.
    const up = seen.stage === 'ack' && (machine.stage === 'installed' || (machine.installedAt !== undefined && !reached(machine, 'kernel')))
    return up ? enter(machine, seen, 'running', limits) : machine
  }
  return enter(beginsBoot(machine, seen) ? nextBoot(machine, before, limits) : machine, seen, seen.stage, limits)
}

/** A change of a machine's record, which can be made again of the record that another provisioner has written meanwhile. */
export interface TimelineStep {
  readonly make: (before: Machine | undefined) => Machine
  /** What was seen; undefined for what a person or an enrolment said. */
  readonly observation?: Observation
}

/**
 * The record after steps that were made of another one than `before`, which tells what others saw meanwhile. What they saw later
 * stays as it is: what was seen before it is told in its place, and begins no boot.
 */
export function redo (before: Machine | undefined, steps: readonly TimelineStep[], limits = recordLimits.shared): Machine | undefined {
  let machine = before
  for (const { make, observation } of steps) {
    const isLate = machine !== undefined && observation !== undefined &&
      (observation.at < machine.lastSeen || isSameExchange(machine, observation))
    machine = isLate ? observeLate(machine!, observation!, limits) : make(machine)
  }
  return machine
}

/** Two provisioners heard one DISCOVER; firmware that makes its xid of its address uses it again with its next boot. */
const isSameExchange = (machine: Machine, { at, exchange }: Observation): boolean =>
  exchange !== undefined && exchange === machine.exchange && Math.abs(at - machine.lastSeen) < skew

/** What was seen before what is written down: a line in its place, where it is of this boot. */
function observeLate (before: Machine, observation: Observation, limits: RecordLimits): Machine {
  const seen = clipped(observation)
  const { stage, at, detail, failed, warning } = seen
  const machine: Draft = { ...before }
  for (const name of facts) if (before[name] === undefined) learn(machine, seen, name)
  // A system's own client is no stage.
  if (seen.program === 'other') return machine
  const began = before.timeline[0]?.at ?? at
  if (at < began - skew) return stage === 'installed' ? installedLate(machine, seen) : machine
  const alike = before.timeline.findIndex(line =>
    line.stage === stage && line.detail === detail && line.failed === failed && line.warning === warning)
  const place = before.timeline.findLastIndex(line => line.at <= at) + 1
  machine.timeline = alike >= 0
    ? before.timeline.with(alike, { ...before.timeline[alike]!, times: (before.timeline[alike]!.times ?? 1) + 1 })
    : before.timeline.toSpliced(place, 0, lineOf(seen, stage)).slice(-limits.timeline)
  if (failed !== undefined) return machine
  if (!reached(machine, stage)) machine.stage = stage
  if (stage === 'kernel' && before.installedAt !== undefined && at > before.installedAt) return without(machine, 'installedAt', 'installedAs')
  return stage === 'installed' ? installedLate(machine, seen) : machine
}

/** Nothing forgets that it was installed but a kernel that it loaded after that. */
function installedLate (draft: Draft, { at, bootedAs }: Observation): Machine {
  const kernel = draft.timeline.findLast(({ stage, failed }) => stage === 'kernel' && failed === undefined)
  if ((draft.installedAt ?? 0) >= at || (kernel !== undefined && kernel.at > at)) return draft
  draft.installedAt = at
  const as = bootedAs ?? draft.bootedAs
  if (as !== undefined) draft.installedAs = as
  return draft
}

/** Milliseconds that the clocks of two provisioners may be off from each other where they tell of one boot. */
const skew = 2 * clockSkew

/** Of two records of one machine the one that tells of what was seen later, and what the other knows of its installation. */
export function laterOf (one: Machine, other: Machine): Machine {
  const [late, early] = one.lastSeen >= other.lastSeen ? [one, other] : [other, one]
  const kernel = late.timeline.findLast(({ stage, failed }) => stage === 'kernel' && failed === undefined)
  const { installedAt, installedAs } = early
  if (installedAt === undefined || (late.installedAt ?? 0) >= installedAt || (kernel !== undefined && kernel.at > installedAt)) return late
  return { ...late, installedAt, ...installedAs !== undefined && { installedAs } }
}

/** A record in the making, copied once and then filled in: each request of a machine makes one, and thousands come at once. */
type Draft = { -readonly [Key in keyof Machine]: Machine[Key] }

function learn<Name extends typeof facts[number]> (machine: Draft, seen: Pick<Draft, Name>, name: Name): void {
  if (seen[name] !== undefined) machine[name] = seen[name]
}

/** The machine as if it had never booted: what it is stays known, and how its boots went. */
export const startOver = (machine: Machine): Machine =>
  ({ ...without(withFirstLoader(machine), 'stage', 'installedAt', 'installedAs', 'bootedAs'), timeline: [] })

/** The machine as one that the first loader works for, as far as is known. */
export const withFirstLoader = (machine: Machine): Machine => without(machine, 'otherLoader')

/** Whether the machine is at a stage or past it. */
export function hasReached (machine: Machine, stage: Stage): boolean {
  return reached(machine, stage) || (stage === 'installed' && machine.installedAt !== undefined)
}

/** How many boots since `since` (epoch milliseconds) loaded a kernel from here, the present one among them. */
export const kernelBootsSince = ({ timeline, history = [] }: Machine, since: number): number =>
  history.filter(({ at, stage }) => at >= since && stage !== undefined && rankOf(stage) >= rankOf('kernel')).length +
  Number(timeline.some(({ stage, at, failed }) => stage === 'kernel' && at >= since && failed === undefined))

const reached = (machine: Machine, stage: Stage): boolean => machine.stage !== undefined && rankOf(machine.stage) >= rankOf(stage)

/** A boot ROM that asks for an address has just been switched on; iPXE asks once more after it was loaded itself. */
function beginsBoot (machine: Machine, { stage, program }: Observation): boolean {
  if (machine.stage === undefined) return machine.timeline.length === 0 || stage === 'discover'
  if (stage !== 'discover') return false
  return reached(machine, program === 'ipxe' ? 'script' : 'loader')
}

function nextBoot (machine: Machine, before: Machine | undefined, limits: RecordLimits): Draft {
  const over = before === undefined ? undefined : summaryOf(before)
  const older = (machine.history ?? []).map(({ stages: _, ...summary }) => summary)
  const history = (over === undefined ? machine.history ?? [] : [over, ...older]).slice(0, limits.history)
  return { ...without(machine, 'stage'), boots: machine.boots + 1, timeline: [], ...history.length > 0 && { history } }
}

function summaryOf (machine: Machine): BootSummary | undefined {
  const { timeline, stage, profile } = machine
  const [first, last] = [timeline[0], timeline.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const reason = isOver(machine) ? undefined : troubleOf(machine, Infinity, 0)?.reason
  const said = { ...profile !== undefined && { profile }, ...reason !== undefined && { reason } }
  return { at: first.at, ms: last.at - first.at, stage, ...said, stages: firstTimes(timeline) }
}

/** When each stage came first; no more of them than there are stages. */
function firstTimes (timeline: Machine['timeline']): NonNullable<BootSummary['stages']> {
  const times: Partial<Record<Stage, number>> = {}
  const began = timeline[0]?.at ?? 0
  for (const { stage, at } of timeline) times[stage] ??= Math.max(0, at - began)
  return times
}

/** Whether a boot came to an end that is one: its config was given out, whatever it did with it, or its disk was started. */
export function isOver (machine: Machine): boolean {
  const last = machine.timeline.at(-1)
  return last?.failed === undefined && (reached(machine, 'ignition') || (last?.stage === 'script' && last.detail === fromDisk))
}

/** The `detail` of a script that starts the machine from its own disk. */
export const fromDisk = 'starts from its disk'

const lineOf = ({ at, detail, failed, code, warning }: Observation, stage: Stage): TimelineEntry => ({
  stage,
  at,
  ...detail !== undefined && { detail },
  ...failed !== undefined && { failed },
  ...code !== undefined && { code },
  ...warning !== undefined && { warning }
})

/** A line that is seen once more: the word for what failed goes with that. */
function again ({ code: before, ...last }: TimelineEntry, { failed, code }: Observation): TimelineEntry {
  const counts = failed === undefined || last.failed === failed
  const word = failed === undefined ? before : code
  return {
    ...last,
    ...failed !== undefined && { failed },
    ...word !== undefined && { code: word },
    ...counts && { times: (last.times ?? 1) + 1 }
  }
}

/** Fills in what the observation says of `stage`. */
function enter (draft: Draft, seen: Observation, stage: Stage, limits: RecordLimits): Machine {
  const { at, detail, failed, warning } = seen
  const { timeline } = draft
  const last = timeline.at(-1)
  const repeated = last?.stage === stage && last.detail === detail && last.warning === warning && (last.failed === failed || stage === 'discover')
  // A DISCOVER that is refused is heard first, and refused then: both are one line, with the reason.
  const entry = repeated ? again(last, seen) : lineOf(seen, stage)
  const entries = repeated ? timeline.with(-1, entry) : [...timeline, entry]
  draft.timeline = entries.length > limits.timeline ? entries.slice(-limits.timeline) : entries
  if (failed !== undefined) return draft
  const machine = stage === 'kernel' ? without(draft, 'installedAt', 'installedAs') : draft
  if (!reached(machine, stage)) machine.stage = stage
  if (stage === 'installed') {
    machine.installedAt = at
    if (machine.bootedAs !== undefined) machine.installedAs = machine.bootedAs
  }
  return machine
}

/** What a stranger says is kept up to a length. A copy, since what is cut from a string keeps all of it. */
function clipped (observation: Observation): Observation {
  let short: Record<string, unknown> | undefined
  for (const key in observation) {
    const value: unknown = observation[key as keyof Observation]
    if (typeof value !== 'string' || value.length <= longestText) continue
    short ??= { ...observation }
    short[key] = `${Buffer.from(value.slice(0, longestText)).toString()}...`
  }
  return short === undefined ? observation : { ...observation, ...short }
}

type Optional = 'stage' | 'installedAt' | 'installedAs' | 'bootedAs' | 'otherLoader'

function without (machine: Machine, ...keys: readonly Optional[]): Draft {
  if (keys.every(key => machine[key] === undefined)) return machine
  const rest: Draft = { ...machine }
  for (const key of keys) delete rest[key]
  return rest
}
