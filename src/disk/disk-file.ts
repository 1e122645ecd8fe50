// A file on disk that is being read. Each reader has it open, so that a file that is replaced, moved or made unreadable meanwhile stays
// what it was; one that is written over in place is noticed, and the reading ends: half of one kernel and half of the next boots nothing.
import type { BigIntStats } from 'node:fs'
import { type FileHandle, stat } from 'node:fs/promises'
import { AppError, errnoOf } from '../base/errors.js'
import { type CachedFile, type FileCache, pieceBytes } from './file-cache.js'
import type { DiskTurns } from './disk-turns.js'
import { compareOpened, identityKey, isElsewhere, type OpenedFile, openedFile, secondsOf, unreadable, writtenMeanwhile } from './file-identity.js'
import type { FileDescriptor, OpenFile, FilePiece } from './open-file.js'

/** Bytes that readers without the cache may hold together, as far as the smallest pieces allow. */
const readAhead = 8 * 1024 * 1024
/** Of thousands who take nothing each keeps a piece until its connection is cut. */
const smallestPiece = 4 * 1024
/** So many share it; beyond them each begins with a smallest piece, or the sum would grow with every one of thousands. */
const many = 64
/** Who has taken so many bytes reads: the kernel alone, as a rule, takes less for one who does not. */
const proof = 1024 * 1024
/** Of such a one, and the first ones where there are not so many: smaller ones take longer than their octets. */
const smallestOfReader = 64 * 1024

/** A file of no more leaves as a rule without anybody waiting, and is not worth being read in parts. */
const smallFile = 256 * 1024

/** What one reader may hold: so many pieces of so many bytes, from `proof` on of `later`. */
interface Share { readonly pieces: 1 | 2, readonly bytes: number, readonly later: number }

/** Who reads without the cache, and the memory they read into. */
export class Readers {
  #count = 0
  /** At most `readAhead` bytes. */
  readonly #unused: Buffer[] = []
  #unusedBytes = 0

