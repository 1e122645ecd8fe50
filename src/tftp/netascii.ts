// netascii (RFC 1350 section 1, RFC 764): a line ends with CR LF, a CR alone is CR NUL. Here a line ends with LF.
import type { ByteSequence } from './data-blocks.js'

const CR = 0x0d
const LF = 0x0a

/** The bytes as netascii. Each byte is translated for itself, so pieces may be cut anywhere. */
export function toNetascii (bytes: Buffer): Buffer {
  let extra = 0
  for (const byte of bytes) if (byte === CR || byte === LF) extra++
  if (extra === 0) return bytes
  const out = Buffer.allocUnsafe(bytes.length + extra)
  let at = 0
  for (const byte of bytes) {
    if (byte === LF) out[at++] = CR
    out[at++] = byte
    if (byte === CR) out[at++] = 0
  }
  return out
}

/** `source` as netascii, piece by piece. */
export function netascii (source: ByteSequence): ByteSequence {
  let rest: Buffer = Buffer.alloc(0)
  let ended = false
  return {
    next: async length => {
      while (rest.length < length && !ended) {
        const piece = await source.next(length)
        ended = piece.length < length
        // A copy: the piece is good until the next is asked for.
        rest = Buffer.concat([rest, toNetascii(piece)])
      }
      const found = rest.subarray(0, length)
      rest = rest.subarray(length)
      return found
    },
    close: () => { source.close() }
  }
}
