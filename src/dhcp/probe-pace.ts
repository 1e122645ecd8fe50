// When to look whether an address is in use before it is offered (net/conflict-probe). The look costs its machine a third of a
// second and the kernel an ARP entry, which is nothing while a few machines boot. In a storm every offer would wait for it, and
// the ARP table (1,024 entries, each kept for three seconds without an answer) would run full: then offers go out unasked, as
// RFC 2131 section 2.2 allows, and clients look for themselves; those that wait go out too, or the few that came first would be the last.
// Looks ahead (looks-ahead.ts) are of the same measure.

/** So many at once after a pause, and then so many a second. */
const burst = 128
const perSecond = 64

/** Where there is no slack any more, there has to be so much before anything is looked at: a look that began late is waited for. */
const enoughAgain = burst / 2

export type ProbeDecision = 'ask' | 'pass'

export class ProbePace {
  /** Every address counts, asked for or not, down to a storm's depth: a storm must be over before there is slack again. */
  #slack = burst
  #at: number
  #storm = false
  #isDry = false

  constructor (now: number) { this.#at = now }

  /**
   * One more new address at `now` (epoch milliseconds; a clock set back gives no slack). `behind`: messages wait to be answered.
   * `began` is true for the first that is passed over.
   */
  next (now: number, behind: boolean): { readonly pace: ProbeDecision, readonly began: boolean } {
    this.#pass(now)
    const enough = !behind && this.#takes()
    this.#slack = Math.max(-burst, this.#slack - 1)
    if (enough) {
      this.#endStorm()
      return { pace: 'ask', began: false }
    }
    const began = !this.#storm
    this.#storm = true
    return { pace: 'pass', began }
  }

  /** Whether addresses are passed over, until it was quiet for a while: offers wait for no look then. */
  isStorm (now: number, behind: boolean): boolean {
    this.#pass(now)
    if (!behind) this.#endStorm()
    return this.#storm
  }

  #endStorm (): void { if (this.#slack >= enoughAgain) this.#storm = false }

  hasSlack (now: number): boolean {
    this.#pass(now)
    return this.#takes()
  }

  /** How many of so many addresses may be looked at ahead; they count as looked at. */
  ahead (now: number, wanted: number): number {
    this.#pass(now)
    const count = this.#takes() ? Math.min(wanted, Math.floor(this.#slack)) : 0
    this.#slack -= count
    return count
  }

  #takes (): boolean {
    this.#isDry = this.#slack < (this.#isDry ? enoughAgain : 1)
    return !this.#isDry
  }

  #pass (now: number): void {
    this.#slack = Math.min(burst, this.#slack + Math.max(0, now - this.#at) * perSecond / 1000)
    this.#at = now
  }
}
