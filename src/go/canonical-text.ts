// The text that a signature over text is made of (RFC 4880 section 5.2.4), as Go's openpgp (NewCanonicalTextHash) makes it.
import { Buffer } from 'node:buffer'

const cr = 0x0d
const lf = 0x0a

/** Line ends become CR LF. The octet after any CR is left as it is, so that CR CR LF gains another CR. */
export function canonicalText (content: Buffer): Buffer {
  const out = Buffer.allocUnsafe(content.length * 2)
  let length = 0
  let afterCr = false
  // By index: an iterator takes several times as long, and requests wait meanwhile.
  for (let index = 0; index < content.length; index++) {
    const octet = content[index]!
    if (octet === lf && !afterCr) out[length++] = cr
    out[length++] = octet
    afterCr = !afterCr && octet === cr
  }
  return out.subarray(0, length)
}
