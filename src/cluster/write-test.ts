// Whether etcd would take a change, without making one: it judges rights and space before it compares.
import type { EtcdClient } from '../etcd/etcd-client.js'
import { fleetKey } from './join-fleet.js'

/** AppError etcd_refused: the user may not write below the prefix; etcd_full; and whatever else `call` throws. */
export async function assertWritable (etcd: Pick<EtcdClient, 'call'>, prefix: string): Promise<void> {
  const key = fleetKey(prefix)
  const never = { key, target: 'CREATE', result: 'EQUAL', create_revision: Number.MAX_SAFE_INTEGER } as const
  await etcd.call('Txn', { compare: [never], success: [{ request_put: { key, value: Buffer.alloc(0) } }], failure: [] })
}
