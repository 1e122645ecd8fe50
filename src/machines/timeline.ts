// How far a machine's boot has come: what was observed, in order, and when a new boot begins. Pure.
import type { Mac } from '../net/mac.js'

/** The stages of a boot in their order. */
export const stages = ['discover', 'offer', 'ack', 'loader', 'script', 'kernel', 'initrd', 'ignition', 'installed', 'running'] as const
export type Stage = typeof stages[number]

export const isStage = (text: string): text is Stage => (stages as readonly string[]).includes(text)
const rank = (stage: Stage): number => stages.indexOf(stage)

/** What is known of a machine beside its boot; the latest that was seen counts. */
interface Facts {
  readonly address?: string
  readonly architecture?: string
  readonly firmware?: string
  readonly uuid?: string
  readonly group?: string
  readonly profile?: string
  /** The first loader for its firmware led it nowhere: it is given the other one. */
  readonly otherLoader?: boolean
}

/** One thing that a server saw a machine do. */
export interface Observation extends Facts {
  readonly mac: Mac
  readonly stage: Stage
  /** Epoch milliseconds. */
  readonly at: number
  /** For DHCP stages: what asked. A system's own client is `other`. */
  readonly program?: 'pxe' | 'http' | 'ipxe' | 'raspberry-pi' | 'other'
  /** The file that was loaded, or what else is worth a line. */
  readonly detail?: string
  /** Why the stage did not succeed. */
  readonly failed?: string
  /** What a person should look at, although the stage succeeded. */
  readonly warning?: string
}

export interface TimelineEntry {
  readonly stage: Stage
  /** Epoch milliseconds. */
  readonly at: number
  readonly detail?: string
  readonly failed?: string
  readonly warning?: string
}

export interface Machine extends Facts {
  readonly mac: Mac
  readonly firstSeen: number
  readonly lastSeen: number
  /** The furthest stage of the present boot; undefined for one that has only been seen with an address of its own. */
  readonly stage?: Stage
  /** When it last reported that it is installed; undefined again once it boots a kernel from the network anew. */
  readonly installedAt?: number
  /** How many boots have been seen. */
  readonly boots: number
  /** The present boot, oldest first. */
  readonly timeline: readonly TimelineEntry[]
}

/** A machine that loops in its loader must not grow its timeline without end. */
const longestTimeline = 64

const facts = ['address', 'architecture', 'firmware', 'uuid', 'group', 'profile', 'otherLoader'] as const satisfies ReadonlyArray<keyof Facts>

/** The machine after an observation. `before` is undefined for one never seen. */
export function observe (before: Machine | undefined, seen: Observation): Machine {
  const machine: Machine = {
    ...before ?? { mac: seen.mac, firstSeen: seen.at, boots: 0, timeline: [] },
    ...Object.fromEntries(facts.filter(name => seen[name] !== undefined).map(name => [name, seen[name]])),
    lastSeen: seen.at
  }
  if (seen.program === 'other') {
    // The DHCP client of an initramfs or of the installed system: no stage of the boot, but a sign of life after it.
    const up = seen.stage === 'ack' && (machine.stage === 'installed' || (machine.installedAt !== undefined && !reached(machine, 'kernel')))
    return up ? enter(machine, { ...seen, stage: 'running' }) : machine
  }
  const fresh = beginsBoot(machine, seen)
    ? { ...without(machine, 'stage'), boots: machine.boots + 1, timeline: [] }
    : machine
  return enter(fresh, seen)
}

/** The machine as if it had never booted: what it is stays known. */
export const startOver = (machine: Machine): Machine => ({ ...without(withFirstLoader(machine), 'stage', 'installedAt'), timeline: [] })

/** The machine as one that the first loader works for, as far as is known. */
export const withFirstLoader = (machine: Machine): Machine => without(machine, 'otherLoader')

/** Whether the machine is at a stage or past it. */
export function hasReached (machine: Machine, stage: Stage): boolean {
  return reached(machine, stage) || (stage === 'installed' && machine.installedAt !== undefined)
}

const reached = (machine: Machine, stage: Stage): boolean => machine.stage !== undefined && rank(machine.stage) >= rank(stage)

/** A boot ROM that asks for an address has just been switched on; iPXE asks once more after it was loaded itself. */
function beginsBoot (machine: Machine, { stage, program }: Observation): boolean {
  if (machine.stage === undefined) return true
  if (stage !== 'discover') return false
  return reached(machine, program === 'ipxe' ? 'script' : 'loader')
}

function enter (machine: Machine, { stage, at, detail, failed, warning }: Observation): Machine {
  const last = machine.timeline.at(-1)
  const repeated = last?.stage === stage && last.detail === detail && last.failed === failed && last.warning === warning
  const entry: TimelineEntry = {
    stage, at, ...detail !== undefined && { detail }, ...failed !== undefined && { failed }, ...warning !== undefined && { warning }
  }
  const succeeded = failed === undefined
  return {
    ...succeeded && stage === 'kernel' ? without(machine, 'installedAt') : machine,
    ...succeeded && !reached(machine, stage) && { stage },
    ...succeeded && stage === 'installed' && { installedAt: at },
    timeline: repeated ? machine.timeline : [...machine.timeline, entry].slice(-longestTimeline)
  }
}

function without<K extends 'stage' | 'installedAt' | 'otherLoader'> (machine: Machine, ...keys: readonly K[]): Omit<Machine, K> & Partial<Machine> {
  const rest: { -readonly [Key in keyof Machine]: Machine[Key] } = { ...machine }
  for (const key of keys) delete rest[key]
  return rest
}
