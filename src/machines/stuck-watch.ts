// Looks through the machines again and again, a few at a time, for those that do not get further: to tell of each once, and to count
// how many there are, and how many stand where in their lives.
import type { Clock, Timer } from '../base/clock.js'
import { type LifeState, lifeStateOf, lifeStates } from './lifecycle.js'
import type { Machine } from './machine.js'
import type { Trouble } from './reasons.js'
import type { MachineRegistry } from './registry.js'
import { isOver } from './timeline.js'

export interface StuckWatchOptions {
  readonly registry: MachineRegistry
  readonly clock: Clock
  /** Milliseconds of a clock that nobody sets. */
  readonly steady: () => number
  /** A machine that somebody named is stuck; told again for another reason, or after a boot that went well. */
  readonly onStuck: (machine: Machine, trouble: Trouble) => void
  /** Of several provisioners that know a machine one tells of it; without it this one does. */
  readonly isOurs?: (machine: Machine) => boolean
}

/** Milliseconds between two steps, and machines looked at in one. */
const pause = 1000
const perStep = 500
/** Milliseconds that the system's clock may be set by without anything being thought of it. */
const smallJump = 5000

const nobody = (): Record<LifeState, number> => Object.fromEntries(lifeStates.map(state => [state, 0])) as Record<LifeState, number>

export class StuckWatch {
  readonly #options: StuckWatchOptions
  readonly #timer: Timer
  /** By hardware address, for which reason it was told of; of the pass before, and of the present one. */
  #told = new Map<string, string>()
  #telling = new Map<string, string>()
  #left: Iterator<Machine> | undefined
  #counting = { stuck: 0, states: nobody() }
  #counts = this.#counting
  /** Of machines that were last heard of before, nothing is told: their silence is not known. */
  #since: number
  #last: { readonly wall: number, readonly steady: number }

  constructor (options: StuckWatchOptions) {
    this.#options = options
    const { clock, steady } = options
    this.#since = clock.now()
    this.#last = { wall: this.#since, steady: steady() }
    this.#timer = clock.every(pause, () => { this.#step() })
  }

  /** Of the last time that all were looked at. */
  get stuck (): number { return this.#counts.stuck }
  get states (): Readonly<Record<LifeState, number>> { return this.#counts.states }

  close (): void { this.#timer.cancel() }

  #step (): void {
    const now = this.#noticeJump()
    this.#left ??= this.#options.registry.values()
    for (let i = 0; i < perStep; i++) {
      const { done, value } = this.#left.next()
      if (done === true) {
        this.#turn()
        return
      }
      this.#look(value, now)
    }
  }

  /** A clock that is set makes silences of hours, or of less than nothing. */
  #noticeJump (): number {
    const [wall, steady] = [this.#options.clock.now(), this.#options.steady()]
    if (Math.abs((wall - this.#last.wall) - (steady - this.#last.steady)) > smallJump) this.#since = wall
    this.#last = { wall, steady }
    return wall
  }

  #look (machine: Machine, now: number): void {
    const { registry, onStuck, isOurs } = this.#options
    const known = !registry.isStranger(machine.mac)
    this.#counting.states[lifeStateOf(machine, known)]++
    if (!known) return
    const trouble = registry.troubleOf(machine, now)
    const before = this.#told.get(machine.mac)
    if (trouble === undefined) {
      if (before !== undefined && !isOver(machine)) this.#telling.set(machine.mac, before)
      return
    }
    this.#counting.stuck++
    if (machine.lastSeen < this.#since) {
      if (before !== undefined) this.#telling.set(machine.mac, before)
      return
    }
    if (isOurs?.(machine) === false) return
    this.#telling.set(machine.mac, trouble.id)
    if (before !== trouble.id) onStuck(machine, trouble)
  }

  #turn (): void {
    this.#left = undefined
    this.#told = this.#telling
    this.#telling = new Map()
    this.#counts = this.#counting
    this.#counting = { stuck: 0, states: nobody() }
  }
}
