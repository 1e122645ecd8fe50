// An asset that is being read. Each reader has the file open, so that a file that is replaced meanwhile stays what it was;
// one that is written over in place is noticed, and the reading ends: half of one kernel and half of the next boots nothing.
import type { FileHandle } from 'node:fs/promises'
import { AppError } from '../errors.js'
import { type CachedFile, type FileIdentity, type Piece, pieceBytes } from './asset-cache.js'
import type { AssetFile } from './asset-source.js'

/** Bytes that readers without the cache may hold together, as far as pieces of `smallestPiece` allow. */
const readAhead = 16 * 1024 * 1024
const smallestPiece = 64 * 1024

/** Who reads without the cache: the more there are, the smaller their pieces. */
export class Readers {
  #count = 0

  /** Bytes of the newcomer's pieces, of which it holds two. */
  enter (): number {
    this.#count++
    const share = readAhead / 2 / this.#count
    return share >= pieceBytes ? pieceBytes : Math.max(smallestPiece, 2 ** Math.floor(Math.log2(share)))
  }

  leave (): void { this.#count-- }
}

export interface DiskFileOptions {
  readonly handle: FileHandle
  readonly name: string
  readonly identity: FileIdentity
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
  readonly #identity: FileIdentity
  readonly #cached: CachedFile | undefined
  readonly #readers: Readers
  /** Bytes of this reader's own pieces; 0 as long as it has none. */
  #ownBytes = 0
  readonly #spare: Buffer[] = []

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
    if (this.#ownBytes > 0) this.#readers.leave()
    await this.#handle.close()
  }

  async #ownPiece (position: number, most: number): Promise<Piece> {
    if (this.#ownBytes === 0) this.#ownBytes = this.#readers.enter()
    const memory = this.#spare.pop() ?? Buffer.allocUnsafeSlow(Math.min(this.#ownBytes, this.size))
    const bytes = memory.subarray(0, most)
    await this.#fill(bytes, position)
    return { bytes, release: () => { this.#spare.push(memory) } }
  }

  async #fill (memory: Buffer, position: number): Promise<void> {
    for (let filled = 0; filled < memory.length;) {
      const { bytesRead } = await this.#handle.read(memory, filled, memory.length - filled, position + filled)
      if (bytesRead === 0) throw this.#changed()
      filled += bytesRead
    }
    const { size, mtimeNs } = await this.#handle.stat({ bigint: true })
    if (size !== this.#identity.size || mtimeNs !== this.#identity.mtimeNs) throw this.#changed()
  }

  #changed (): AppError {
    return new AppError('read_failed', `${this.name} was written to while it was sent: put the new file beside it and rename it`)
  }
}
