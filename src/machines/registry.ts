// Every machine that has been seen, known or not: its facts, its stage, its timeline; and who waits for what.
import type { Mac } from '../net/mac.js'
import type { MachineFacts, Machine, Observation, Stage, TimelineEntry } from './machine.js'
import { hasReached, isOver, observe, type RecordLimits, recordLimits, startOver, type TimelineStep, withFirstLoader } from './timeline.js'
import { Patience } from './patience.js'
import { troubleOf, type Trouble } from './reasons.js'

export interface StageChange {
  readonly machine: Machine
  readonly observation: Observation
  /** Another provisioner saw it, and tells those who are to hear of it once. */
  readonly elsewhere?: boolean
}

/** How a machine came to be what it is. */
export interface Noted {
  readonly step: TimelineStep
  /** Whether there is a new line, or a person said something. */
  readonly isNews: boolean
  /** Whether a group, a reservation or a lease names the machine. */
  readonly isNamed: boolean
}

/**
 * How much is remembered, in octets of JSON. `known` are machines that a group or a reservation names, `leased` those that only hold a
 * lease: where anybody is given one a stranger can invent as many as there are addresses, as he can invent any number without one.
 * Each pushes out its like alone.
 */
export const registryBudgets = { known: 64 * 2 ** 20, leased: 32 * 2 ** 20, stranger: 4 * 2 ** 20 } as const

export interface RegistryOptions {
  /** Is told of every machine that changed, to keep it. */
  readonly note: (machine: Machine, how: Noted) => void
  /** Fulfilled when what was noted of a machine is kept; rejected with AppError when it can't be. At once without it. */
  readonly kept?: (mac: Mac) => Promise<void>
  /** Has what was seen of a machine and is not told yet recorded; called before somebody gets the machine. */
  readonly catchUp?: (mac: Mac) => void
  /** Who names the machine; without it all are known. A stranger's record is a small one. */
  readonly kindOf?: (machine: Machine) => MachineKind
  readonly budgets?: Readonly<Record<MachineKind, number>>
  readonly limits?: Readonly<Record<'known' | 'stranger', RecordLimits>>
}

export type MachineKind = keyof typeof registryBudgets
const kinds: readonly MachineKind[] = ['known', 'leased', 'stranger']

interface KeptMachine { readonly machine: Machine, readonly octets: number, readonly as: MachineKind }

export class MachineRegistry {
  /** Each in the order in which they were last seen, the longest ago first. */
  readonly #machines: Readonly<Record<MachineKind, Map<Mac, KeptMachine>>> = { known: new Map(), leased: new Map(), stranger: new Map() }
  readonly #octets = { known: 0, leased: 0, stranger: 0 }
  /** All of them, sorted: nobody may ask for a sort of thousands. */
  readonly #inOrder: Mac[] = []
  readonly #byAddress = new Map<string, Mac>()
  readonly #listeners = new Set<(change: StageChange) => void>()
  readonly #options: Required<RegistryOptions>
  readonly #patience = new Patience()

  constructor (kept: readonly Machine[], options: RegistryOptions) {
    this.#options = { catchUp: () => {}, kindOf: () => 'known', kept: () => Promise.resolve(), budgets: registryBudgets, limits: recordLimits, ...options }
    for (const machine of kept) {
      this.#hold(machine, this.#options.kindOf(machine))
      for (const { profile, ms, reason } of machine.history ?? []) {
        if (profile !== undefined && reason === undefined) this.#patience.finished(profile, ms)
      }
    }
    // Each put into its place would move half of the others.
    this.#inOrder.push(...kinds.flatMap(kind => [...this.#machines[kind].keys()]).sort())
  }

