// Looks whether an address is in use that were begun before a machine waits for it: of the addresses that newcomers get next. Who comes
// while machines come is offered one that is known to be free, and waits for no look. Those that idle looks (idle-looks.ts) found free are
// remembered for longer: their machine is answered while one of them is asked after once more.
import type { Ipv4 } from '../net/ipv4.js'
import type { Lease } from './leases.js'

/** So many of the addresses that a link gives next: at 200 newcomers a second each is looked at a third of a second before it is given. */
export const mostAhead = 64

/** Looks of all links that are remembered. */
export const mostLooks = 256

/** Milliseconds for which a look counts: as long as an offer is held, which its machine may take that long after the look. */
export const lookCounts = 60_000

/** Milliseconds for which it is remembered that an idle look found an address free. */
export const freeLately = 300_000

export interface LookAhead<Answer> {
  /** When it began, epoch milliseconds. */
  readonly at: number
  /** What the table said of the address. */
  readonly lease: Lease | undefined
  /** Begun while nobody new came. */
  readonly idle: boolean
  /** Undefined as long as it lasts; that of the look before it as long as it lasts and that one is of use. */
  answer: Answer | undefined
  isOver: boolean
  /** Fulfilled when it is over. */
  readonly over: Promise<Answer>
}

export class LooksAhead<Answer extends { readonly inUse: boolean }> {
  /** The oldest first. */
  readonly #looks = new Map<Ipv4, LookAhead<Answer>>()

  /** How many more may be begun at `now`. */
  room (now: number): number {
    let counted = 0
    for (const [ip, look] of this.#looks) {
      if (counts(look, now)) counted++
      else if (!isOfUse(look, now)) this.#looks.delete(ip)
    }
    return mostLooks - counted
  }

  has (ip: Ipv4, now: number): boolean {
    const look = this.#looks.get(ip)
    return look !== undefined && counts(look, now)
  }

  /** When the look at it that is remembered began, over or not. */
  begunAt (ip: Ipv4): number | undefined { return this.#looks.get(ip)?.at }

  /** What was heard of those addresses and counts. */
  answers (addresses: readonly Ipv4[], now: number): ReadonlyArray<{ readonly ip: Ipv4, readonly answer: Answer }> {
    return addresses.flatMap(ip => {
      const look = this.#looks.get(ip)
      return look?.answer !== undefined && counts(look, now) ? [{ ip, answer: look.answer }] : []
    })
  }

  /** Fulfilled when no look at those addresses is under way any more. */
  async over (addresses: readonly Ipv4[]): Promise<void> {
    await Promise.all(addresses.map(ip => this.#looks.get(ip)?.over))
  }

  /** `asked` never rejects. */
  begin (ip: Ipv4, now: number, lease: Lease | undefined, asked: Promise<Answer>, idle = false): LookAhead<Answer> {
    const before = this.#looks.get(ip)
    const over = asked.then(answer => {
      look.answer = answer
      look.isOver = true
      return answer
    })
    const stands = before !== undefined && before.lease === lease && isOfUse(before, now)
    const look: LookAhead<Answer> = { at: now, lease, idle, answer: stands ? before.answer : undefined, isOver: false, over }
    this.#looks.delete(ip)
    this.#looks.set(ip, look)
    // What counts no more is older than what does.
    if (this.#looks.size > mostLooks) this.#looks.delete(this.#looks.keys().next().value as Ipv4)
    return look
  }

  /**
   * The look at an address that is about to be given with `lease`, for this one time: whoever gets it after this machine may find it
   * there. None where the address has had another lease since than this one, which may be `held`, in force, already. Where it `counts` no
   * more it found the address free a few minutes ago.
   */
  take (ip: Ipv4, now: number, held: Lease | undefined, lease: Lease): LookAhead<Answer> | undefined {
    const look = this.#looks.get(ip)
    this.#looks.delete(ip)
    const isGiven = held?.mac === lease.mac && held.state === lease.state
    return look !== undefined && isOfUse(look, now) && (held === look.lease || isGiven) ? look : undefined
  }

  /** The address is nobody's to give. */
  drop (ip: Ipv4): void { this.#looks.delete(ip) }

  /** The network is another one. */
  forget (): void { this.#looks.clear() }
}

/** Nothing counts that began in the future: the clock was set back. */
const isWithin = ({ at }: Pick<LookAhead<unknown>, 'at'>, now: number, milliseconds: number): boolean => at <= now && now - at < milliseconds

export const counts = (look: Pick<LookAhead<unknown>, 'at'>, now: number): boolean => isWithin(look, now, lookCounts)

const isFreeLately = (look: LookAhead<{ readonly inUse: boolean }>, now: number): boolean =>
  look.idle && look.answer?.inUse === false && isWithin(look, now, freeLately)

const isOfUse = (look: LookAhead<{ readonly inUse: boolean }>, now: number): boolean => counts(look, now) || isFreeLately(look, now)
