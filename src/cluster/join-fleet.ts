// Whose state etcd holds below the prefix: looked at before anything of it is believed, and said there by the first provisioner.
import { randomBytes } from 'node:crypto'
import { AppError } from '../base/errors.js'
import type { EtcdClient } from '../etcd/etcd-client.js'
import type { RangeResponse } from '../etcd/proto.js'
import { checkFleet, fleetFormat, fleetMissing, formatFleet } from './fleet-record.js'

export interface JoinOptions {
  readonly etcd: Pick<EtcdClient, 'call'>
  /** Ends with a slash. */
  readonly prefix: string
  /** The fleet that this provisioner belongs to, as far as it knows. */
  readonly known: string | undefined
  /** A fleet that is not there is not made. */
  readonly readOnly: boolean
}

export const fleetKey = (prefix: string): Buffer => Buffer.from(`${prefix}fleet`)

/** The fleet's id; `found` is what etcd has under its key. AppError etcd_foreign, state_newer: there is nothing here to be joined. */
export async function joinFleet ({ kvs: [found] }: RangeResponse, options: JoinOptions): Promise<string | undefined> {
  const { etcd, prefix, known, readOnly } = options
  if (found !== undefined) return checkFleet(found.value, known, `etcd's ${prefix}`).id
  if (known !== undefined) throw fleetMissing(known, prefix)
  if (readOnly) throw new AppError('etcd_foreign', `etcd has nothing at ${prefix}: the first provisioner that starts there makes a fleet`)
  const key = fleetKey(prefix)
  const value = formatFleet({ format: fleetFormat, id: randomBytes(8).toString('hex') })
  await etcd.call('Txn', { compare: [{ key, target: 'CREATE', result: 'EQUAL', create_revision: 0 }], success: [{ request_put: { key, value } }], failure: [] })
  const { kvs: [made] } = await etcd.call('Range', { key })
  return made === undefined ? undefined : checkFleet(made.value, undefined, `etcd's ${prefix}`).id
}
