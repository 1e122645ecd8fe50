// Who answers DHCP on an interface: asked as a client of this machine, from port 68 (RFC 2131 sections 3.1 and 3.4), or as firmware that
// boots (RFC 4578), which is what a proxy answers.
//
// A client sends an INFORM, which those answer at once that first ping what they would offer (dnsmasq, for three seconds in which it
// hears nothing else), and the same with a DISCOVER a little later. Firmware sends a DISCOVER for each kind of machine.
import type { Clock } from '../base/clock.js'
import { DecodeError } from '../base/errors.js'
import type { Ipv4 } from '../net/ipv4.js'
import { macToBytes, type Mac } from '../net/mac.js'
import type { BindOptions, UdpNetwork } from '../net/udp.js'
import { ethernet, ownQuestionClass } from './client-info.js'
import { broadcastFlag, op, ports } from './constants.js'
import type { Options } from './options.js'
import { decodePacket, type DhcpPacket, encodePacket } from './packet.js'

export interface ServerReply {
  /** Its server identifier. */
  readonly server: Ipv4
  /** The address that it would give; 0.0.0.0 in answers without one. */
  readonly ip: Ipv4
  /** Which of the questions it is to, from 0. */
  readonly question: number
}

export interface ServerQuestion {
  readonly network: UdpNetwork
  /** Port 68, on the interface. */
  readonly bind: BindOptions
  /** The interface's own hardware address: a made-up one would take a lease of its own each time. */
  readonly mac: Mac
  /** The interface's address. */
  readonly own: Ipv4
  readonly as: 'client' | 'firmware'
  /** Whether this service is to answer too. */
  readonly ownToo?: boolean
  readonly clock: Clock
  /** How long to wait for answers, in milliseconds. */
  readonly wait?: number
  /** Ends the wait. */
  readonly enough?: (answer: ServerReply) => boolean
  /** Ends it too, with what came until then. */
  readonly signal?: AbortSignal
}

/** All answers that came; rejects like `network.bind` when port 68 is taken by a client of this machine. */
export async function askServers (
  { network, bind, mac, own, as, ownToo = false, clock, wait = 2000, enough = () => false, signal }: ServerQuestion
): Promise<readonly ServerReply[]> {
  // An identifier for each, so that two servers behind one address give themselves away.
  const first = Math.floor(Math.random() * (2 ** 32 - 8))
  const kind: Options = ownToo ? { vendorClassIdentifier: ownQuestionClass } : {}
  const { soon, later } = as === 'client'
    ? { soon: [inform(mac, own, kind)], later: [inform(mac, own, kind), discover(mac, { parameterRequestList: [1, 3, 6], ...kind })] }
    : { soon: bootingKinds.map(kind => discover(mac, kind)), later: bootingKinds.map(kind => discover(mac, kind)) }
  const answers: ServerReply[] = []
  let end = (): void => {}
  const ended = new Promise<void>(resolve => { end = resolve })
  signal?.addEventListener('abort', end)
  if (signal?.aborted === true) end()
  const socket = await network.bind(bind, data => {
    const answer = answerIn(data, first, soon.length + later.length)
    if (answer === undefined) return
    answers.push(answer)
    if (enough(answer)) end()
  })
  try {
    const ask = (questions: readonly DhcpPacket[], from: number): void => {
      questions.forEach((question, index) => {
        socket.send(encodePacket({ ...question, xid: first + from + index }), { address: '255.255.255.255', port: ports.server })
      })
    }
    ask(soon, 0)
    const again = clock.after(wait / 4, () => { ask(later, soon.length) })
    const over = clock.after(wait, end)
    await ended
    again.cancel()
    over.cancel()
  } finally {
    signal?.removeEventListener('abort', end)
    await socket.close()
  }
  return answers
}

function answerIn (data: Buffer, first: number, count: number): ServerReply | undefined {
  try {
    const packet = decodePacket(data)
    const { serverIdentifier: server } = packet.options
    const question = packet.xid - first
    if (packet.op !== op.bootReply || question < 0 || question >= count || server === undefined) return undefined
    return { server, ip: packet.yiaddr, question }
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

const message = (mac: Mac, flags: number, ciaddr: Ipv4, options: Options): DhcpPacket => ({
  op: op.bootRequest, htype: ethernet, hops: 0, xid: 0, secs: 0, flags, ciaddr, yiaddr: 0, siaddr: 0, giaddr: 0, chaddr: macToBytes(mac), sname: '', file: '', options
})

const discover = (mac: Mac, options: Options): DhcpPacket => message(mac, broadcastFlag, 0, { dhcpMessageType: 'DISCOVER', ...options })

const inform = (mac: Mac, own: Ipv4, options: Options): DhcpPacket => message(mac, 0, own, { dhcpMessageType: 'INFORM', parameterRequestList: [1], ...options })

const booting = (architecture: number): Options => ({
  parameterRequestList: [1, 3, 43, 54, 60, 66, 67],
  vendorClassIdentifier: `PXEClient:Arch:${String(architecture).padStart(5, '0')}:UNDI:003016`,
  clientSystemArchitecture: [architecture],
  clientNetworkInterfaceIdentifier: Buffer.of(1, 3, 16)
})

/** BIOS and UEFI on x86-64 (RFC 4578 section 2.1): a loader may be there for one of them alone. */
const bootingKinds: readonly Options[] = [booting(0), booting(7)]
