// Many objects written to etcd at once: as many in one transaction as etcd takes, each compared with what was there when it was decided.
import { AppError, messageOf } from '../base/errors.js'
import { counted } from '../base/units.js'
import type { SharedState, Transaction } from '../cluster/shared-state.js'
import { largestValue } from './etcd-store.js'
import { isWritten, type Move } from './moves.js'
import { keyOf, placeOf } from './object-files.js'

/** etcd's --max-txn-ops, as it is by itself. */
const mostOperations = 128
/** Octets of values in one transaction: etcd takes requests of 1.5 MiB. */
const mostOctets = largestValue

/** `groups/a` for `groups/a.json`. */
export function etcdNameOf (file: string): string {
  const place = placeOf(file)
  if (place === undefined) throw new AppError('id_invalid', `${JSON.stringify(file.slice(0, 200))} is no object of a store`)
  return keyOf(place.kind, place.name)
}

/** Throws AppError message_too_large, before anything is written. */
export function assertFits (moves: readonly Move[]): void {
  for (const { file, bytes } of moves) {
    if (bytes === undefined || bytes.length <= largestValue) continue
    throw new AppError('message_too_large', `${JSON.stringify(file.slice(0, 200))} is too large for etcd: ${bytes.length} bytes, and at most ${largestValue} (1 MiB) can be shared; nothing was written`)
  }
}

/** Throws AppError store_changed, etcd_away and etcd's others, which say how much is done; one transaction is done whole or not. */
export async function writeToEtcd (state: Pick<SharedState, 'get' | 'etcdKey' | 'transact'>, moves: readonly Move[]): Promise<void> {
  assertFits(moves)
  const wanted = moves.filter(isWritten)
  let done = 0
  for (const batch of batchesOf(wanted)) {
    const soFar = `${done} of ${counted(wanted.length, 'object')} ${done === 1 ? 'is' : 'are'} done`
    try {
      if (!await write(state, batch)) {
        throw new AppError('store_changed', `somebody changed one of ${quoted(batch)} meanwhile`)
      }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      const unsure = error.code === 'etcd_away' ? `, and ${batch.length} more may be` : ''
      throw new AppError(error.code, `${messageOf(error)}; ${soFar}${unsure}: run it again, which shows what is left`, { cause: error })
    }
    done += batch.length
  }
}

async function write (state: Pick<SharedState, 'get' | 'etcdKey' | 'transact'>, batch: readonly Move[]): Promise<boolean> {
  const keys = batch.map(({ file }) => state.etcdKey(etcdNameOf(file)))
  const put = (key: Buffer, value: Buffer | undefined): Transaction['success'][number] =>
    value === undefined ? { request_delete_range: { key } } : { request_put: { key, value } }
  const request: Transaction = {
    compare: batch.map(({ file }, index) =>
      ({ key: keys[index]!, target: 'MOD', result: 'EQUAL', mod_revision: state.get(etcdNameOf(file))?.revision ?? 0 })),
    success: batch.map(({ bytes }, index) => put(keys[index]!, bytes)),
    failure: keys.map(key => ({ request_range: { key } }))
  }
  const { succeeded, responses } = await state.transact(request)
  if (succeeded) return true
  // A member may have carried it out without answering: then the next one finds it done.
  return batch.every(({ bytes }, index) => {
    const there = responses[index]?.response_range?.kvs[0]?.value
    return bytes === undefined || there === undefined ? bytes === there : there.equals(bytes)
  })
}

/** Of at most 128 operations and 1 MiB each, in their order. */
function batchesOf (moves: readonly Move[]): readonly Move[][] {
  const batches: Move[][] = []
  let octets = 0
  for (const move of moves) {
    const size = Buffer.byteLength(move.file) + (move.bytes?.length ?? 0)
    const last = batches.at(-1)
    if (last === undefined || last.length >= mostOperations || octets + size > mostOctets) {
      batches.push([move])
      octets = size
    } else {
      last.push(move)
      octets += size
    }
  }
  return batches
}

function quoted (batch: readonly Move[]): string {
  const shown = batch.slice(0, 3).map(({ file }) => JSON.stringify(file.slice(0, 80))).join(', ')
  return batch.length > 3 ? `${shown} and ${batch.length - 3} more` : shown
}
