// A file cut into DATA packets, in order (RFC 1350 section 5: the packet that is not full is the last, be it empty).
import type { OpenFile, FilePiece } from '../disk/open-file.js'
import { dataHeaderLength, writeDataHeader } from './packet.js'

export interface ByteSequence {
  /** The next `length` bytes, less only at the end: a view that is good until the next call. */
  next: (length: number) => Buffer | Promise<Buffer>
  /** Gives back what is held of the file. */
  close: () => void
}

const nothing: Buffer = Buffer.alloc(0)

/** A file's bytes from `position` on, of which one piece is held at a time. */
export function bytesOf (file: OpenFile, position = 0): ByteSequence {
  let held: FilePiece | undefined
  /** The held piece, and where in it `position` is. */
  let bytes = nothing
  let at = 0
  let closed = false

  const left = (): number => bytes.length - at
  const take = (length: number): Buffer => {
    const taken = bytes.subarray(at, at + length)
    at += taken.length
    position += taken.length
    return taken
  }
  const letGo = (): void => {
    held?.release()
    held = undefined
    bytes = nothing
    at = 0
  }
  const hold = (piece: FilePiece): void => {
    held = piece
    bytes = piece.bytes
    at = 0
    if (closed) letGo()
  }
  /** What lies in several pieces, or has to be waited for. */
  const gather = async (length: number, first: FilePiece | Promise<FilePiece> | undefined): Promise<Buffer> => {
    if (first !== undefined) hold(await first)
    if (left() >= length) return take(length)
    const gathered = Buffer.allocUnsafe(length)
    for (let filled = 0; ;) {
      filled += take(length - filled).copy(gathered, filled)
      if (filled === length || closed) return gathered
      letGo()
      hold(await file.piece(position, file.size - position))
    }
  }
  return {
    next: length => {
      const wanted = Math.min(length, file.size - position)
      if (left() >= wanted) return take(wanted)
      if (left() > 0) return gather(wanted, undefined)
      letGo()
      const piece = file.piece(position, file.size - position)
      if (piece instanceof Promise) return gather(wanted, piece)
      hold(piece)
      return left() >= wanted ? take(wanted) : gather(wanted, undefined)
    },
    close: () => {
      closed = true
      letGo()
    }
  }
}

export class DataBlocks {
  readonly #bytes: ByteSequence
  readonly #blksize: number
  #block: number
  /** What the last packets are written in, and they themselves when each of them is full. */
  #memory: Buffer = nothing
  #full: Buffer[] = []

  /** `before`: blocks of the file that come before the first of `bytes`. */
  constructor (bytes: ByteSequence, blksize: number, before = 0) {
    this.#bytes = bytes
    this.#blksize = blksize
    this.#block = before + 1
  }

  /**
   * The next `count` DATA packets, fewer when the last of them ends the file; at once when the bytes are in memory. With `over` they
   * may be written over those before, which nobody needs any more: memory of its own for each costs as much as the calls that send it.
   */
  next (count: number, over = false): readonly Buffer[] | Promise<readonly Buffer[]> {
    const bytes = this.#bytes.next(count * this.#blksize)
    return Buffer.isBuffer(bytes) ? this.#cut(bytes, count, over) : bytes.then(found => this.#cut(found, count, over))
  }

  /** Gives back what is held of the file. */
  close (): void { this.#bytes.close() }

  /** The packets lie behind one another, so that they may leave together. */
  #cut (bytes: Buffer, count: number, over: boolean): readonly Buffer[] {
    const blocks = Math.min(count, Math.floor(bytes.length / this.#blksize) + 1)
    const length = blocks * dataHeaderLength + bytes.length
    const isFull = bytes.length === blocks * this.#blksize
    const packets = over && isFull && this.#full.length === blocks ? this.#full : this.#lay(blocks, length, over)
    this.#full = isFull ? packets : []
    for (let n = 0; n < blocks; n++) {
      const packet = packets[n]!
      writeDataHeader(packet, this.#block++)
      bytes.copy(packet, dataHeaderLength, n * this.#blksize, n * this.#blksize + packet.length - dataHeaderLength)
    }
    return packets
  }

  /** Packets without their bytes, each but the last one full, `length` octets in all. */
  #lay (blocks: number, length: number, over: boolean): Buffer[] {
    if (!over || this.#memory.length < length) this.#memory = Buffer.allocUnsafeSlow(length)
    const each = dataHeaderLength + this.#blksize
    return Array.from({ length: blocks }, (_, n) => this.#memory.subarray(n * each, Math.min((n + 1) * each, length)))
  }
}
