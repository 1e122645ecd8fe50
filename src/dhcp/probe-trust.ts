// Whether to believe that an address is in use. On some networks something answers for every address (a router that does
// proxy ARP, a firewall that refuses in everybody's name), and a probe that is believed there sets the whole range aside:
// after three conflicts in a row it is no longer believed, until an address is found free again. Four hosts with addresses of
// their own at the beginning of a range are three in a row as well: most others are free then, which tells the two apart.

/** So many addresses in a row may be in use unasked. */
const most = 3

export class ProbeTrust {
  #inARow = 0

  /** Whether another address in use would not be believed without a look at others. */
  get isInDoubt (): boolean { return this.#inARow === most }

  /** One more answer of the probe; `othersAreFree` as far as others were looked at. `told` is true for the first that is not believed. */
  heard (inUse: boolean, othersAreFree = false): { readonly believed: boolean, readonly told: boolean } {
    if (!inUse) this.#inARow = 0
    else if (!this.isInDoubt || !othersAreFree) this.#inARow++
    return { believed: this.#inARow <= most, told: this.#inARow === most + 1 }
  }
}

/**
 * Whether looks at addresses that nobody was given yet are to be believed: most of them are free. Where something answers for all of them,
 * or for all but those whose answer was lost, none is set aside by them.
 */
export function isBelievable (answers: ReadonlyArray<{ readonly answer: { readonly inUse: boolean } }>): boolean {
  const used = answers.filter(({ answer }) => answer.inUse).length
  return answers.length - used > used
}
