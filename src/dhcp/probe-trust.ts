// Whether to believe that an address is in use. On some networks something answers for every address (a router that does
// proxy ARP, a firewall that refuses in everybody's name), and a probe that is believed there sets the whole range aside:
// after three conflicts in a row it is no longer believed, until an address is found free again.

/** So many addresses in a row may be in use unasked. */
const most = 3

export class ProbeTrust {
  #inARow = 0

  /** One more answer of the probe; `told` is true when it is the first that is not believed. */
  heard (inUse: boolean): { readonly believed: boolean, readonly told: boolean } {
    this.#inARow = inUse ? this.#inARow + 1 : 0
    return { believed: this.#inARow <= most, told: this.#inARow === most + 1 }
  }
}
