// Leases on disk: one JSON object a line, appended and synced before an ACK leaves, rewritten when most lines are stale.
// Group commit: while one sync runs, all that comes in waits for the next, so one sync serves many ACKs.
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { formatIpv4, parseIpv4 } from '../net/ipv4.js'
import { parseMac } from '../net/mac.js'
import { syncFolder, writeError, writeFileAtomic } from '../disk/atomic-file.js'
import type { Lease, LeaseState } from './leases.js'

/** Where leases are kept. Another kind of store may stand behind it, so everything is asynchronous. */
export interface LeaseStore {
  /** What was kept, oldest change first; of one address the last counts. */
  readonly load: () => Promise<readonly Lease[]>
  /** Fulfilled when the lease would survive a power cut; rejected when it can't be kept. */
  readonly append: (lease: Lease) => Promise<void>
  readonly close: () => Promise<void>
}

export interface LeaseFileOptions {
  readonly path: string
  readonly log: Logger
  /** The leases to keep when the file is rewritten. */
  readonly current: () => Iterable<Lease>
  /** How many lines beyond twice the current leases make a rewrite worth it. */
  readonly slack?: number
  /** Called after each sync with its milliseconds and how many leases it served. */
  readonly onSync?: (milliseconds: number, leases: number) => void
}

interface Waiting { readonly line: string, readonly resolve: () => void, readonly reject: (error: Error) => void }

export class LeaseFile implements LeaseStore {
  readonly #options: LeaseFileOptions
  #file: FileHandle | undefined
  /** Octets that are known to be whole lines on disk. */
  #length = 0
  #lines = 0
  /** How many lines may stand before it is worth counting the stale ones. */
  #enough = 0
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  #closed = false

  constructor (options: LeaseFileOptions) { this.#options = options }

  async load (): Promise<readonly Lease[]> {
    const { path } = this.#options
    await mkdir(dirname(path), { recursive: true })
    const bytes = await readFile(path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0)
      throw new AppError('read_failed', `cannot read ${path}: ${messageOf(error)}`, { cause: error })
    })
    const end = bytes.lastIndexOf(0x0a) + 1
    const leases: Lease[] = []
    for (const [index, line] of bytes.toString('utf8', 0, end).split('\n').entries()) {
      if (line === '') continue
      const lease = parseLease(line)
      if (lease === undefined) this.#options.log.warn({ file: `${path}:${index + 1}` }, 'lease.unreadable')
      else leases.push(lease)
      this.#lines++
    }
    await this.#open(end)
    if (end < bytes.length) this.#options.log.warn({ file: path, bytes: bytes.length - end }, 'lease.torn')
    return leases
  }

  append (lease: Lease): Promise<void> {
    if (this.#closed) return Promise.reject(writeError(this.#options.path, new Error('the lease file is closed')))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line: `${formatLease(lease)}\n`, resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  async close (): Promise<void> {
    this.#closed = true
    await this.#writing
    await this.#file?.close()
    this.#file = undefined
  }

  async #write (): Promise<void> {
    while (this.#waiting.length > 0) {
      // Everything that arrived in this turn of the event loop goes with the batch.
      await setImmediate()
      const batch = this.#waiting
      this.#waiting = []
      const started = performance.now()
      try {
        await this.#commit(Buffer.from(batch.map(({ line }) => line).join('')))
        this.#lines += batch.length
        this.#options.onSync?.(performance.now() - started, batch.length)
        for (const { resolve } of batch) resolve()
      } catch (error) {
        const failed = writeError(this.#options.path, error)
        this.#options.log.error({ file: this.#options.path, leases: batch.length, error: failed.message }, 'lease.unsaved')
        for (const { reject } of batch) reject(failed)
      }
      await this.#compactWhenStale()
    }
    // In the same turn as the look at #waiting: a lease that came between the two would wait for ever.
    this.#writing = undefined
  }

  async #commit (bytes: Buffer): Promise<void> {
    // A write that failed half-way may have left part of a line, and a rewrite that failed no file: begin from what is whole.
    const file = this.#file ?? await this.#open(this.#length)
    try {
      for (let done = 0; done < bytes.length;) {
        done += (await file.write(bytes, done, bytes.length - done, this.#length + done)).bytesWritten
      }
      await file.datasync()
      this.#length += bytes.length
    } catch (error) {
      this.#file = undefined
      await file.truncate(this.#length).catch(() => {})
      await file.close().catch(() => {})
      throw error
    }
  }

  async #open (length: number): Promise<FileHandle> {
    const { path } = this.#options
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o640)
    await file.truncate(length)
    await syncFolder(dirname(path))
    this.#length = length
    this.#file = file
    return file
  }

  async #compactWhenStale (): Promise<void> {
    if (this.#lines <= this.#enough) return
    const { path, current, log, slack = 1000 } = this.#options
    const leases = [...current()].filter(lease => lease.state !== 'offered')
    this.#enough = 2 * leases.length + slack
    if (this.#lines <= this.#enough) return
    const bytes = Buffer.from(leases.map(lease => `${formatLease(lease)}\n`).join(''))
    try {
      await writeFileAtomic(path, bytes, { mode: 0o640 })
      log.debug({ file: path, before: this.#lines, after: leases.length }, 'lease.compacted')
      this.#lines = leases.length
      this.#length = bytes.length
      const old = this.#file
      this.#file = undefined
      await old?.close()
    } catch (error) {
      log.error({ file: path, error: messageOf(error) }, 'lease.compact_failed')
      // A disk that is full now will be a moment later too.
      this.#enough = this.#lines + slack
    }
  }
}

export const formatLease = ({ ip, mac, state, since, expires, hostName, declines }: Lease): string =>
  JSON.stringify({ ip: formatIpv4(ip), mac, state, since, expires, hostname: hostName, declines })

const savedStates: ReadonlySet<unknown> = new Set<LeaseState>(['bound', 'declined', 'released'])

export function parseLease (line: string): Lease | undefined {
  let fields: Record<string, unknown>
  try {
    fields = Object(JSON.parse(line)) as Record<string, unknown>
  } catch {
    return undefined
  }
  const ip = typeof fields['ip'] === 'string' ? parseIpv4(fields['ip']) : undefined
  const mac = typeof fields['mac'] === 'string' ? parseMac(fields['mac']) : undefined
  const { state, since, expires, hostname, declines } = fields
  if (ip === undefined || mac === undefined || !savedStates.has(state)) return undefined
  if (!Number.isFinite(since) || !Number.isFinite(expires)) return undefined
  return {
    ip,
    mac,
    state: state as LeaseState,
    since: since as number,
    expires: expires as number,
    ...typeof hostname === 'string' && { hostName: hostname },
    ...typeof declines === 'number' && { declines }
  }
}
