// What has been seen of machines, on disk: the last line of a MAC counts. Nothing here was promised to anybody, so changes
// are gathered for a second and written together; after a write that failed, the next one is of all machines.
import type { Clock, Timer } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import { JsonLines } from '../disk/json-lines.js'
import { lineFormats } from '../disk/state-formats.js'
import { type Mac, parseMac } from '../net/mac.js'
import { AppError } from '../base/errors.js'
import type { Machine } from './machine.js'
import type { Noted } from './registry.js'

export interface JournalOptions {
  readonly path: string
  readonly clock: Clock
  readonly log: Logger
  /** The machines to keep when the file is rewritten. */
  readonly current: () => Iterable<Machine>
}

/** Milliseconds. */
const gather = 1000

/** Where it is kept what has been seen of machines. Another kind of store may stand behind it, so everything is asynchronous. */
export interface MachineStore {
  /** In the order in which they were last seen, the longest ago first. */
  readonly load: () => Promise<readonly Machine[]>
  /** Keeps what a machine has become, in a while. */
  readonly note: (machine: Machine, how: Noted) => void
  /** Fulfilled when what was noted of a machine would survive a power cut; rejected with AppError when it can't be kept now. */
  readonly kept: (mac: Mac) => Promise<void>
  /** Keeps what was noted so far. */
  readonly close: () => Promise<void>
}

export class MachineJournal implements MachineStore {
  readonly #clock: Clock
  readonly #current: () => Iterable<Machine>
  readonly #file: JsonLines<Machine>
  readonly #changed = new Map<string, Machine>()
  /** Whether a write has failed: what it held is not kept, so that a full disk does not fill memory too. */
  #missed = false
  #timer: Timer | undefined
  /** Fulfilled with whether the last write was kept. */
  #writing: Promise<boolean> = Promise.resolve(true)

  constructor ({ clock, ...options }: JournalOptions) {
    this.#clock = clock
    this.#current = options.current
    this.#file = new JsonLines({ ...options, kind: 'machine', version: lineFormats.machine.version, format: machine => JSON.stringify(machine), parse: parseMachine })
  }

  /** In the order in which they were last seen, the longest ago first. */
  async load (): Promise<readonly Machine[]> {
    const machines = new Map<string, Machine>()
    for (const machine of await this.#file.load()) {
      machines.delete(machine.mac)
      machines.set(machine.mac, machine)
    }
    return [...machines.values()]
  }

  note (machine: Machine): void {
    this.#changed.set(machine.mac, machine)
    this.#timer ??= this.#clock.after(gather, () => { this.#flush() })
  }

  async kept (mac: Mac): Promise<void> {
    if (this.#changed.has(mac)) {
      this.#timer?.cancel()
      this.#flush()
    }
    if (!await this.#writing) throw new AppError('write_failed', 'what is known of the machine could not be written to machines.jsonl')
  }

  /** Resolves when what was gathered so far has been written, or has failed to be. */
  async idle (): Promise<void> { await this.#writing }

  async close (): Promise<void> {
    this.#timer?.cancel()
    this.#flush()
    await this.idle()
    await this.#file.close()
  }

  #flush (): void {
    this.#timer = undefined
    this.#writing = this.#writing.then(() => this.#write())
  }

  async #write (): Promise<boolean> {
    const machines = [...this.#missed ? this.#current() : this.#changed.values()]
    this.#changed.clear()
    this.#missed = false
    // The file itself tells of what goes wrong.
    await Promise.all(machines.map(machine => this.#file.append(machine))).catch(() => { this.#missed = true })
    return !this.#missed
  }
}

/** undefined for a line that holds no machine. */
export function parseMachine (line: string): Machine | undefined {
  try {
    return machineIn(JSON.parse(line))
  } catch {
    return undefined
  }
}

/** undefined for a value that is no machine. */
export function machineIn (value: unknown): Machine | undefined {
  const machine = Object(value) as Partial<Machine>
  const whole = typeof machine.mac === 'string' && parseMac(machine.mac) === machine.mac && Array.isArray(machine.timeline) &&
    Number.isFinite(machine.firstSeen) && Number.isFinite(machine.lastSeen) && Number.isFinite(machine.boots)
  return whole ? machine as Machine : undefined
}
