// Every machine that has been seen, known or not: its facts, its stage, its timeline; and who waits for what.
import type { Mac } from '../net/mac.js'
import { hasReached, type Machine, type Observation, observe, type Stage, startOver, withFirstLoader } from './timeline.js'

export interface StageChange { readonly machine: Machine, readonly observation: Observation }

/** How many machines are remembered: a stranger can invent hardware addresses without end. */
const mostMachines = 20_000

export class MachineRegistry {
  /** In the order in which they were last seen, the longest ago first. */
  readonly #machines = new Map<Mac, Machine>()
  readonly #byAddress = new Map<string, Mac>()
  readonly #listeners = new Set<(change: StageChange) => void>()
  readonly #note: (machine: Machine) => void

  /** `note` is told of every machine that changed, to keep it. */
  constructor (known: readonly Machine[], note: (machine: Machine) => void) {
    this.#note = note
    for (const machine of known) this.#remember(machine)
  }

  get size (): number { return this.#machines.size }
  list (): readonly Machine[] { return [...this.#machines.values()].sort((a, b) => a.mac < b.mac ? -1 : 1) }
  values (): IterableIterator<Machine> { return this.#machines.values() }
  get (mac: Mac): Machine | undefined { return this.#machines.get(mac) }

  /** Which machine was last seen with an address. */
  macOf (address: string): Mac | undefined { return this.#byAddress.get(address) }

  record (observation: Observation): Machine {
    const before = this.#machines.get(observation.mac)
    const machine = observe(before, observation)
    this.#remember(machine)
    this.#note(machine)
    if (machine.timeline !== before?.timeline) for (const listener of [...this.#listeners]) listener({ machine, observation })
    return machine
  }

  /** Forgets how far the machine came, so that its next boot counts from the beginning; false when it was never seen. */
  reset (mac: Mac): boolean {
    const machine = this.#machines.get(mac)
    if (machine === undefined) return false
    this.#replace(startOver(machine))
    return true
  }

  /** Forgets that the first loader led the machine nowhere, because a person now says which one it gets. */
  forgetOtherLoader (mac: Mac): void {
    const machine = this.#machines.get(mac)
    if (machine?.otherLoader === true) this.#replace(withFirstLoader(machine))
  }

  /** Hears of every new line in a machine's timeline until the returned function is called. */
  onChange (listener: (change: StageChange) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  /** The machine once it is at `stage` or past it; undefined when `signal` says stop first. */
  waitFor (mac: Mac, stage: Stage, signal: AbortSignal): Promise<Machine | undefined> {
    const now = this.#machines.get(mac)
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

  #replace (machine: Machine): void {
    this.#remember(machine)
    this.#note(machine)
  }

  #remember (machine: Machine): void {
    const before = this.#machines.get(machine.mac)
    if (before !== undefined && before.address !== machine.address) this.#forgetAddress(before)
    this.#machines.delete(machine.mac)
    this.#machines.set(machine.mac, machine)
    if (machine.address !== undefined) this.#byAddress.set(machine.address, machine.mac)
    if (this.#machines.size <= mostMachines) return
    const [oldest] = this.#machines.values()
    if (oldest === undefined) return
    this.#machines.delete(oldest.mac)
    this.#forgetAddress(oldest)
  }

  #forgetAddress ({ mac, address }: Machine): void {
    if (address !== undefined && this.#byAddress.get(address) === mac) this.#byAddress.delete(address)
  }
}
