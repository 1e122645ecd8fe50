// Which transactions a machine comes back with. A client repeats a DISCOVER that was not answered with its transaction id after some
// seconds (RFC 2131 section 4.1), as PXE firmware, iPXE and dhclient do; who floods in its name sends one message as fast as he can, or
// invents an id for each. Two generations, so that invented ids can't fill the memory.
import type { Mac } from '../net/mac.js'

/** Milliseconds after which a transaction that is heard again is one that its client comes back with. */
const pause = 500

/** Transactions that a generation remembers: with 5,000 invented ones a second 13 seconds, the third try of PXE firmware. */
export const rememberedTransactions = 65_536

export class Transactions {
  #young = new Map<number, number>()
  #old = new Map<number, number>()

  get size (): number { return this.#young.size + this.#old.size }

  /** Whether the transaction was heard of a while before `now` (epoch milliseconds) already. */
  heard (transaction: number, now: number): boolean {
    const first = this.#young.get(transaction) ?? this.#old.get(transaction)
    if (first !== undefined) return now - first >= pause
    if (this.#young.size >= rememberedTransactions) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(transaction, now)
    return false
  }
}

/** A machine's transaction as one number: as much of the address as there is room for beside the 32 bits of the id. */
export const transactionOf = (mac: Mac, xid: number): number => (parseInt(mac.slice(-8).replaceAll(':', ''), 16) & 0x1fffff) * 2 ** 32 + xid
