// A machine's record as it stands in etcd: with the attempt that wrote it, by which who was not answered finds out that it was carried out.
import { formatKey, parseKey } from '../etcd/keys.js'
import type { RequestOp } from '../etcd/proto.js'
import { machineIn } from '../machines/journal.js'
import type { Machine } from '../machines/machine.js'
import type { Mac } from '../net/mac.js'

export interface MachineRecord { readonly attempt: string, readonly machine: Machine }

export const keyOf = (mac: Mac): string => formatKey({ kind: 'machine', mac })

/** Whose record is at a key; undefined for what is none. */
export function macOf (key: string): Mac | undefined {
  const meaning = parseKey(key)
  return meaning?.kind === 'machine' ? meaning.mac : undefined
}

export const formatRecord = (record: MachineRecord): Buffer => Buffer.from(JSON.stringify(record))

/** Writes a record over the one at `revision`, 0 for none; where there is another, that one is told. */
export const recordOperation = (key: Buffer, value: Buffer, revision: number): RequestOp => ({
  request_txn: {
    compare: [{ key, target: 'MOD', result: 'EQUAL', mod_revision: revision }],
    success: [{ request_put: { key, value } }],
    failure: [{ request_range: { key } }]
  }
})

/** undefined for what is none. */
export function parseRecord (text: string): MachineRecord | undefined {
  try {
    const { attempt, machine } = Object(JSON.parse(text)) as { attempt?: unknown, machine?: unknown }
    const whole = machineIn(machine)
    return typeof attempt === 'string' && whole !== undefined ? { attempt, machine: whole } : undefined
  } catch {
    return undefined
  }
}
