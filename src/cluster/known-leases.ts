// What etcd has of leases, as it is known here: under each address its lease, under each machine its address of a subnet, and how the two
// belong together.
import { parseSharedLease } from '../dhcp/lease-file.js'
import { type Lease, sane } from '../dhcp/leases.js'
import { formatKey, parseKey } from '../etcd/keys.js'
import type { Ipv4, Subnet } from '../net/ipv4.js'
import { Bindings } from './bindings.js'
import { bindingChange, type LeaseTransaction } from './lease-transaction.js'

interface KnownLease {
  readonly lease: Lease
  readonly revision: number
  /** The provisioner that wrote it. */
  readonly server: string
}

export interface KnownLeasesOptions {
  /** Those in which a machine has one address each. */
  readonly subnets: readonly Subnet[]
  /** What can't be read stays as it was. */
  readonly onUnreadable: (key: string) => void
}

export const leaseKey = (ip: Ipv4): string => formatKey({ kind: 'lease', ip })

export class KnownLeases {
  readonly #options: KnownLeasesOptions
  readonly #leases = new Map<Ipv4, KnownLease>()
  readonly bindings: Bindings

  constructor (options: KnownLeasesOptions) {
    this.#options = options
    this.bindings = new Bindings(options.subnets)
  }

  all (): Lease[] { return [...this.#leases.values()].map(({ lease }) => lease) }
  get (ip: Ipv4): Lease | undefined { return this.#leases.get(ip)?.lease }
  revisionOf (ip: Ipv4): number { return this.#leases.get(ip)?.revision ?? 0 }
  serverOf (ip: Ipv4): string | undefined { return this.#leases.get(ip)?.server }
  set (lease: Lease, revision: number, server: string): void { this.#leases.set(lease.ip, { lease, revision, server }) }
  delete (ip: Ipv4): void { this.#leases.delete(ip) }

  /** Of another history of etcd: whatever it has next is news. */
  forgetRevisions (): void {
    for (const known of this.#leases.values()) this.set(known.lease, 0, known.server)
    this.bindings.forgetRevisions()
  }

  /** The lease that etcd has under a key, counted at `now`; undefined when that is no news. */
  learn (key: string, value: Buffer, revision: number, now: number): Lease | undefined {
    const meaning = parseKey(key)
    if (meaning?.kind !== 'lease') return undefined
    const known = this.#leases.get(meaning.ip)
    // 0 is of the copy on disk.
    if (known !== undefined && known.revision >= revision && revision > 0) return undefined
    const found = parseSharedLease(value.toString())
    if (found === undefined || found.ip !== meaning.ip) {
      this.#options.onUnreadable(key)
      return undefined
    }
    const lease = sane(found, now)
    this.set(lease, revision, serverIn(value))
    return lease
  }

  /** The address that a machine's key leads to, in the subnet of another one or of this. */
  boundTo ({ mac, ip }: Lease): Ipv4 | undefined { return this.bindings.get(this.bindings.keyOf(mac, ip))?.ip }

  /** The lease of another address that is still the machine's. */
  elsewhere (lease: Lease): Lease | undefined {
    const ip = this.boundTo(lease)
    const other = ip === undefined || ip === lease.ip ? undefined : this.get(ip)
    return other?.mac === lease.mac && (other.state === 'bound' || other.state === 'offered') ? other : undefined
  }

  /** The keys that a lease touches when it is written: its address, its machine, and the machine that had the address before. */
  keysOf ({ ip, mac }: Lease): string[] {
    const machines = new Set([mac, this.get(ip)?.mac ?? mac])
    return [leaseKey(ip), ...[...machines].map(one => this.bindings.keyOf(one, ip)).filter(key => key !== undefined)]
  }

  transactionOf (lease: Lease, value: Buffer): LeaseTransaction {
    const { ip, mac } = lease
    const machine = this.bindings.keyOf(mac, ip)
    const binding = this.bindings.get(machine)
    const before = this.get(ip)
    const former = before === undefined || before.mac === mac ? undefined : this.bindings.keyOf(before.mac, ip)
    const isRenewal = before?.mac === mac && before.state === 'bound'
    const change = bindingChange(lease, { binding, isRenewal, isBoundElsewhere: this.elsewhere(lease)?.state === 'bound' })
    return {
      ip,
      value,
      address: { key: leaseKey(ip), revision: this.revisionOf(ip) },
      ...machine !== undefined && { machine: { key: machine, revision: binding?.revision ?? 0, change } },
      ...former !== undefined && { former }
    }
  }

  /** What a transaction that was carried out did to the keys of machines. */
  learnWritten ({ ip, machine, former }: LeaseTransaction, revision: number): void {
    if (machine?.change === 'put') this.bindings.set(machine.key, { ip, revision })
    if (machine?.change === 'delete') this.bindings.delete(machine.key)
    if (former !== undefined && this.bindings.get(former)?.ip === ip) this.bindings.delete(former)
  }
}

function serverIn (value: Buffer): string {
  const { server } = JSON.parse(value.toString()) as { readonly server?: unknown }
  return typeof server === 'string' ? server : ''
}
