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
  /** The rest of the held piece, which begins at `position`. */
  let rest: Buffer = nothing
  let closed = false

  const take = (length: number): Buffer => {
    const taken = rest.subarray(0, length)
    rest = rest.subarray(length)
    position += taken.length
    return taken
  }
  const letGo = (): void => {
    held?.release()
    held = undefined
    rest = nothing
  }
  const hold = (piece: FilePiece): void => {
    held = piece
    rest = piece.bytes
    if (closed) letGo()
  }
  /** What lies in several pieces, or has to be waited for. */
  const gather = async (length: number, first: FilePiece | Promise<FilePiece> | undefined): Promise<Buffer> => {
    if (first !== undefined) hold(await first)
    if (rest.length >= length) return take(length)
    const bytes = Buffer.allocUnsafe(length)
    for (let filled = 0; ;) {
      filled += take(length - filled).copy(bytes, filled)
      if (filled === length || closed) return bytes
      letGo()
      hold(await file.piece(position, file.size - position))
    }
  }
  return {
    next: length => {
      const wanted = Math.min(length, file.size - position)
      if (rest.length >= wanted) return take(wanted)
      if (rest.length > 0) return gather(wanted, undefined)
      letGo()
      const piece = file.piece(position, file.size - position)
      if (piece instanceof Promise) return gather(wanted, piece)
      hold(piece)
      return rest.length >= wanted ? take(wanted) : gather(wanted, undefined)
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

  /** `before`: blocks of the file that come before the first of `bytes`. */
  constructor (bytes: ByteSequence, blksize: number, before = 0) {
    this.#bytes = bytes
    this.#blksize = blksize
    this.#block = before + 1
  }

  /** The next `count` DATA packets, fewer when the last of them ends the file; at once when the bytes are in memory. */
  next (count: number): Buffer[] | Promise<Buffer[]> {
    const bytes = this.#bytes.next(count * this.#blksize)
    return Buffer.isBuffer(bytes) ? this.#cut(bytes, count) : bytes.then(found => this.#cut(found, count))
  }

  /** Gives back what is held of the file. */
  close (): void { this.#bytes.close() }

  /** The packets lie behind one another, so that they may leave together. */
  #cut (bytes: Buffer, count: number): Buffer[] {
    const packets: Buffer[] = []
    const blocks = Math.min(count, Math.floor(bytes.length / this.#blksize) + 1)
    const memory = Buffer.allocUnsafe(blocks * dataHeaderLength + bytes.length)
    for (let n = 0, at = 0; n < blocks; n++) {
      const start = n * this.#blksize
      const end = Math.min(start + this.#blksize, bytes.length)
      const packet = memory.subarray(at, at += dataHeaderLength + end - start)
      writeDataHeader(packet, this.#block++)
      bytes.copy(packet, dataHeaderLength, start, end)
      packets.push(packet)
    }
    return packets
  }
}
