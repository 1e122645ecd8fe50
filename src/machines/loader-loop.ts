// The loop breaker: a machine that fetches its loader again and again and never a script has a loader that doesn't work for
// it (one that finds no network card, hangs on its firmware's driver, or is the card's own iPXE asking again). After three
// loaders within two minutes it is to get the other one, from then on; if that one leads nowhere either, the first again.
import type { Mac } from '../net/mac.js'

/** Loaders sent to one machine with no script fetched between them, the last of which is one too many. */
const most = 3
/** The time in which they count, in milliseconds. */
const within = 2 * 60_000

/** How many machines are remembered as fetching; the one not heard of for longest is forgotten first. */
const remembered = 4096

export class LoaderLoop {
  /** Times of loaders sent since the last script, the latest last. */
  readonly #sent = new Map<Mac, readonly number[]>()

  /**
   * A loader went out whole to the machine at `now` (epoch milliseconds). UEFI firmware asks for the size first and ends that
   * transfer itself: those are not to be told. True when this was one too many; the count then begins anew.
   */
  loaderSent (mac: Mac, now: number): boolean {
    const times = [...this.#sent.get(mac) ?? [], now].filter(time => now - time < within)
    this.#sent.delete(mac)
    if (times.length >= most) return true
    this.#sent.set(mac, times)
    if (this.#sent.size > remembered) this.#sent.delete(this.#sent.keys().next().value as Mac)
    return false
  }

  /** The machine fetched a script: its loader works. */
  scriptFetched (mac: Mac): void { this.#sent.delete(mac) }
}
