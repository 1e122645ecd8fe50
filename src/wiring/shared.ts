// What the parts of the appliance share, and how each says what to close.
import type { Clock } from '../base/clock.js'
import type { Config, LoadedConfig } from '../config/load.js'
import { isActive, type LeaseTable } from '../dhcp/leases.js'
import type { Logger } from '../base/log.js'
import type { MachineRegistry } from '../machines/registry.js'
import type { Provisioner } from '../matchbox/provisioner.js'
import type { Metrics } from '../base/metrics.js'
import { type Ipv4, parseIpv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { Signer } from '../openpgp/sign.js'
import type { FileStore } from '../store/file-store.js'
import type { FileSource } from '../tftp/open-file.js'
import type { Observer } from './observer.js'
import type { Sockets } from './sockets.js'

/** Closed in the opposite order, also when a later part does not start. */
export type OnClose = (closer: () => Promise<void>) => void

export interface Shared {
  readonly loaded: LoadedConfig
  readonly config: Config
  readonly log: Logger
  /** Where proxies for downloads are named. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly metrics: Metrics
  readonly registry: MachineRegistry
  readonly leases: LeaseTable
  /** Which machine has an address, as far as leases and what was seen of it tell. */
  readonly macOf: (address: string) => Mac | undefined
  readonly observer: Observer
  readonly store: FileStore
  readonly provisioner: Provisioner
  /** Of a configured key ring. */
  readonly signer: Signer | undefined
  /** What firmware and loaders fetch, by TFTP and HTTP alike. */
  readonly bootFiles: FileSource
  /** Where machines find the HTTP API: `http://192.168.100.2:8080`. */
  readonly origin: string
  /** The service's address on the network it serves DHCP on; undefined when it serves none. */
  readonly own: Ipv4 | undefined
  /** Those that a service manager opened, for whoever listens. */
  readonly sockets: Sockets
  /** What keeps a part from its work for now, by the part's name: not ready is who has one. */
  readonly hindrances: Map<string, string>
  readonly onClose: OnClose
}

/** Who holds the lease of an address. */
export function leaseHolder (leases: LeaseTable, address: string, clock: Clock): Mac | undefined {
  const lease = leases.get(parseIpv4(address) ?? 0)
  return lease?.state === 'bound' && isActive(lease, clock.now()) ? lease.mac : undefined
}
