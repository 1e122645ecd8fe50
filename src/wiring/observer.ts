// What the servers tell of their work, turned into the machines' timelines and into metrics.
import type { Clock } from '../base/clock.js'
import type { Fence } from '../base/fence.js'
import { architectures, rpiBoot } from '../dhcp/constants.js'
import type { DhcpEvent } from '../dhcp/dhcp-event.js'
import type { RequestEvent, RequestKind } from '../http/machine-log.js'
import type { Logger } from '../base/log.js'
import { LoaderWatch } from '../machines/loader-watch.js'
import type { MachineRegistry } from '../machines/registry.js'
import type { Machine, Observation, Stage } from '../machines/machine.js'
import { fromDisk, kernelBootsSince } from '../machines/timeline.js'
import type { Metrics } from '../base/metrics.js'
import type { Group } from '../matchbox/group.js'
import { formatIpv4, unspecified } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { TftpEvent } from '../tftp/tftp-event.js'
import { boardFile } from '../matchbox/render-raspberry-pi.js'
import type { AddressClaims } from './address-claims.js'
import { BootCounts } from './boot-counts.js'
import type { MachineNews } from './machine-news.js'
import type { NeighbourWatch } from './neighbours.js'

export interface Observer {
  readonly onDhcp: (event: DhcpEvent) => void
  readonly onTftp: (event: TftpEvent) => void
  readonly onHttp: (event: RequestEvent) => void
  /** `address`: undefined when a person says it, not the machine. */
  readonly onInstalled: (mac: Mac, address?: string) => void
  readonly onEnrolled: (mac: Mac, group: Group) => void
  /** Has `listener` told of each machine that asks for a boot file or a script. */
  readonly whenFileAsked: (listener: (mac: Mac) => void) => void
  /** Groups changed: a person may have chosen loaders, of any machine or of these. */
  readonly loadersChosen: (machines?: Iterable<Mac>) => void
}

export interface ObserverOptions {
  readonly registry: MachineRegistry
  readonly metrics: Metrics
  readonly clock: Clock
  /** Which machine has an address for certain. */
  readonly macOf: (address: string) => Mac | undefined
  readonly addressClaims: Pick<AddressClaims, 'isAddressOf' | 'reservedName'>
  readonly log: Logger
  /** What goes wrong here must not reach the server that told of it. */
  readonly fence: Fence
  /** Whether a person chose the machine's loader: then it is not given the other one. */
  readonly loaderChosen: (mac: Mac) => boolean
  /** Is told what others are to hear of. */
  readonly news: MachineNews
  /** What this provisioner is called among those that share what they see. */
  readonly seenBy?: string | undefined
  /** Is told of relay agents and other DHCP servers; absent where nobody can look at them. */
  readonly neighbours?: NeighbourWatch | undefined
  /** Stands for what the machine would boot now, where its group installs once. */
  readonly bootsAs: (mac: Mac) => string | undefined
  /** What a file of TFTP (`assets/...`, or below a board's serial number) is to the machine now, and why. */
  readonly bootFileOf: (mac: Mac, file: string) => BootFileSent | undefined
}

export interface BootFileSent { readonly kind: 'kernel' | 'initrd', readonly group: string | undefined, readonly profile: string | undefined }

/** What GRUB finds its machine's kernel by: GRUB works then. */
const grubScript = /(?:^|\/)grub\.cfg(?:-01(?:-[0-9a-f]{2}){6})?$/i

const dhcpStages: Readonly<Record<string, Stage | undefined>> = { DISCOVER: 'discover', OFFER: 'offer', ACK: 'ack' }

const httpStages: Readonly<Partial<Record<RequestKind, Stage>>> = { script: 'script', kernel: 'kernel', initrd: 'initrd', ignition: 'ignition' }

const isDocument: ReadonlySet<RequestKind> = new Set(['ignition', 'cloud', 'generic', 'metadata'])

/** Between its script and its system: what an installed machine downloads is no boot. */
const loads: ReadonlySet<Stage> = new Set(['script', 'kernel', 'initrd'])

/** Why a machine that asks for an address gets none, as far as that is about the machine. */
const refusals: ReadonlySet<string> = new Set(['unknown_client', 'pool_exhausted', 'unknown_subnet', 'reservation_in_use'])

/** So many boots that load a kernel from here, within so many milliseconds, are a loop. */
const loopBoots = 3
const loopWindow = 3_600_000

