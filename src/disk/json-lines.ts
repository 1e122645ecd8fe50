// State that grows a line at a time: one JSON object a line, appended and synced; of several lines about one thing the last counts. When
// most lines are stale the file is replaced by what is in memory. The first line says which format the rest is in:
//
//     {"format":"lease","version":1}
//
// A file without it is older than it, and read. One of a newer version is refused before anything is written to it. A last
// line that a crash tore off is left out. Group commit: while one sync runs, all that comes in waits for the next.
import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { writeError, writeFileAtomic } from './atomic-file.js'
import { type LinesHeader, parseHeader, refuseOthers } from './lines-header.js'
import { makeFolder } from './make-folder.js'
import { syncFolder } from './sync-folder.js'
import { readWhole } from './whole-file.js'

export interface JsonLinesOptions<T> {
  readonly path: string
  /** What a line holds, in one word: for the header, and for events as `lease.torn`. */
  readonly kind: string
  /** Of the format of the lines, counted from 1: higher when a program that knows only the one before would misread them. */
  readonly version: number
  readonly log: Logger
  /** One line of JSON, without its end. */
  readonly format: (value: T) => string
  /** undefined for a line that holds none. */
  readonly parse: (line: string) => T | undefined
  /** What to keep when the file is replaced. */
  readonly current: () => Iterable<T>
  /** How many lines beyond twice the current ones make a replacement worth it. */
  readonly slack?: number
  /** Called after each sync with its milliseconds and how many values it served. */
  readonly onSync?: ((milliseconds: number, values: number) => void) | undefined
}

interface QueuedLine { readonly line: string, readonly resolve: () => void, readonly reject: (error: Error) => void }

const mode = 0o640

export class JsonLines<T> {
  readonly #options: JsonLinesOptions<T>
  readonly #slack: number
  #file: FileHandle | undefined
  /** Device and inode of the file, open or not. */
  #identity = ''
  /** Octets that are known to be whole lines on disk. */
  #length = 0
  #lines = 0
  /** How many lines may stand before it is worth counting the stale ones. */
  #enough = 0
  #waiting: QueuedLine[] = []
  #writing: Promise<void> | undefined
  /** What it holds is not what is in memory, and could not be written. */
  #isOwed = false
  #closed = false

  constructor (options: JsonLinesOptions<T>) {
    this.#options = options
    this.#slack = options.slack ?? 1000
  }

