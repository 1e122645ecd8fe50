// The parts of a running appliance, as they are handed to one another.
import type { Pace } from '../base/pace.js'
import type { Metrics } from '../base/metrics.js'
import type { HttpApp } from '../http/http-server.js'
import type { Neighbours } from '../dhcp/neighbours.js'
import type { HttpNames } from '../loaders/shim-image.js'
import type { MachineRegistry } from '../machines/registry.js'
import type { ToldLater } from '../machines/told-later.js'
import type { Fallbacks } from '../matchbox/fallbacks.js'
import type { GroupMachines } from '../matchbox/group-machines-index.js'
import type { Provisioner } from '../matchbox/provisioner.js'
import type { Mac } from '../net/mac.js'
import type { FileSource } from '../tftp/file-source.js'
import type { AddressClaims } from '../machines/address-claims.js'
import type { AssetDisk } from './asset-disk.js'
import type { OnClose } from './closing.js'
import type { DiscoveryService } from './etcd-discovery.js'
import type { DayTwo } from './day-two.js'
import type { DhcpServers } from './dhcp-servers.js'
import type { Enrolment } from './enrolment.js'
import type { Ground } from './ground.js'
import type { Leases } from './leases.js'
import type { Observer } from './observer.js'
import type { Packets } from './packets.js'
import type { ServiceImages } from './service-images.js'
import type { Sockets } from './sockets.js'
import type { UpdateGroups } from './update-groups.js'

export interface RunningParts extends Ground {
  readonly metrics: Metrics
  /** Shares the turns of the event loop among those who have much to do. */
  readonly pace: Pace
  readonly registry: MachineRegistry
  readonly leases: Leases
  /** Which machine has an address for certain. */
  readonly macOf: (address: string) => Mac | undefined
  readonly observer: Observer
  /** What DHCP tells the observer and the packets' record while machines wait for their offers. */
  readonly toldLater: ToldLater
  /** undefined where there is no page to show them. */
  readonly packets: Packets | undefined
  /** Relay agents and other DHCP servers; undefined where there is no page to show them. */
  readonly neighbours: Neighbours | undefined
  /** Whose an address is for certain. */
  readonly addressClaims: AddressClaims
  /** What groups say of single machines. */
  readonly groupMachines: GroupMachines
  readonly updateGroups: UpdateGroups
  readonly provisioner: Provisioner
  readonly enrolment: Enrolment
  /** What firmware and loaders fetch, by TFTP and HTTP alike. */
  readonly loaderFiles: FileSource
  /** Loaders that firmware which boots by HTTP gets under another name. */
  readonly httpNames: HttpNames
  /** The routes of HTTP, for whichever listeners serve them. */
  readonly app: HttpApp
  /** undefined when nothing is or can be mirrored. */
  readonly images: ServiceImages | undefined
  /** What /readyz says: why not, and what may be amiss all the same. */
  readonly readiness: { readonly ready: () => readonly string[], readonly warnings: () => readonly string[] }
  /** Updates and reboots of installed machines; undefined where no groups are configured. */
  readonly dayTwo: DayTwo | undefined
  /** Where members of new etcd clusters find one another. */
  readonly discovery: DiscoveryService
  /** The DHCP servers that run: what they are told alike, and who ends leases. */
  readonly dhcpServers: DhcpServers
  /** What serves the interfaces that DHCP is answered on, as far as it runs. */
  readonly links: Set<{ readonly waiting: number }>
  /** Those that a service manager opened, for whoever listens. */
  readonly sockets: Sockets
  /** What keeps a part from its work for now, by the part's name: not ready is who has one. */
  readonly hindrances: Map<string, string>
  /** Interfaces on which the kernel took no DHCP answer when one was sent last, and what is told of that. */
  readonly refusals: Map<string, string>
  /** What parts have found amiss, by the part's name, although they go on: /readyz tells it. */
  readonly amiss: Map<string, readonly string[]>
  /** Who else serves the same. */
  readonly fallbacks: Fallbacks
  readonly assetDisk: AssetDisk
  readonly onClose: OnClose
  /** Has the service manager start this process again, since only it can open a socket that is needed now; nothing where there is none. */
  readonly restart: (reason: string) => void
  /** The command `doctor --json` with this service's own configuration; empty where it is not known. */
  readonly doctor: readonly string[]
  /** The same of `check --json`. */
  readonly check: readonly string[]
}