  get size (): number { return this.#inOrder.length }
  /** Octets that the records take, about. */
  get octets (): number { return this.#octets.known + this.#octets.leased + this.#octets.stranger }
  get strangers (): number { return this.#machines.stranger.size }
  list (): readonly Machine[] { return this.after(undefined, this.size) }

  /** Machines in the order of their addresses, `most` at most, from the one after `mac` on. */
  after (mac: Mac | undefined, most: number): readonly Machine[] {
    const from = mac === undefined ? 0 : this.#placeOf(mac)
    const start = this.#inOrder[from] === mac ? from + 1 : from
    return this.#inOrder.slice(start, start + most).map(found => this.#find(found)!.machine)
  }

  * values (): IterableIterator<Machine> {
    for (const kind of kinds) for (const { machine } of this.#machines[kind].values()) yield machine
  }

  get (mac: Mac): Machine | undefined {
    this.#options.catchUp(mac)
    return this.#find(mac)?.machine
  }

  /** Whether the first loader led the machine nowhere; nothing that may not be told yet says so. */
  usesOtherLoader (mac: Mac): boolean { return this.#find(mac)?.machine.otherLoader === true }

  /** Of one that was never seen: nobody names it. */
  kindOf (mac: Mac): MachineKind { return this.#find(mac)?.as ?? 'stranger' }

  isStranger (mac: Mac): boolean { return this.#find(mac)?.as === 'stranger' }

  /** What keeps the machine from getting further, at `now` (epoch milliseconds); undefined while nothing does. */
  troubleOf (machine: Machine, now: number): Trouble | undefined {
    if (isOver(machine) && !this.#reportsInstalled(machine)) return undefined
    return troubleOf(machine, now - machine.lastSeen, this.#patience.of(machine.profile))
  }

  /** Which machine was last seen with an address. */
  macOf (address: string): Mac | undefined { return this.#byAddress.get(address) }

  record (observation: Observation): Machine {
    const { mac, at, group } = observation
    this.#options.catchUp(mac)
    const held = this.#find(mac)
    const before = held?.machine
    const asked = before ?? { mac, firstSeen: at, lastSeen: at, boots: 0, timeline: [], ...group !== undefined && { group } }
    const kind = this.#options.kindOf(asked)
    const limits = this.#options.limits[kind === 'stranger' ? 'stranger' : 'known']
    const machine = observe(before, observation, limits)
    const news = isNews(before, machine)
    const step: TimelineStep = { make: before => observe(before, observation, limits), observation }
    // Whom a group names is asked again only when the group is another.
    this.#replace(machine, step, news, machine.group === asked.group ? kind : undefined, held)
    this.#learn(before, machine)
    if (news) for (const listener of [...this.#listeners]) listener({ machine, observation })
    return machine
  }

  /** What became of a machine that another provisioner saw. */
  take (machine: Machine): void {
    const before = this.get(machine.mac)
    this.#remember(machine)
    this.#learn(before, machine)
    const { mac } = machine
    for (const line of newLines(before, machine)) {
      for (const listener of [...this.#listeners]) listener({ machine, observation: { mac, ...line }, elsewhere: true })
    }
  }

  /** A machine of which nothing is known any more. */
  forget (mac: Mac): void {
    this.#options.catchUp(mac)
    const found = this.#find(mac)
    if (found === undefined) return
    this.#drop(found, true)
    this.#inOrder.splice(this.#placeOf(mac), 1)
  }

  /** Fulfilled when what is known of a machine now would survive a power cut; rejected with AppError. */
  async kept (mac: Mac): Promise<void> { await this.#options.kept(mac) }

  /** A person, or an enrolment, named the machine: what it is from now on. */
  assign (mac: Mac, facts: Pick<MachineFacts, 'group' | 'profile' | 'name'>): void {
    const machine = this.get(mac)
    if (machine !== undefined) this.#change(machine, before => ({ ...before, ...facts }))
  }

  /** Forgets how far the machine came, so that its next boot counts from the beginning; false when it was never seen. */
  reset (mac: Mac): boolean {
    const machine = this.get(mac)
    if (machine === undefined) return false
    this.#change(machine, startOver)
    return true
  }

  /** Forgets that the first loader led the machine nowhere, because a person now says which one it gets. */
  forgetOtherLoader (mac: Mac): void {
    const machine = this.get(mac)
    if (machine?.otherLoader === true) this.#change(machine, withFirstLoader)
  }

  /** Hears of every new line in a machine's timeline until the returned function is called. */
  onChange (listener: (change: StageChange) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  /** The machine once it is at `stage` or past it; undefined when `signal` says stop first. */
  waitFor (mac: Mac, stage: Stage, signal: AbortSignal): Promise<Machine | undefined> {
    const now = this.get(mac)
    if (now !== undefined && hasReached(now, stage)) return Promise.resolve(now)
    if (signal.aborted) return Promise.resolve(undefined)
    return new Promise(resolve => {
      const done = (machine: Machine | undefined): void => {
        stop()
        signal.removeEventListener('abort', aborted)
        resolve(machine)
      }
      const aborted = (): void => { done(undefined) }
      const stop = this.onChange(({ machine }) => { if (machine.mac === mac && hasReached(machine, stage)) done(machine) })
      signal.addEventListener('abort', aborted, { once: true })
    })
  }

  #find (mac: Mac): KeptMachine | undefined {
    const { known, leased, stranger } = this.#machines
    return known.get(mac) ?? leased.get(mac) ?? stranger.get(mac)
  }

  #change (machine: Machine, change: (before: Machine) => Machine): void {
    this.#replace(change(machine), { make: before => change(before ?? machine) }, true)
  }

  #replace (machine: Machine, step: TimelineStep, isNews: boolean, kind = this.#options.kindOf(machine), before?: KeptMachine): void {
    this.#remember(machine, kind, before)
    this.#options.note(machine, { step, isNews, isNamed: kind !== 'stranger' })
  }

  /** A boot that has just come to its end says how long those of its profile take. */
  #learn (before: Machine | undefined, machine: Machine): void {
    const { profile, timeline: [first] } = machine
    const known = before !== undefined && isOver(before) && before.stage === machine.stage
    if (profile === undefined || first === undefined || !isOver(machine) || known) return
    this.#patience.finished(profile, machine.lastSeen - first.at)
    if (machine.stage === 'installed') this.#reporting.add(profile)
  }

  /** Profiles whose machines report that they are installed: from them a config is not yet the end. */
  readonly #reporting = new Set<string>()
  #reportsInstalled ({ profile, stage }: Machine): boolean { return stage === 'ignition' && profile !== undefined && this.#reporting.has(profile) }

  #remember (machine: Machine, as = this.#options.kindOf(machine), before = this.#find(machine.mac)): void {
    if (before === undefined) this.#inOrder.splice(this.#placeOf(machine.mac), 0, machine.mac)
    for (const { machine: { mac } } of this.#hold(machine, as, before)) this.#inOrder.splice(this.#placeOf(mac), 1)
  }

  /** Holds the machine's record in place of the one before, if there is any; what had to give way for it. */
  #hold (machine: Machine, as: MachineKind, before = this.#find(machine.mac)): readonly KeptMachine[] {
    if (before !== undefined) this.#drop(before, before.machine.address !== machine.address)
    const kept: KeptMachine = { machine, octets: octetsOf(machine), as }
    this.#machines[as].set(machine.mac, kept)
    this.#octets[as] += kept.octets
    if (machine.address !== undefined) this.#byAddress.set(machine.address, machine.mac)
    const gone: KeptMachine[] = []
    if (this.#octets[as] <= this.#options.budgets[as]) return gone
    for (const oldest of this.#machines[as].values()) {
      if (this.#octets[as] <= this.#options.budgets[as] || oldest === kept) break
      this.#drop(oldest, true)
      gone.push(oldest)
    }
    return gone
  }

  /** Where the address stands in the order, or would. */
  #placeOf (mac: Mac): number {
    let [low, high] = [0, this.#inOrder.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#inOrder[middle]! < mac) low = middle + 1
      else high = middle
    }
    return low
  }

  #drop ({ machine, octets, as }: KeptMachine, forgetAddress: boolean): void {
    const { mac, address } = machine
    this.#machines[as].delete(mac)
    this.#octets[as] -= octets
    if (forgetAddress && address !== undefined && this.#byAddress.get(address) === mac) this.#byAddress.delete(address)
  }
}

/** What comes again and again is one line, told once. */
const isNews = (before: Machine | undefined, { timeline }: Machine): boolean => {
  const [last, lastBefore] = [timeline.at(-1), before?.timeline.at(-1)]
  if (last === undefined || lastBefore === undefined) return last !== lastBefore
  const alike = last.stage === lastBefore.stage && last.detail === lastBefore.detail && last.failed === lastBefore.failed
  return last.at !== lastBefore.at || !alike
}

/** Lines that a record has and the one before it had not, oldest first. */
function newLines (before: Machine | undefined, { timeline }: Machine): readonly TimelineEntry[] {
  const known = before?.timeline ?? []
  return timeline.filter(({ stage, at, detail, failed }) =>
    !known.some(line => line.stage === stage && line.at === at && line.detail === detail && line.failed === failed))
}

/** What a record takes beside its texts: the objects and their places in maps, measured with 10,000 of them. */
const octetsOfRecord = 700
const octetsOfLine = 140
/** Ten stages with their times. */
const octetsOfStages = 160

function octetsOf (machine: Machine): number {
  let octets = octetsOfRecord
  for (const key in machine) {
    const value: unknown = machine[key as keyof Machine]
    if (typeof value === 'string') octets += value.length
  }
  for (const { detail = '', failed = '' } of machine.timeline) octets += octetsOfLine + detail.length + failed.length
  for (const { reason = '', profile = '', stages } of machine.history ?? []) {
    octets += octetsOfLine + reason.length + profile.length
    if (stages !== undefined) octets += octetsOfStages
  }
  return octets
}
