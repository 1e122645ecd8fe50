// Looks whether an address is in use that were begun before a machine waits for it: of the addresses that newcomers get next. Who comes
// while machines come is offered one that is known to be free, and waits for no look.
import type { Ipv4 } from '../net/ipv4.js'
import type { Lease } from './leases.js'

/** So many of the addresses that a link gives next: at 200 newcomers a second each is looked at a third of a second before it is given. */
export const mostAhead = 64

/** Looks of all links that are remembered. */
export const mostLooks = 256

/** Milliseconds for which a look counts: as long as an offer is held, which its machine may take that long after the look. */
export const lookCounts = 60_000

export interface LookAhead<Answer> {
  /** When it began, epoch milliseconds. */
  readonly at: number
  /** What the table said of the address. */
  readonly lease: Lease | undefined
  /** Undefined as long as it lasts. */
  answer: Answer | undefined
  /** Fulfilled when it is over. */
  readonly over: Promise<Answer>
}

export class LooksAhead<Answer> {
  /** The oldest first. */
  readonly #looks = new Map<Ipv4, LookAhead<Answer>>()

  /** How many more may be begun at `now`. */
  room (now: number): number {
    for (const [ip, look] of this.#looks) {
      if (counts(look, now)) break
      this.#looks.delete(ip)
    }
    return mostLooks - this.#looks.size
  }

  has (ip: Ipv4, now: number): boolean {
    const look = this.#looks.get(ip)
    return look !== undefined && counts(look, now)
  }

  /** `asked` never rejects. */
  begin (ip: Ipv4, now: number, lease: Lease | undefined, asked: Promise<Answer>): void {
    const over = asked.then(answer => {
      look.answer = answer
      return answer
    })
    const look: LookAhead<Answer> = { at: now, lease, answer: undefined, over }
    this.#looks.delete(ip)
    this.#looks.set(ip, look)
  }

  /**
   * The look at an address that is about to be given with `lease`, for this one time: whoever gets it after this machine may find it
   * there. None where the address has had another lease since than this one, which may be `held`, in force, already.
   */
  take (ip: Ipv4, now: number, held: Lease | undefined, lease: Lease): LookAhead<Answer> | undefined {
    const look = this.#looks.get(ip)
    this.#looks.delete(ip)
    const isGiven = held?.mac === lease.mac && held.state === lease.state
    return look !== undefined && counts(look, now) && (held === look.lease || isGiven) ? look : undefined
  }

  /** The network is another one. */
  forget (): void { this.#looks.clear() }
}

/** Nothing counts that began in the future: the clock was set back. */
const counts = ({ at }: Pick<LookAhead<unknown>, 'at'>, now: number): boolean => at <= now && now - at < lookCounts
