// What the events of update_engine tell of an update, and its error codes in words.
import type { OmahaEvent } from './omaha-request.js'

/** How far an update of a machine has come. `granted` is what we said, the others what the machine said. */
export const instanceStatuses = ['current', 'granted', 'downloading', 'downloaded', 'installed', 'complete', 'error'] as const
export type InstanceStatus = typeof instanceStatuses[number]

export const isUnderWay = (status: InstanceStatus): boolean =>
  status === 'granted' || status === 'downloading' || status === 'downloaded' || status === 'installed'

export interface EventMeaning {
  readonly status: InstanceStatus
  /** '' unless it failed. */
  readonly error: string
  /** Of a machine that booted into a new version: the one it came from. */
  readonly previousVersion: string
}

/** Said by a machine that booted and had nothing to update. */
const nothingBefore = '0.0.0.0'

/** undefined for an event that tells nothing of how far it is. */
export function meaningOf ({ type, result, errorCode, previousVersion }: OmahaEvent): EventMeaning | undefined {
  const reached = (status: InstanceStatus): EventMeaning => ({ status, error: '', previousVersion: '' })
  if (result === 0) return { status: 'error', error: describeError(errorCode), previousVersion: '' }
  if (type === 13) return reached('downloading')
  if (type === 14) return reached('downloaded')
  if (type === 800 && result === 1) return reached('installed')
  if (type !== 3) return undefined
  if (result === 1) return reached('installed')
  if (result === 2 && previousVersion !== '' && previousVersion !== nothingBefore) return { ...reached('complete'), previousVersion }
  // 9 is an update that the machine's own policy deferred.
  return undefined
}

const errors: Readonly<Record<number, string>> = {
  1: 'an error that it does not name',
  4: 'the partition to write to could not be prepared',
  5: 'what is done after writing failed (postinstall): often an OEM package or an extension that could not be fetched',
  7: 'the partition to write to could not be opened',
  9: 'the download broke off',
  10: 'the payload has another hash than the server said',
  11: 'the payload has another size than the server said',
  12: 'the payload could not be verified',
  14: 'the payload could not be written to disk',
  15: 'what was written is not what should have been',
  18: 'the payload is not signed by the key that this machine trusts',
  21: 'the file is no update payload (its first octets are wrong)',
  22: 'the payload names no signature',
  23: 'the manifest of the payload could not be read',
  34: 'the answer of the update server could not be used',
  37: 'the update server answered with an HTTP error',
  40: 'deferred: it failed too often and waits',
  44: 'it went back to the version before: the new one did not come up'
}

/** Bits 28 to 31 are flags, such as an image for development. */
const codeBits = 0x0fffffff

export function describeError (errorCode: number): string {
  const code = errorCode & codeBits
  if (code > 2000 && code < 2600) return `error ${code}: the download got HTTP status ${code - 2000}`
  return `error ${code}${Object.hasOwn(errors, code) ? `: ${errors[code]}` : ''}`
}
