// The copy on disk of what the provisioners share, for a start while etcd is away: a line for each key, of which the last counts.
// Nothing here was promised to anybody, so that changes are gathered for a second and written together.
import type { Clock, Timer } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import { JsonLines } from '../disk/json-lines.js'
import { lineFormats } from '../disk/state-formats.js'

export interface FleetCopyOptions {
  readonly path: string
  readonly clock: Clock
  readonly log: Logger
  /** All keys and their values, for when the file is rewritten. */
  readonly current: () => Iterable<readonly [key: string, value: Buffer]>
}

export interface FleetCopyContent {
  readonly values: ReadonlyMap<string, Buffer>
  /** When it was last known to be what etcd has, epoch milliseconds; undefined for an empty copy. */
  readonly asOf: number | undefined
}

type Line =
  | { readonly key: string, readonly value: Buffer | undefined }
  | { readonly asOf: number }

/** Milliseconds. */
const gather = 1000

export class FleetCopy {
  readonly #clock: Clock
  readonly #file: JsonLines<Line>
  #changed = new Map<string, Buffer | undefined>()
  #asOf: number | undefined
  /** A write has failed: what it held is not kept, so that a full disk does not fill memory too, and the file is written anew. */
  #missed = false
  #timer: Timer | undefined
  #writing = Promise.resolve()

  constructor ({ clock, current, ...options }: FleetCopyOptions) {
    this.#clock = clock
    const lines = (): Iterable<Line> => this.#lines(current())
    this.#file = new JsonLines({ ...options, kind: 'fleet', version: lineFormats.fleet.version, format: formatLine, parse: parseLine, current: lines })
  }

  async load (): Promise<FleetCopyContent> {
    const values = new Map<string, Buffer>()
    for (const line of await this.#file.load()) {
      if ('asOf' in line) this.#asOf = line.asOf
      else if (line.value === undefined) values.delete(line.key)
      else values.set(line.key, line.value)
    }
    return { values, asOf: this.#asOf }
  }

  /** Keeps a key's value, or that it has none, in a while. */
  note (key: string, value: Buffer | undefined): void {
    this.#changed.set(key, value)
    this.#timer ??= this.#clock.after(gather, () => { this.#flush() })
  }

  /** Says that all that was noted until now is what etcd had at `time`. */
  confirm (time: number): void {
    this.#asOf = time
    this.#timer ??= this.#clock.after(gather, () => { this.#flush() })
  }

  async close (): Promise<void> {
    this.#timer?.cancel()
    this.#flush()
    await this.#writing
    await this.#file.close()
  }

  * #lines (values: Iterable<readonly [string, Buffer | undefined]>): Iterable<Line> {
    for (const [key, value] of values) yield { key, value }
    if (this.#asOf !== undefined) yield { asOf: this.#asOf }
  }

  #flush (): void {
    this.#timer = undefined
    this.#writing = this.#writing.then(async () => {
      const lines = [...this.#lines(this.#changed)]
      this.#changed = new Map()
      // The file itself tells of what goes wrong. What could not be written may have been that a key is gone, which no line of those
      // that are there would say.
      if (this.#missed) this.#missed = !await this.#file.rewrite()
      else await Promise.all(lines.map(line => this.#file.append(line))).catch(() => { this.#missed = true })
    })
  }
}

const formatLine = (line: Line): string =>
  JSON.stringify('asOf' in line ? line : { key: line.key, ...line.value !== undefined && { value: line.value.toString('base64') } })

function parseLine (text: string): Line | undefined {
  try {
    const { key, value, asOf } = Object(JSON.parse(text)) as { key?: unknown, value?: unknown, asOf?: unknown }
    if (typeof asOf === 'number') return { asOf }
    if (typeof key !== 'string' || (value !== undefined && typeof value !== 'string')) return undefined
    return { key, value: value === undefined ? undefined : Buffer.from(value, 'base64') }
  } catch {
    return undefined
  }
}
