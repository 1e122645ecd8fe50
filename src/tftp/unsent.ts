// Packets that the kernel refuses to send: a firewall of this machine refuses those of all transfers, which is told of once in a while.

/** Milliseconds between two words. */
const pause = 60_000

export const unsentHint = 'a firewall of this machine may drop what TFTP sends: nft list ruleset, iptables -S OUTPUT'

export class UnsentNews {
  #told = -Infinity

  /** Whether one at `now` (epoch milliseconds) is to be told of; a clock that was set makes it news. */
  isNews (now: number): boolean {
    if (Math.abs(now - this.#told) < pause) return false
    this.#told = now
    return true
  }
}