  /**
   * The newcomer's share for a file of that size. A few read one piece while another leaves; many keep each other busy, and begin a large
   * one with less than their part, which those before them have still.
   */
  enter (size: number): Share {
    this.#count++
    const pieces = this.#count * 2 * pieceBytes <= readAhead ? 2 : 1
    const later = Math.min(pieceBytes, Math.max(smallestOfReader, 2 ** Math.floor(Math.log2(readAhead / this.#count))), size)
    const bytes = pieces > 1 || size <= smallFile ? later : smallestOfReader
    return { pieces, later, bytes: this.#count > many ? Math.min(smallestPiece, size) : bytes }
  }

  leave (memory: readonly Buffer[]): void {
    this.#count--
    for (const buffer of memory) {
      if (buffer.length < smallestPiece || this.#unusedBytes + buffer.length > readAhead) continue
      this.#unused.push(buffer)
      this.#unusedBytes += buffer.length
    }
  }

  memory (bytes: number): Buffer {
    const found = this.#unused.findIndex(({ length }) => length >= bytes)
    const [memory] = found < 0 ? [] : this.#unused.splice(found, 1)
    this.#unusedBytes -= memory?.length ?? 0
    return memory ?? Buffer.allocUnsafeSlow(bytes)
  }
}

export interface DiskFileOptions {
  /** Closed with the file, in turn, unless `close` says how. */
  readonly handle: FileHandle
  readonly close?: () => Promise<void>
  /** As `handle.stat({ bigint: true })` gave it. */
  readonly identity: OpenedFile
  /** For people. */
  readonly path: string
  /** Where it was opened, if that is no text. */
  readonly place?: string | Buffer | undefined
  readonly cache: FileCache | undefined
  readonly readers: Readers
  /** Where it is read in turn with others. */
  readonly turns?: DiskTurns | undefined
}

export class DiskFile implements OpenFile {
  readonly path: string
  readonly size: number
  readonly modified: number | undefined
  readonly #handle: FileHandle
  readonly #identity: OpenedFile
  readonly #place: string | Buffer
  /** As it was when it was read last. */
  #seen: OpenedFile
  readonly #cached: CachedFile | undefined
  readonly #readers: Readers
  readonly #turns: DiskTurns | undefined
  readonly #close: () => Promise<void>
  #isClosed = false
  /** Of the memory for pieces that are not in the cache; undefined as long as none was read. */
  #share: Share | undefined
  /** Of those pieces, in bytes. */
  #taken = 0
  #held = 0
  readonly #spare: Buffer[] = []
  #released = (): void => {}

  constructor ({
    handle, identity, path, place = undefined, cache, readers, turns,
    close = () => turns?.owe(() => handle.close()) ?? handle.close()
  }: DiskFileOptions) {
    this.path = path
    this.size = Number(identity.size)
    this.modified = secondsOf(Number(identity.mtimeNs / 1_000_000n))
    this.#handle = handle
    this.#identity = identity
    this.#place = place ?? path
    this.#seen = identity
    this.#cached = cache?.open(identity)
    this.#readers = readers
    this.#turns = turns
    this.#close = close
  }

  piece (position: number, most: number): FilePiece | Promise<FilePiece> {
    const index = Math.floor(position / pieceBytes)
    const kept = this.#cached?.piece(index, this.#read)
    if (kept === undefined) return this.#ownPiece(position, most)
    const start = position - index * pieceBytes
    const part = ({ bytes, release }: FilePiece): FilePiece => ({ bytes: bytes.subarray(start, start + most), release })
    return kept instanceof Promise ? kept.then(part) : part(kept)
  }

  get identity (): string { return identityKey(this.#identity) }

  get descriptor (): FileDescriptor { return { fd: this.#handle.fd, identity: this.#seen, place: this.#place } }

  async close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cached?.close()
    if (this.#share !== undefined) this.#readers.leave(this.#spare.splice(0))
    await this.#close()
  }

  async #ownPiece (position: number, most: number): Promise<FilePiece> {
    if (most < smallestPiece) return await this.#fewOctets(position, most)
    const { pieces, bytes, later } = this.#share ??= this.#readers.enter(this.size)
    while (this.#held >= pieces) await new Promise<void>(resolve => { this.#released = resolve })
    const memory = this.#memory(this.#taken < proof ? bytes : later)
    this.#held++
    const release = (): void => {
      this.#held--
      this.#spare.push(memory)
      this.#released()
    }
    try {
      const part = memory.subarray(0, most)
      await this.#read(part, position)
      this.#taken += part.length
      return { bytes: part, release }
    } catch (error) {
      release()
      throw error
    }
  }

  /** What was used before, unless it is too small by now. */
  #memory (bytes: number): Buffer {
    const spare = this.#spare.pop()
    return spare !== undefined && spare.length >= bytes ? spare : this.#readers.memory(bytes)
  }

  /** Not from its share: the first octets tell the type of a file that another thread may send, and nothing of them is to stay. */
  async #fewOctets (position: number, count: number): Promise<FilePiece> {
    const bytes = Buffer.allocUnsafeSlow(count)
    await this.#read(bytes, position)
    return { bytes, release: () => {} }
  }

  readonly #read = async (memory: Buffer, position: number): Promise<void> => {
    const file = { path: this.path, place: this.#place, handle: this.#handle }
    const read = (): Promise<OpenedFile> => readUnchanged(file, this.#seen, memory, position)
    this.#seen = await (this.#turns?.take(read) ?? read())
  }
}

export interface ReadFrom extends Pick<FileDescriptor, 'place'>, Pick<DiskFileOptions, 'handle' | 'path'> {}

/**
 * Fills memory with the bytes from `position`, and gives back what the file is now beside what was `seen` of it. Rejects with AppError
 * read_failed when it is not what it was, or its disk fails.
 */
export async function readUnchanged (
  { path, place, handle }: ReadFrom, seen: OpenedFile, memory: Buffer, position: number
): Promise<OpenedFile> {
  const changed = (): AppError => new AppError('read_failed', writtenMeanwhile(path))
  try {
    for (let filled = 0; filled < memory.length;) {
      const { bytesRead } = await handle.read(memory, filled, memory.length - filled, position + filled)
      if (bytesRead === 0) throw changed()
      filled += bytesRead
    }
    const now = await handle.stat({ bigint: true })
    const compared = compareOpened(seen, now)
    if (compared === 'written' || (compared === 'writtenOrMoved' && !isElsewhere(now, await lookAt(place)))) throw changed()
    return now.ctimeNs === seen.ctimeNs ? seen : openedFile(now)
  } catch (error) {
    const errno = errnoOf(error)
    throw error instanceof AppError || errno === '' ? error : new AppError('read_failed', unreadable(path, errno), { cause: error })
  }
}

/** undefined where nothing is there. */
async function lookAt (place: string | Buffer): Promise<BigIntStats | undefined> {
  try {
    return await stat(place, { bigint: true })
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return undefined
    throw error
  }
}
