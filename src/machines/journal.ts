// What has been seen of machines, on disk: one JSON object a line, the last of a MAC counts. Nothing here was promised to
// anybody, so lines are gathered for a second and written together; a torn last line is left out.
import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock, Timer } from '../base/clock.js'
import { errnoOf, messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { parseMac } from '../net/mac.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import type { Machine } from './timeline.js'

export interface JournalOptions {
  readonly path: string
  readonly clock: Clock
  readonly log: Logger
  /** The machines to keep when the file is rewritten. */
  readonly current: () => Iterable<Machine>
}

const gather = 1000
const slack = 1000

export class MachineJournal {
  readonly #options: JournalOptions
  readonly #changed = new Map<string, Machine>()
  #file: FileHandle | undefined
  #lines = 0
  #timer: Timer | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor (options: JournalOptions) { this.#options = options }

  async load (): Promise<readonly Machine[]> {
    const { path, log } = this.#options
    await mkdir(dirname(path), { recursive: true })
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return ''
      throw error
    })
    const machines = new Map<string, Machine>()
    for (const [index, line] of text.split('\n').entries()) {
      if (line === '') continue
      const machine = parseMachine(line)
      if (machine === undefined) log.warn({ file: `${path}:${index + 1}` }, 'machines.unreadable')
      else machines.set(machine.mac, machine)
    }
    const kept = [...machines.values()]
    await this.#rewrite(kept)
    return kept
  }

  note (machine: Machine): void {
    this.#changed.set(machine.mac, machine)
    this.#timer ??= this.#options.clock.after(gather, () => { this.#flush() })
  }

  async close (): Promise<void> {
    this.#timer?.cancel()
    this.#flush()
    await this.#writing
    await this.#file?.close()
    this.#file = undefined
  }

  #flush (): void {
    this.#timer = undefined
    this.#writing = this.#writing.then(() => this.#write()).catch((error: unknown) => {
      this.#options.log.error({ file: this.#options.path, error: messageOf(error) }, 'machines.unsaved')
    })
  }

  async #write (): Promise<void> {
    const machines = [...this.#changed.values()]
    this.#changed.clear()
    if (machines.length === 0) return
    const { current } = this.#options
    const all = [...current()]
    if (this.#lines + machines.length > 2 * all.length + slack) {
      await this.#rewrite(all)
      return
    }
    await this.#file?.appendFile(format(machines))
    this.#lines += machines.length
  }

  async #rewrite (machines: readonly Machine[]): Promise<void> {
    const { path } = this.#options
    await writeFileAtomic(path, format(machines), { mode: 0o640 })
    await this.#file?.close()
    this.#file = await open(path, 'a')
    this.#lines = machines.length
  }
}

const format = (machines: readonly Machine[]): string => machines.map(machine => `${JSON.stringify(machine)}\n`).join('')

function parseMachine (line: string): Machine | undefined {
  try {
    const machine = Object(JSON.parse(line)) as Partial<Machine>
    const whole = typeof machine.mac === 'string' && parseMac(machine.mac) === machine.mac && Array.isArray(machine.timeline) &&
      Number.isFinite(machine.firstSeen) && Number.isFinite(machine.lastSeen) && Number.isFinite(machine.boots)
    return whole ? machine as Machine : undefined
  } catch {
    return undefined
  }
}
