// An installed machine as its update client shows it. It is known by the id that it sends, which anybody may send: what follows from
// it is bounded, and where the hardware address behind a request is known, only the same machine speaks for its id.
import type { Mac } from '../net/mac.js'
import type { InstanceStatus } from './omaha-events.js'

export interface Instance {
  /** `machineid` of Omaha or `node_uuid` of Cincinnati. */
  readonly id: string
  readonly os: 'flatcar' | 'coreos' | 'fedora-coreos'
  /** '' for none. */
  readonly alias: string
  readonly group: string
  /** As a mirror calls it: `amd64`, `arm64`, `x86_64`. */
  readonly arch: string
  readonly oem: string
  readonly address: string
  readonly mac?: Mac | undefined
  /** What it runs, what it ran before, and what was installed first. */
  readonly version: string
  readonly previousVersion: string
  readonly firstVersion: string
  readonly status: InstanceStatus
  /** Milliseconds since the epoch. */
  readonly statusAt: number
  /** In words; '' for none. */
  readonly error: string
  /** What it was told to update to, and when; kept until it runs that or something newer. */
  readonly granted?: { readonly version: string, readonly at: number } | undefined
  readonly firstSeen: number
  readonly lastSeen: number
}