  /**
   * All values, oldest first; makes the file when there is none. Throws AppError state_newer, and read_failed or
   * write_failed when the file cannot be read or written.
   */
  async load (): Promise<readonly T[]> {
    const { path, kind, version, log, parse } = this.#options
    const bytes = await readWhole(path, 'state').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0)
      throw new AppError('read_failed', `cannot read ${path}: ${messageOf(error)}`, { cause: error })
    })
    const end = bytes.lastIndexOf(0x0a) + 1
    const [first = '', ...rest] = bytes.toString('utf8', 0, end).split('\n')
    const header = parseHeader(first)
    if (header !== undefined) refuseOthers(path, header, { format: kind, version })
    const values: T[] = []
    for (const [index, line] of [header === undefined ? first : '', ...rest].entries()) {
      if (line === '') continue
      const value = parse(line)
      if (value === undefined) log.warn({ file: `${path}:${index + 1}` }, `${kind}.unreadable`)
      else values.push(value)
      this.#lines++
    }
    await this.#make(end)
    if (end < bytes.length) log.warn({ file: path, bytes: bytes.length - end }, `${kind}.torn`)
    // A file without a header gets one with the next change; should the disk be full by then, it stays as it is.
    this.#enough = header === undefined && end > 0 ? -1 : 0
    return values
  }

  async #make (length: number): Promise<void> {
    const { path } = this.#options
    try {
      await makeFolder(dirname(path))
      if (await this.#open(length) === undefined) throw new Error('it got shorter while it was read')
    } catch (error) {
      throw writeError(path, error)
    }
  }

  /** Fulfilled when the value would survive a power cut; rejected with AppError when it cannot be kept. */
  append (value: T): Promise<void> {
    const { path, format } = this.#options
    if (this.#closed) return Promise.reject(writeError(path, new Error('the file is closed')))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line: `${format(value)}\n`, resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  /** Writes the file anew when somebody has removed or changed it: what is promised is lost with the process else. */
  async verify (): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#isOwed) await this.#replace('')
      else if (!await this.#isInPlace(this.#length)) await this.#replaceLost('')
    })
  }

  /** Writes the file anew: all values are others now. Whether it could; why not is logged, and the next look at it tries again. */
  async rewrite (): Promise<boolean> {
    let isDone = false
    await this.#inTurn(async () => {
      this.#isOwed = true
      await this.#replace('')
      isDone = true
    })
    return isDone
  }

  async #inTurn (act: () => Promise<void>): Promise<void> {
    // Somebody else may begin as soon as the one before ends.
    while (this.#writing !== undefined) await this.#writing
    if (this.#closed) return
    this.#writing = this.#write(act)
    await this.#writing
  }

  /** Waits for what is being written. */
  async close (): Promise<void> {
    this.#closed = true
    await this.#writing
    try {
      if (this.#isOwed || (this.#file !== undefined && !await this.#isInPlace(this.#length))) await this.#replace('')
    } catch (error) {
      this.#options.log.error({ file: this.#options.path, error: messageOf(error) }, `${this.#options.kind}.unsaved`)
    }
    await this.#release()
  }

  async #write (first?: () => Promise<void>): Promise<void> {
    const { path, kind, log, onSync } = this.#options
    await first?.().catch((error: unknown) => { log.error({ file: path, error: messageOf(error) }, `${kind}.unsaved`) })
    // Everything that arrives in this turn of the event loop goes with the first batch; the others gather while one is written.
    await setImmediate()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      const started = performance.now()
      try {
        await this.#commit(batch.map(({ line }) => line).join(''), batch.length)
        onSync?.(performance.now() - started, batch.length)
        for (const { resolve } of batch) resolve()
      } catch (error) {
        const failed = writeError(path, error)
        log.error({ file: path, lines: batch.length, error: failed.message }, `${kind}.unsaved`)
        for (const { reject } of batch) reject(failed)
      }
      await this.#compactWhenStale()
    }
    // In the same turn as the look at #waiting: a value that came between the two would wait for ever.
    this.#writing = undefined
  }

  async #commit (text: string, lines: number): Promise<void> {
    const file = this.#file ?? await this.#open(this.#length)
    // Somebody emptied or removed it after a write had failed.
    if (file === undefined) return await this.#replaceLost(text)
    const bytes = Buffer.from(this.#length === 0 ? this.#header() + text : text)
    try {
      // O_DSYNC: it is on disk when it is written, with one way to another thread and back in place of two.
      for (let done = 0; done < bytes.length;) done += (await file.write(bytes, done)).bytesWritten
    } catch (error) {
      // What was written of it is no whole line: the next write begins where this one did.
      await file.truncate(this.#length).catch(() => {})
      await this.#release()
      throw error
    }
    // Looked at after the write, which was an append: whatever happened to the file until now is seen, and what is promised
    // is in the file that will be read.
    if (!await this.#isInPlace(this.#length + bytes.length)) return await this.#replaceLost(text)
    this.#length += bytes.length
    this.#lines += lines
  }

  /** Opens the file and cuts off what follows `length`; undefined when it is shorter than that. */
  async #open (length: number): Promise<FileHandle | undefined> {
    const { path } = this.#options
    const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_DSYNC, mode)
    try {
      const { size, dev, ino } = await file.stat()
      if (size < length) return void await file.close()
      await file.truncate(length)
      await syncFolder(dirname(path))
      this.#length = length
      this.#identity = `${dev}:${ino}`
      this.#file = file
      return file
    } catch (error) {
      await file.close().catch(() => {})
      throw error
    }
  }

  /** Whether the path still leads to the open file, and nobody else has made that shorter or longer. */
  async #isInPlace (length: number): Promise<boolean> {
    const there = await stat(this.#options.path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
      throw error
    })
    return there !== undefined && `${there.dev}:${there.ino}` === this.#identity && there.size === length
  }

  async #replaceLost (text: string): Promise<void> {
    const { path, kind, log } = this.#options
    await this.#replace(text)
    log.warn({ file: path, lines: this.#lines, reason: 'somebody removed or changed it: it is what is in memory again' }, `${kind}.rewritten`)
  }

  /** A new file of what is in memory and the lines of `text`. */
  async #replace (text: string): Promise<void> {
    const { path, current, format } = this.#options
    const kept = Array.from(current(), value => `${format(value)}\n`).join('') + text
    const bytes = Buffer.from(this.#header() + kept)
    await writeFileAtomic(path, bytes, { mode })
    this.#isOwed = false
    this.#length = bytes.length
    this.#lines = kept.split('\n').length - 1
    await this.#release()
    // The new file is another: taken for somebody else's it would be written anew at each look.
    this.#identity = await stat(path).then(({ dev, ino }) => `${dev}:${ino}`, () => '')
  }

  async #compactWhenStale (): Promise<void> {
    if (this.#lines <= this.#enough) return
    const { path, kind, current, log } = this.#options
    const [before, after] = [this.#lines, [...current()].length]
    const headless = this.#enough < 0
    this.#enough = 2 * after + this.#slack
    if (before <= this.#enough && !headless) return
    try {
      await this.#replace('')
      log.debug({ file: path, before, after }, `${kind}.compacted`)
    } catch (error) {
      log.error({ file: path, error: messageOf(error) }, `${kind}.compact_failed`)
      // A disk that is full now will be a moment later too.
      this.#enough = before + this.#slack
    }
  }

  #header (): string {
    const { kind, version } = this.#options
    return `${JSON.stringify({ format: kind, version } satisfies LinesHeader)}\n`
  }

  async #release (): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close().catch(() => {})
  }
}