export function createObserver (options: ObserverOptions): Observer {
  const { registry, metrics, clock, macOf, addressClaims, log, loaderChosen, bootsAs, bootFileOf, fence, news, seenBy } = options
  const counts = new BootCounts(metrics)
  const record = (seen: Observation): Machine => {
    const { exchange, ...alone } = seen
    const observation: Observation = seenBy === undefined ? alone : { ...seen, seenBy }
    const before = registry.get(observation.mac)
    const machine = registry.record(observation)
    const result = observation.failed !== undefined ? 'failed' : observation.warning !== undefined ? 'warned' : 'ok'
    metrics.stages.inc({ stage: observation.stage, result })
    counts.count(before, machine)
    return machine
  }
  const installed = (mac: Mac, address?: string): void => {
    // A script that was fetched before this program started is not remembered: what the machine would boot now stands for it.
    const bootedAs = registry.get(mac)?.bootedAs ?? bootsAs(mac)
    record({ mac, stage: 'installed', at: clock.now(), ...address === undefined ? { detail: 'set by hand' } : { address }, ...bootedAs !== undefined && { bootedAs } })
  }
  const kernelLoaded = (machine: Machine): void => {
    const { mac, group, profile, boots } = machine
    const times = kernelBootsSince(machine, clock.now() - loopWindow)
    if (times < loopBoots || machine.timeline.at(-1)?.times !== undefined) return
    metrics.installLoops.inc()
    log.warn({ mac, group, profile, boots, times, hint: 'install_once in the metadata of its group installs it once' }, 'boot.install_loop')
  }
  const loaders = new LoaderWatch({ registry, clock, log, loaderChosen, record })
  const sentByTftp = (mac: Mac, address: string, file: string): void => {
    if (grubScript.test(file)) {
      loaders.scriptFetched(mac)
      record({ mac, stage: 'script', at: clock.now(), address, detail: file })
    } else if (file.startsWith('assets/') || boardFile(file) !== undefined) {
      const sent = bootFileOf(mac, file)
      if (sent === undefined) {
        // The one of a board's dozen files that is its loader; it has no other.
        if (/\/start\w*\.elf$/.test(file)) record({ mac, stage: 'loader', at: clock.now(), address, detail: file })
        return
      }
      const { kind, group, profile } = sent
      const facts = { ...group !== undefined && { group }, ...profile !== undefined && { profile } }
      const machine = record({ mac, stage: kind, at: clock.now(), address, detail: file.startsWith('assets/') ? `/${file}` : file, ...facts })
      if (kind === 'kernel') kernelLoaded(machine)
    } else {
      loaders.sent(mac, address, file)
    }
  }
  /** Of an asset that no script from here named to this address: GRUB had it by TFTP, or another provisioner gave it. */
  const assetStage = (mac: Mac, asset: RequestEvent): (BootFileSent & { readonly stage: Stage }) | undefined => {
    const { kind, path, status, bytes, finished } = asset
    const { stage } = registry.get(mac) ?? {}
    if (kind !== 'asset' || status !== 200 || bytes === 0 || !finished || stage === undefined || !loads.has(stage)) return undefined
    const sent = bootFileOf(mac, path.slice(1))
    return sent === undefined ? undefined : { ...sent, stage: sent.kind }
  }
  const fileListeners: Array<(mac: Mac) => void> = []
  const fileAsked = (mac: Mac): void => { for (const listener of fileListeners) listener(mac) }
  return {
    whenFileAsked: listener => { fileListeners.push(listener) },
    loadersChosen: machines => { loaders.forgetChosen(machines) },
    onDhcp: fence.around('observer', (event: DhcpEvent) => {
      switch (event.kind) {
        case 'received':
          metrics.dhcpReceived.inc({ type: event.type })
          if (event.packet.giaddr !== unspecified) options.neighbours?.onRelay(event.packet.giaddr)
          if (event.type === 'DISCOVER') record({ ...dhcpFacts(event), exchange: event.packet.xid, stage: 'discover', at: clock.now() })
          return
        case 'sent': {
          metrics.dhcpSent.inc({ type: event.type })
          const stage = dhcpStages[event.type]
          if (stage === undefined) return
          const address = stage === 'ack' && event.ip !== unspecified ? { address: formatIpv4(event.ip) } : {}
          const { client, packet } = event
          const name = stage === 'ack' ? addressClaims.reservedName(client.mac, event.ip) ?? packet.options.hostName : undefined
          const detail = event.bootFile ?? (event.ip === unspecified ? undefined : formatIpv4(event.ip))
          const said = { ...isSaid(name) && { name }, ...detail !== undefined && { detail } }
          record({ ...dhcpFacts(event), ...stage === 'offer' && { exchange: packet.xid }, ...address, ...said, stage, at: clock.now() })
          return
        }
        case 'dropped':
          metrics.dhcpDropped.inc({ reason: event.reason }, event.count ?? 1)
          if (event.mac !== undefined && refusals.has(event.reason)) {
            record({ mac: event.mac, stage: 'discover', at: clock.now(), failed: event.detail === '' ? event.reason : `${event.reason}: ${event.detail}` })
          }
          return
        case 'lease':
          metrics.dhcpLeaseChanges.inc({ change: event.change })
          if (event.change === 'conflict' || event.change === 'declined') news.conflict(event.mac, formatIpv4(event.ip), `the address is in use (${event.change})`)
          return
        case 'other_server':
          options.neighbours?.onServer(event.ip)
          if (!event.news) return
          metrics.dhcpOtherServers.inc()
          news.conflict(event.mac, formatIpv4(event.ip), 'another DHCP server answers')
          return
        case 'odd_option':
          metrics.dhcpOddOptions.inc({ option: event.code })
          return
        case 'options_left_out':
          metrics.dhcpOptionsLeftOut.inc(event.count)
          return
        case 'proxy_offer_ignored': {
          const failed = `the offer is ignored: let the network's own DHCP server say next-server ${formatIpv4(event.nextServer)}, filename ${event.bootFile}`
          record({ mac: event.mac, stage: 'offer', at: clock.now(), failed })
        }
      }
    }),
    onTftp: fence.around('observer', (event: TftpEvent) => {
      metrics.tftpTransfers.inc({ result: event.type })
      const mac = macOf(event.ip)
      if (mac !== undefined && 'file' in event) fileAsked(mac)
      if ('resent' in event) metrics.tftpResent.inc(event.resent)
      if (event.type !== 'done') return
      metrics.tftpBytes.inc(event.bytes)
      if (mac !== undefined) sentByTftp(mac, event.ip, event.file)
    }),
    onHttp: fence.around('observer', (event: RequestEvent) => {
      const { kind, status, bytes, ms, ip: address } = event
      metrics.httpRequests.inc({ kind, status })
      // Nothing else refuses a machine's document so.
      if (status === 403 && isDocument.has(kind)) metrics.guardRefusals.inc()
      metrics.httpBytes.inc(bytes)
      metrics.httpSeconds.observe({ kind }, ms / 1000)
      const { mac: claimed } = event
      const mac = claimed ?? macOf(address)
      if (mac === undefined) return
      const itself = claimed === undefined || addressClaims.isAddressOf(claimed, address)
      if (itself && (kind === 'boot' || kind === 'script')) {
        loaders.scriptFetched(mac)
        fileAsked(mac)
      }
      if (itself && kind === 'loader') {
        fileAsked(mac)
        if (status === 200 && event.finished) loaders.sent(mac, address, event.path)
      }
      const asset = claimed === undefined ? assetStage(mac, event) : undefined
      const stage = asset?.stage ?? httpStages[kind]
      const { group = event.group, profile = event.profile } = asset ?? {}
      if (stage === undefined) return
      // Whose address is known speaks from there; what another says in its name is not even written down.
      const known = registry.get(mac)?.address
      if (!itself && known !== undefined && addressClaims.isAddressOf(mac, known)) return
      const failed = status >= 400 ? event.problem ?? `answered ${status}` : event.problem
      const machine = record({
        mac,
        stage,
        at: clock.now(),
        address,
        detail: event.fromDisk ? fromDisk : event.path,
        ...stage === 'script' && saidOfItself(event.labels, registry.get(mac)),
        ...itself && event.bootedAs !== undefined && { bootedAs: event.bootedAs },
        ...group !== undefined && { group },
        ...profile !== undefined && { profile },
        ...failed !== undefined ? { failed } : event.warning !== undefined && { warning: event.warning }
      })
      if (failed !== undefined || !itself) return
      if (stage === 'kernel') kernelLoaded(machine)
      // Matchbox's two-stage installs: the installer fetches the config of the system that it is about to write.
      if (stage === 'ignition' && event.labels.get('os') === 'installed') installed(mac, address)
    }),
    onInstalled: installed,
    onEnrolled: (mac, group) => {
      metrics.enrolled.inc({ profile: counts.labelOf(group.profile) })
      news.enrolled(mac, group)
    }
  }
}

