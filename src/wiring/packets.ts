// The last packets of each machine: who records them, and how they are shown, without what is secret.
import type { Clock } from '../base/clock.js'
import { describePacket } from '../dhcp/describe.js'
import type { DhcpDatagram } from '../dhcp/message-exchange.js'
import { decodePacket } from '../dhcp/packet.js'
import { withoutSecretOptions } from '../dhcp/without-secrets.js'
import { messageInWords } from '../dhcp/words.js'
import { keptPacket, type NewPacket, PacketLog, type RecordedPacket } from '../machines/packet-log.js'
import type { MachineRegistry } from '../machines/registry.js'
import type { ToldLater } from '../machines/told-later.js'
import { type Mac, parseMac } from '../net/mac.js'
import { encodePcap } from '../net/pcap.js'
import { withoutUrlSecrets } from '../net/secret-text.js'
import type { TappedDatagram } from '../net/tapped-udp.js'
import { recordedOf } from '../tftp/recorded.js'
import { packetInWords } from '../tftp/words.js'
import type { PacketShown } from '../ui/packets.js'

export interface Packets {
  /** `own`: the interface's address, which the socket does not tell. */
  readonly onDhcp: (datagram: DhcpDatagram, own: string) => void
  readonly onTftp: (datagram: TappedDatagram) => void
  readonly of: (mac: Mac) => readonly PacketShown[]
  /** A file for Wireshark; undefined for a machine of which there are none. */
  readonly pcap: (mac: Mac) => Buffer | undefined
}

interface PacketsOptions {
  readonly clock: Clock
  readonly registry: MachineRegistry
  /** Which machine has an address for certain. */
  readonly macOf: (address: string) => Mac | undefined
  /** When they are recorded: what a machine is says how many of them are kept, so not before it is recorded itself. */
  readonly toldLater: ToldLater
}

export function recordPackets ({ clock, registry, macOf, toldLater }: PacketsOptions): Packets {
  const log = new PacketLog(mac => registry.kindOf(mac))
  const record = (mac: Mac, packet: NewPacket): void => {
    const kept = keptPacket(packet)
    toldLater.later(mac, () => { log.keep(mac, kept) })
  }
  const shown = (mac: Mac): readonly RecordedPacket[] => {
    toldLater.now(mac)
    return log.of(mac).map(withoutSecrets)
  }
  return {
    onDhcp: ({ mac, data, peer, port, isSent }, own) => {
      if (parseMac(mac) === undefined) return
      // Who has no address yet speaks to all.
      const us = { address: isSent || peer.address !== '0.0.0.0' ? own : '255.255.255.255', port }
      record(mac, { protocol: 'dhcp', at: clock.now(), isSent, ...isSent ? { from: us, to: peer } : { from: peer, to: us }, data })
    },
    onTftp: ({ data, from, to, isSent }) => {
      const octets = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      const kept = recordedOf(octets)
      const mac = kept === undefined ? undefined : macOf((isSent ? to : from).address)
      if (kept !== undefined && mac !== undefined) record(mac, { protocol: 'tftp', at: clock.now(), isSent, from, to, data: kept, length: octets.length })
    },
    of: mac => shown(mac).map(inWords),
    pcap: mac => {
      const packets = shown(mac)
      return packets.length === 0 ? undefined : encodePcap(packets)
    }
  }
}

const withoutSecrets = (packet: RecordedPacket): RecordedPacket =>
  ({ ...packet, data: withoutUrlSecrets(packet.protocol === 'dhcp' ? withoutSecretOptions(packet.data) : packet.data) })

function inWords ({ protocol, at, isSent, from, to, data, length }: RecordedPacket): PacketShown {
  const ends = { at, from: `${from.address}:${from.port}`, to: `${to.address}:${to.port}` }
  if (protocol === 'tftp') return { ...ends, words: packetInWords(data, { isSent, octets: length }), details: `TFTP, ${length} octets` }
  const message = decodePacket(data)
  return { ...ends, words: messageInWords(message), details: `DHCP, ${length} octets: ${describePacket(message)}` }
}
