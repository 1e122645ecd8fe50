// What each request leaves behind: an event for whoever records how machines boot, and a line in the log. What is in a config never gets
// into either.
import type { ErrorCode } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Group } from '../matchbox/group.js'
import type { Profile } from '../matchbox/profile.js'
import type { Labels } from '../matchbox/select.js'
import type { Mac } from '../net/mac.js'

export type RequestKind =
  'loader' | 'boot' | 'script' | 'kernel' | 'initrd' | 'ignition' | 'cloud' | 'generic' | 'metadata' | 'asset' | 'other'

export interface RequestEvent {
  /**
   * `loader` is a file below /boot/ that was asked for whole, `boot` /boot.ipxe, `script` /ipxe and /grub; `kernel` and
   * `initrd` are assets that this machine's script named.
   */
  readonly kind: RequestKind
  readonly path: string
  readonly mac: Mac | undefined
  readonly ip: string
  readonly labels: Labels
  readonly group: string | undefined
  readonly profile: string | undefined
  readonly status: number
  /** Bytes of the body that were sent. */
  readonly bytes: number
  readonly ms: number
  /** false when the connection broke before the answer had left. */
  readonly finished: boolean
  /** Why there was no document, or why one was served that will hardly do what was meant. */
  readonly problem: string | undefined
  /** Of the error behind it. */
  readonly code?: ErrorCode | undefined
  /** What of a config that was served is lost or will hardly do what was meant. */
  readonly warning?: string | undefined
  /** Of a script: the machine is to start from its disk. */
  readonly fromDisk: boolean
  /** Of a script: stands for what it boots, where the group installs once. */
  readonly bootedAs: string | undefined
}

/** What a route finds out about its request. */
export interface RequestNotes {
  kind: RequestKind
  /** The log event's name after `http.`. */
  name: string
  path: string
  labels: Labels
  mac: Mac | undefined
  group: Group | undefined
  profile: Profile | undefined
  unmatched: boolean
  problem: string | undefined
  code: ErrorCode | undefined
  /** Why the machine was not given a group. */
  notEnrolled: string | undefined
  warning: string | undefined
  fromDisk: boolean
  bootedAs: string | undefined
}

const noLabels: Labels = new Map()

/** All of them are there from the beginning: one shape of object, whatever is asked for. */
export const noNotes = (path: string): RequestNotes => ({
  kind: 'other',
  name: 'request',
  path,
  labels: noLabels,
  mac: undefined,
  group: undefined,
  profile: undefined,
  unmatched: false,
  problem: undefined,
  code: undefined,
  notEnrolled: undefined,
  warning: undefined,
  fromDisk: false,
  bootedAs: undefined
})

/** Of what a stranger can send, only so much gets into a log line. */
const maxLabels = 16
const maxLabelLength = 64
const short = (text: string): string => text.length > maxLabelLength ? `${text.slice(0, maxLabelLength)}...` : text

export function tell (
  notes: RequestNotes,
  sent: { readonly ip: string, readonly status: number, readonly bytes: number, readonly ms: number, readonly finished: boolean },
  log: Logger,
  onRequest: ((event: RequestEvent) => void) | undefined
): void {
  const { kind, name, path, labels, mac, problem, code, warning, fromDisk, bootedAs } = notes
  const { ip, status, bytes, ms, finished } = sent
  const group = notes.group?.id
  const profile = notes.profile?.id ?? notes.group?.profile
  onRequest?.({ kind, path, mac, ip, labels, group, profile, status, bytes, ms, finished, problem, code, warning, fromDisk, bootedAs })
  const fields = { mac, ip, group, profile, status, bytes, ms: Math.round(ms * 10) / 10, ...finished ? {} : { brokenOff: true } }
  if (notes.unmatched) {
    const shown = Object.fromEntries([...labels].slice(0, maxLabels).map(([key, value]) => [short(key), short(value)]))
    // Where the store was not read, nobody knows whether a group would have matched.
    log.warn({ ...fields, document: name, labels: shown, ...code !== undefined && code !== 'group_unmatched' && { problem } }, 'http.unmatched')
  } else if (problem !== undefined) {
    log.warn({ ...fields, problem }, `http.${name}`)
  } else if (warning !== undefined) {
    log.warn({ ...fields, warning }, `http.${name}`)
  } else if (kind === 'other' || kind === 'asset') {
    log.debug({ ip, path: short(path), status, bytes, ms: fields.ms }, `http.${name}`)
  } else {
    log.info(kind === 'loader' ? { ...fields, path: short(path) } : fields, `http.${name}`)
  }
}
