// What must hold of any number of DHCP servers, seen from the machines: an address belongs to one of them at a time, and who holds it is
// never refused it.

export interface SeenReply {
  readonly kind: 'ACK' | 'NAK'
  readonly mac: string
  /** Of an ACK that which is given, of a NAK that which was asked for. */
  readonly ip: string
  /** Milliseconds on any clock that goes forward. */
  readonly at: number
  /** Of an ACK, in milliseconds. */
  readonly lease?: number
}

export class Invariants {
  readonly #held = new Map<string, { readonly mac: string, readonly until: number }>()
  readonly #broken: string[] = []

  /** In words, one for each time that something did not hold. */
  get broken (): readonly string[] { return this.#broken }

  see ({ kind, mac, ip, at, lease = 0 }: SeenReply): void {
    const holder = this.#held.get(ip)
    const held = holder !== undefined && holder.until > at
    if (kind === 'ACK') {
      if (held && holder.mac !== mac) this.#broken.push(`${ip} was given to ${mac} while ${holder.mac} holds it`)
      this.#held.set(ip, { mac, until: at + lease })
    } else if (held && holder.mac === mac) this.#broken.push(`${mac}, which holds ${ip}, was refused it`)
  }

  /** The machine gave it back, or declined it. */
  release (mac: string, ip: string): void {
    if (this.#held.get(ip)?.mac === mac) this.#held.delete(ip)
  }
}
