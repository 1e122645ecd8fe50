// Notices machines that ignore ProxyDHCP offers: some firmware takes the first offer it gets, or merges none, and starts over
// with DISCOVER (HP and Supermicro UEFI, Dell). It asks three times and more within 40 seconds, and never for a boot file.
import type { Mac } from '../net/mac.js'

const most = 3
const within = 40_000

/** How many machines are watched at once; the one that came first is forgotten first. */
const watched = 4096

interface Offers { readonly since: number, readonly discovers: number, readonly told: boolean }

export class ProxyWatch {
  readonly #machines = new Map<Mac, Offers>()

  /** An offer went out to a DISCOVER at `now` (epoch milliseconds); true when it is clear by now that they are ignored, once a boot. */
  offered (mac: Mac, now: number): boolean {
    const before = this.#machines.get(mac)
    const fresh = before === undefined || now - before.since > within
    const offers = fresh ? { since: now, discovers: 1, told: false } : { ...before, discovers: before.discovers + 1 }
    const ignored = offers.discovers >= most && !offers.told
    this.#machines.delete(mac)
    this.#machines.set(mac, ignored ? { ...offers, told: true } : offers)
    if (this.#machines.size > watched) this.#machines.delete(this.#machines.keys().next().value as Mac)
    return ignored
  }

  /** The machine asked the boot server, or for a file: it took an offer. */
  progressed (mac: Mac): void { this.#machines.delete(mac) }
}
