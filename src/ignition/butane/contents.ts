// Contents in the config as a data URL: percent-encoded, base64 or gzip, whichever is shortest (base/util/url.go).
import { gzipSync } from 'node:zlib'
import { base64DataUrl, percentDataUrl } from '../data-url.js'
import { goBytes } from '../../go/string.js'
import { gzip } from '../gzip/gzip.js'

export interface DataUrl { readonly source: string, readonly compression?: string }

/**
 * How much of one config is compressed as the reference does it, which takes up to five seconds a MiB where the text is made to.
 * Past it zlib does: what long contents are written as never hangs on the few bytes between the two.
 */
const exactBytes = 256 * 1024

/** No gzip data URL, with the word that goes with it, is shorter: 10 bytes of head, 8 of trailer and 5 of a last empty block. */
const shortestGzip = base64DataUrl(Buffer.alloc(10 + 8 + 5)).length + 'gzip'.length

/** Makes the data URLs of one config. */
export class DataUrls {
  readonly #made = new Map<string, DataUrl>()
  #exactLeft = exactBytes

  /**
   * @param compression what the config itself says: its contents are then compressed already, so they are not again
   */
  shortest (text: string, compression: string | undefined): DataUrl {
    // Aliases repeat contents, and compressing takes its time.
    const key = `${compression ?? ''} ${text}`
    const url = this.#made.get(key) ?? this.#make(goBytes(text), compression)
    this.#made.set(key, url)
    return url
  }

  #make (bytes: Buffer, compression: string | undefined): DataUrl {
    const plain = [percentDataUrl(bytes), base64DataUrl(bytes)].reduce((best, url) => url.length < best.length ? url : best)
    if (compression) return { source: plain, compression }
    if (plain.length <= shortestGzip) return { source: plain, compression: '' }
    const compressed = base64DataUrl(this.#gzip(bytes))
    // The word in the compression field counts too. The field is always written, so that a config merged below cannot supply its own.
    return compressed.length + 'gzip'.length < plain.length ? { source: compressed, compression: 'gzip' } : { source: plain, compression: '' }
  }

  #gzip (bytes: Buffer): Buffer {
    if (bytes.length > this.#exactLeft) return gzipSync(bytes)
    this.#exactLeft -= bytes.length
    return gzip(bytes)
  }
}
