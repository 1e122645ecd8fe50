// A proposal of a lease as etcd carries it out: both keys, that of the address and that of the machine, are as they were known, or nothing
// is written and both are told.
import { formatLease } from '../dhcp/lease-file.js'
import type { Lease } from '../dhcp/leases.js'
import type { Compare, RequestOp, TxnResponse, WireKeyValue } from '../etcd/proto.js'
import type { Ipv4 } from '../net/ipv4.js'
import { type Binding, formatBinding } from './bindings.js'

/** A key below the prefix, and the revision at which it is known; 0 for none. */
interface Compared { readonly key: string, readonly revision: number }

export interface LeaseTransaction {
  readonly ip: Ipv4
  readonly address: Compared
  readonly value: Buffer
  /** Of the machine, where the address is of a subnet; `change` is what becomes of it. */
  readonly machine?: Compared & { readonly change: BindingChange }
  /**
   * The key of the machine that had the address before: it goes, if it still leads here. By its value and not by its revision, which who
   * heard of the lease need not have heard of yet: the key would stay, and with it one for each machine that a stranger invents.
   */
  readonly former?: string
}

export type BindingChange = 'put' | 'delete' | 'none'

export interface BindingSituation {
  /** What the machine's key is known to be. */
  readonly binding: Binding | undefined
  /** The address is bound to the machine already. */
  readonly isRenewal: boolean
  /** The key leads to another address that is bound to the machine. */
  readonly isBoundElsewhere: boolean
}

/**
 * What a lease does to its machine's key. With an offer that becomes a lease it is written again: who knows of the offer alone would
 * bind the machine to another address, and find the key as it was.
 */
export function bindingChange ({ ip, state }: Lease, { binding, isRenewal, isBoundElsewhere }: BindingSituation): BindingChange {
  switch (state) {
    case 'bound': return isRenewal && binding?.ip === ip ? 'none' : 'put'
    case 'offered': return isBoundElsewhere || binding?.ip === ip ? 'none' : 'put'
    default: return binding?.ip === ip ? 'delete' : 'none'
  }
}

/** `etcdKey` gives the whole key for one below the prefix. */
export function leaseOperation ({ address, value, machine, former, ip }: LeaseTransaction, etcdKey: (key: string) => Buffer): RequestOp {
  const isAt = ({ key, revision }: Compared): Compare => ({ key: etcdKey(key), target: 'MOD', result: 'EQUAL', mod_revision: revision })
  const leadsHere = (key: string): Compare => ({ key: etcdKey(key), target: 'VALUE', result: 'EQUAL', value: formatBinding(ip) })
  const remove = (key: string): RequestOp => ({ request_delete_range: { key: etcdKey(key) } })
  const read = ({ key }: Compared): RequestOp => ({ request_range: { key: etcdKey(key) } })
  const compared = [address, ...machine === undefined ? [] : [machine]]
  const success: RequestOp[] = [{ request_put: { key: etcdKey(address.key), value } }]
  if (machine?.change === 'put') success.push({ request_put: { key: etcdKey(machine.key), value: formatBinding(ip) } })
  if (machine?.change === 'delete') success.push(remove(machine.key))
  if (former !== undefined) success.push({ request_txn: { compare: [leadsHere(former)], success: [remove(former)], failure: [] } })
  return { request_txn: { compare: compared.map(isAt), success, failure: compared.map(read) } }
}

/** What etcd has instead, of the address and of the machine. */
export interface LeaseRefused { readonly address: WireKeyValue | undefined, readonly machine: WireKeyValue | undefined }

/** undefined when it is written. */
export function refusalIn (answer: TxnResponse | undefined): LeaseRefused | undefined {
  if (answer?.succeeded === true) return undefined
  const [address, machine] = answer?.responses ?? []
  return { address: address?.response_range?.kvs[0], machine: machine?.response_range?.kvs[0] }
}

/** As in the file of one machine, with who wrote it and when: two of one provisioner are never the same. */
export const leaseValue = (lease: Lease, server: string, now: number): Buffer =>
  Buffer.from(JSON.stringify({ ...JSON.parse(formatLease(lease)) as object, server, at: now }))
