// An asset that is being read. Each reader has the file open, so that a file that is replaced meanwhile stays what it was;
// one that is written over in place is noticed, and the reading ends: half of one kernel and half of the next boots nothing.
import type { FileHandle } from 'node:fs/promises'
import { AppError } from '../base/errors.js'
import { type CachedFile, type FileIdentity, type Piece, pieceBytes } from './asset-cache.js'
import type { AssetFile } from './asset-source.js'

/** Bytes that readers without the cache may hold together, as far as pieces of `smallestPiece` allow. */
const readAhead = 8 * 1024 * 1024
const smallestPiece = 64 * 1024

/** What one reader may hold: so many pieces of so many bytes. */
interface Share { readonly pieces: 1 | 2, readonly bytes: number }

/** Who reads without the cache, and the memory they read into. */
export class Readers {
  #count = 0
  /** At most `readAhead` bytes. */
  readonly #unused: Buffer[] = []
  #unusedBytes = 0

  /** The newcomer's share for a file of that size. A few read one piece while another leaves; many keep each other busy. */
  enter (size: number): Share {
    this.#count++
    const pieces = this.#count * 2 * pieceBytes <= readAhead ? 2 : 1
    const fair = Math.max(smallestPiece, 2 ** Math.floor(Math.log2(readAhead / this.#count)))
    return { pieces, bytes: Math.min(pieceBytes, fair, size) }
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

/** How many names it has tells a file that was replaced from one that was written to. */
interface OpenFile extends FileIdentity { readonly nlink: bigint }

export interface DiskFileOptions {
  readonly handle: FileHandle
  readonly name: string
  readonly identity: OpenFile
  readonly modified: number | undefined
  /** undefined for a file that is not kept in memory. */
  readonly cached: CachedFile | undefined
  readonly readers: Readers
}

export class DiskFile implements AssetFile {
  readonly kind = 'file'
  readonly name: string
  readonly size: number
  readonly modified: number | undefined
  readonly #handle: FileHandle
  readonly #identity: OpenFile
  readonly #cached: CachedFile | undefined
  readonly #readers: Readers
  /** Of the memory for pieces that are not in the cache; undefined as long as none was read. */
  #share: Share | undefined
  #held = 0
  readonly #spare: Buffer[] = []
  #released = (): void => {}

  constructor ({ handle, name, identity, modified, cached, readers }: DiskFileOptions) {
    this.name = name
    this.size = Number(identity.size)
    this.modified = modified
    this.#handle = handle
    this.#identity = identity
    this.#cached = cached
    this.#readers = readers
  }

  async head (length: number): Promise<Buffer> {
    const { bytesRead, buffer } = await this.#handle.read(Buffer.alloc(length), 0, length, 0)
    return buffer.subarray(0, bytesRead)
  }

  piece (position: number, most: number): Piece | Promise<Piece> {
    const index = Math.floor(position / pieceBytes)
    const kept = this.#cached?.piece(index, (memory, at) => this.#fill(memory, at))
    if (kept === undefined) return this.#ownPiece(position, most)
    const start = position - index * pieceBytes
    const part = ({ bytes, release }: Piece): Piece => ({ bytes: bytes.subarray(start, start + most), release })
    return kept instanceof Promise ? kept.then(part) : part(kept)
  }

  async close (): Promise<void> {
    this.#cached?.close()
    if (this.#share !== undefined) this.#readers.leave(this.#spare.splice(0))
    await this.#handle.close()
  }

  async #ownPiece (position: number, most: number): Promise<Piece> {
    const { pieces, bytes } = this.#share ??= this.#readers.enter(this.size)
    while (this.#held >= pieces) await new Promise<void>(resolve => { this.#released = resolve })
    const memory = this.#spare.pop() ?? this.#readers.memory(bytes)
    this.#held++
    const release = (): void => {
      this.#held--
      this.#spare.push(memory)
      this.#released()
    }
    try {
      const part = memory.subarray(0, most)
      await this.#fill(part, position)
      return { bytes: part, release }
    } catch (error) {
      release()
      throw error
    }
  }

  async #fill (memory: Buffer, position: number): Promise<void> {
    for (let filled = 0; filled < memory.length;) {
      const { bytesRead } = await this.#handle.read(memory, filled, memory.length - filled, position + filled)
      if (bytesRead === 0) throw this.#changed()
      filled += bytesRead
    }
    const { size, mtimeNs, ctimeNs, nlink } = await this.#handle.stat({ bigint: true })
    const before = this.#identity
    // The time of writing can be put back (cp -p, rsync --times), that of the last change can't; it changes too when a name is taken
    // away, as when another file is renamed over this one.
    if (size !== before.size || mtimeNs !== before.mtimeNs || (ctimeNs !== before.ctimeNs && nlink === before.nlink)) throw this.#changed()
  }

  #changed (): AppError {
    return new AppError('read_failed', `${this.name} was written to while it was sent: put the new file beside it and rename it`)
  }
}