type DhcpFacts = Pick<Observation, 'mac' | 'program' | 'architecture' | 'firmware' | 'vendorClass' | 'uuid'>

function dhcpFacts ({ client, packet }: Extract<DhcpEvent, { readonly client: unknown }>): DhcpFacts {
  const { mac, program, vendorClass } = client
  // Boards say that they are an x86 BIOS.
  const { firmware, architectures: numbers } = program === 'raspberry-pi' ? { firmware: undefined, architectures: [rpiBoot] } : client
  const name = numbers.map(number => architectures[number]?.name).find(found => found !== undefined)
  const uuid = packet.options.clientMachineIdentifier
  return {
    mac,
    program: program === 'u-boot' ? 'pxe' : program,
    ...name !== undefined && { architecture: name },
    ...firmware !== undefined && { firmware },
    // An initramfs or an installed system calls itself otherwise than the machine's firmware.
    ...isSaid(vendorClass) && program !== 'other' && { vendorClass },
    ...uuid?.length === 17 && uuid.subarray(1).some(octet => octet !== 0) && { uuid: formatUuid(uuid.subarray(1)) }
  }
}

/** What iPXE fills into the address of its script; a name that the machine has already is not worth less than this one. */
function saidOfItself (labels: RequestEvent['labels'], known: Machine | undefined): Pick<Observation, 'uuid' | 'serial' | 'name'> {
  const [uuid, serial, name] = [labels.get('uuid'), labels.get('serial'), labels.get('hostname')]
  return {
    ...isSaid(uuid) && { uuid },
    ...isSaid(serial) && { serial },
    ...isSaid(name) && known?.name === undefined && { name }
  }
}

const isSaid = (text: string | undefined): text is string => text !== undefined && text !== ''

/** RFC 4578 section 2.3: the octets in the order of the text, as firmware sends them. */
const formatUuid = (octets: Buffer): string => octets.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
