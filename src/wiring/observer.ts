// What the servers tell of their work: counted, and handed to machines/observer in its own words.
import type { Fence } from '../base/fence.js'
import type { Metrics } from '../base/metrics.js'
import { architectures, rpiBoot } from '../dhcp/constants.js'
import type { DhcpEvent } from '../dhcp/dhcp-event.js'
import type { RequestEvent, RequestKind } from '../http/machine-log.js'
import type { AddressClaims } from '../machines/address-claims.js'
import type { Observation, Stage } from '../machines/machine.js'
import { isSaid, MachineObserver, type MachineObserverOptions } from '../machines/observer.js'
import { addressRefusals } from '../machines/reasons.js'
import type { OnDecided } from '../matchbox/loader-files.js'
import { boardFile } from '../matchbox/render-raspberry-pi.js'
import type { Group } from '../matchbox/group.js'
import { formatIpv4, unspecified } from '../net/ipv4.js'
import { type Mac, parseMac } from '../net/mac.js'
import type { TftpEvent } from '../tftp/tftp-event.js'
import type { MachineNews } from './machine-news.js'
import type { NeighbourWatch } from './neighbours.js'

export interface Observer extends Pick<MachineObserver, 'whenFileAsked' | 'loadersChosen'> {
  /** `at`: when it was, in epoch milliseconds; now without it. */
  readonly onDhcp: (event: DhcpEvent, at?: number) => void
  readonly onTftp: (event: TftpEvent) => void
  readonly onHttp: (event: RequestEvent) => void
  readonly onDecided: OnDecided
  /** `address`: undefined when a person says it, not the machine. */
  readonly onInstalled: (mac: Mac, address?: string) => void
  readonly onEnrolled: (mac: Mac, group: Group) => void
}

export interface ObserverOptions extends Omit<MachineObserverOptions, 'metrics' | 'isAddressOf' | 'isBoardFile'> {
  readonly metrics: Metrics
  readonly addressClaims: Pick<AddressClaims, 'isAddressOf' | 'reservedName'>
  /** What goes wrong here must not reach the server that told of it. */
  readonly fence: Fence
  /** Is told what others are to hear of. */
  readonly news: MachineNews
  /** Is told of relay agents and other DHCP servers; absent where nobody can look at them. */
  readonly neighbours?: NeighbourWatch | undefined
}

const dhcpStages: Readonly<Record<string, Stage | undefined>> = { DISCOVER: 'discover', OFFER: 'offer', ACK: 'ack' }

const isDocument: ReadonlySet<RequestKind> = new Set(['ignition', 'cloud', 'generic', 'metadata'])

export function createObserver (options: ObserverOptions): Observer {
  const { metrics, clock, macOf, addressClaims, fence, news, neighbours } = options
  const machines = new MachineObserver({
    ...options, isAddressOf: (mac, address) => addressClaims.isAddressOf(mac, address), isBoardFile: file => boardFile(file) !== undefined
  })
  return {
    whenFileAsked: listener => { machines.whenFileAsked(listener) },
    loadersChosen: changed => { machines.loadersChosen(changed) },
    onDhcp: fence.around('observer', (event: DhcpEvent, at = clock.now()) => {
      switch (event.kind) {
        case 'received':
          metrics.dhcpReceived.inc({ type: event.type })
          if (event.packet.giaddr !== unspecified) neighbours?.onRelay(event.packet.giaddr)
          // Firmware of other networks than Ethernet may have none (hlen 0): that is nobody's record.
          if (event.type === 'DISCOVER' && parseMac(event.client.mac) !== undefined) machines.record({ ...dhcpFacts(event), exchange: event.packet.xid, stage: 'discover', at })
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
          machines.record({ ...dhcpFacts(event), ...stage === 'offer' && { exchange: packet.xid }, ...address, ...said, stage, at })
          return
        }
        case 'dropped':
          metrics.dhcpDropped.inc({ reason: event.reason }, event.count ?? 1)
          if (event.mac !== undefined && addressRefusals.has(event.reason)) {
            machines.record({ mac: event.mac, stage: 'discover', at, code: event.reason, failed: event.detail === '' ? event.reason : `${event.reason}: ${event.detail}` })
          }
          return
        case 'lease':
          metrics.dhcpLeaseChanges.inc({ change: event.change })
          if (event.change === 'conflict' || event.change === 'declined') news.conflict(event.mac, formatIpv4(event.ip), `the address is in use (${event.change})`)
          return
        case 'other_server':
          neighbours?.onServer(event.ip)
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
          machines.record({ mac: event.mac, stage: 'offer', at, code: event.kind, failed })
        }
      }
    }),
    onTftp: fence.around('observer', (event: TftpEvent) => {
      metrics.tftpTransfers.inc({ result: event.type })
      const mac = macOf(event.ip)
      if (mac !== undefined && 'file' in event) machines.fileAsked(mac)
      if ('resent' in event) metrics.tftpResent.inc(event.resent)
      if (event.type !== 'done') return
      metrics.tftpBytes.inc(event.bytes)
      if (mac !== undefined) machines.fileSent(mac, event.ip, event.file)
    }),
    onHttp: fence.around('observer', (event: RequestEvent) => {
      const { kind, status, bytes, ms } = event
      metrics.httpRequests.inc({ kind, status })
      // Nothing else refuses a machine's document so.
      if (status === 403 && isDocument.has(kind)) metrics.guardRefusals.inc()
      metrics.httpBytes.inc(bytes)
      metrics.httpSeconds.observe({ kind }, ms / 1000)
      machines.answered(event)
    }),
    onDecided: (file, client, { group, fromDisk, problem }) => {
      machines.decided(macOf(client), client, { file, group: group?.id, profile: group?.profile, fromDisk: fromDisk?.why, problem })
    },
    onInstalled: (mac, address) => { machines.installed(mac, address) },
    onEnrolled: (mac, group) => {
      metrics.enrolled.inc({ profile: machines.boots.labelOf(group.profile) })
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

/** RFC 4578 section 2.3: the octets in the order of the text, as firmware sends them. */
const formatUuid = (octets: Buffer): string => octets.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
