// A file cut into DATA packets, in order (RFC 1350 section 5: the packet that is not full is the last, be it empty).
import type { OpenFile } from './open-file.js'
import { dataHeaderLength, emptyData } from './packet.js'

export interface ByteSequence {
  /** The next `length` bytes, less only at the end. */
  next: (length: number) => Buffer | Promise<Buffer>
}

export function bytesOf (file: OpenFile): ByteSequence {
  let position = 0
  return {
    next: length => {
      const wanted = Math.min(length, file.size - position)
      position += wanted
      return file.read(position - wanted, wanted)
    }
  }
}

export class DataBlocks {
  readonly #bytes: ByteSequence
  readonly #blksize: number
  #block = 1

  constructor (bytes: ByteSequence, blksize: number) {
    this.#bytes = bytes
    this.#blksize = blksize
  }

  /** The next `count` DATA packets, fewer when the last of them ends the file; at once when the bytes are in memory. */
  next (count: number): Buffer[] | Promise<Buffer[]> {
    const bytes = this.#bytes.next(count * this.#blksize)
    return Buffer.isBuffer(bytes) ? this.#cut(bytes, count) : bytes.then(found => this.#cut(found, count))
  }

  #cut (bytes: Buffer, count: number): Buffer[] {
    const packets: Buffer[] = []
    for (let start = 0; packets.length < count && start <= bytes.length; start += this.#blksize) {
      const end = Math.min(start + this.#blksize, bytes.length)
      const packet = emptyData(this.#block++, end - start)
      bytes.copy(packet, dataHeaderLength, start, end)
      packets.push(packet)
    }
    return packets
  }
}
