// Contents in the config as a data URL: percent-encoded, base64 or gzip, whichever is shortest (base/util/url.go).
import { constants, gzipSync } from 'node:zlib'
import { base64DataUrl, percentDataUrl } from '../data-url.js'
import { goBytes } from '../../go/string.js'

export interface ResourceSource { readonly source: string, readonly compression?: string }

/** No gzip data URL, with the word that goes with it, is shorter: 10 bytes of head, 8 of trailer and 2 of an empty block. */
const shortestGzip = base64DataUrl(Buffer.alloc(10 + 8 + 2)).length + 'gzip'.length

/**
 * Go ends its gzip with an empty block, so that it is at least this much longer than zlib's. Counting it has the recorded texts
 * compressed where the reference compresses them, but for a few at the very border; what a machine writes to its disk is the same.
 */
const goOverhead = 3

/** Makes the data URLs of one config. */
export class DataUrls {
  readonly #made = new Map<string, ResourceSource>()

  /**
   * @param compression what the config itself says: its contents are then compressed already, so they are not again
   */
  shortest (text: string, compression: string | undefined): ResourceSource {
    // Aliases repeat contents, and compressing takes its time.
    const key = `${compression ?? ''} ${text}`
    const url = this.#made.get(key) ?? make(goBytes(text), compression)
    this.#made.set(key, url)
    return url
  }
}

const make = (bytes: Buffer, compression: string | undefined): ResourceSource => {
  const plain = [percentDataUrl(bytes), base64DataUrl(bytes)].reduce((best, url) => url.length < best.length ? url : best)
  if (compression) return { source: plain, compression }
  if (plain.length <= shortestGzip) return { source: plain, compression: '' }
  const packed = gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION })
  // The word in the compression field counts too. The field is always written, so that a config merged below cannot supply its own.
  const packedLength = base64DataUrl(Buffer.alloc(packed.length + goOverhead)).length + 'gzip'.length
  return packedLength < plain.length ? { source: base64DataUrl(packed), compression: 'gzip' } : { source: plain, compression: '' }
}
