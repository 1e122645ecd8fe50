// Which address of a subnet is a machine's, as etcd has it: one key for each machine, compared beside that of the address, so that two
// provisioners of which neither has heard of the other give a machine no two addresses. A key says nothing by itself: it stands as long
// as the lease of its address is that machine's, and goes with it, so that there are no more of them than addresses.
import { formatKey, parseKey } from '../etcd/keys.js'
import { contains, formatIpv4, formatSubnet, type Ipv4, parseIpv4, type Subnet } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'

export interface Binding {
  readonly ip: Ipv4
  /** etcd's, of the last change; 0 for what comes from the copy on disk. */
  readonly revision: number
}

export class Bindings {
  readonly #subnets: readonly Subnet[]
  readonly #byKey = new Map<string, Binding>()

  /** `subnets`: those that are served, as all provisioners have them. */
  constructor (subnets: readonly Subnet[]) { this.#subnets = subnets }

  /** The key of a machine in the subnet of an address; undefined for an address of no subnet. */
  keyOf (mac: Mac, ip: Ipv4): string | undefined {
    const subnet = this.#subnets.find(subnet => contains(subnet, ip))
    return subnet === undefined ? undefined : formatKey({ kind: 'binding', subnet: formatSubnet(subnet), mac })
  }

  get (key: string | undefined): Binding | undefined { return key === undefined ? undefined : this.#byKey.get(key) }

  set (key: string, binding: Binding): void { this.#byKey.set(key, binding) }
  delete (key: string): void { this.#byKey.delete(key) }

  /** Of another history of etcd: whatever it has next is news. */
  forgetRevisions (): void { for (const [key, { ip }] of this.#byKey) this.set(key, { ip, revision: 0 }) }

  /** What etcd has under a key, nothing without a value; what is older than what is known is no news. */
  learn (key: string, value: Uint8Array | undefined, revision: number): void {
    const known = this.#byKey.get(key)
    const ip = value !== undefined && parseKey(key)?.kind === 'binding' ? parseIpv4(Buffer.from(value).toString()) : undefined
    if (value === undefined) this.delete(key)
    // 0 is of the copy on disk.
    else if (ip !== undefined && (known === undefined || known.revision < revision || revision === 0)) this.set(key, { ip, revision })
  }
}

export const formatBinding = (ip: Ipv4): Buffer => Buffer.from(formatIpv4(ip))
