// A machine that boots, as its firmware and loader do it: boot-machine.ts INTERFACE MAC [broadcast]. Asks for an address, fetches the loader that
// it is told by TFTP, runs iPXE's part (script, Ignition config), and prints what it got as JSON.
import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { systemClock } from '../../src/base/clock.js'
import { broadcastFlag } from '../../src/dhcp/constants.js'
import { decodePacket, type DhcpPacket, encodePacket } from '../../src/dhcp/packet.js'
import { openDeviceSocket } from '../../src/net/device-socket.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { kernelUdp } from '../../src/net/udp.js'
import { mac as macFrom, request } from './dhcp.js'
import { readFile } from './tftp-client.js'

const [, , interfaceName = '', text = '', broadcast] = process.argv
const mac = macFrom(text)
const xid = randomInt(2 ** 31)
/** What is sent to an address that the interface does not have yet does not reach a socket; our server knows, others have to be told. */
const header = { mac, xid, flags: broadcast === undefined ? 0 : broadcastFlag }
const everybody = { address: '255.255.255.255', port: 67 }
let heard = (_packet: DhcpPacket): void => {}
const socket = await kernelUdp.bind({ address: '0.0.0.0', port: 68, fd: openDeviceSocket(interfaceName, 68), broadcast: true }, data => {
  if (data.length < 240 || data.readUInt32BE(4) !== xid) return
  const packet = decodePacket(data)
  if (packet.op === 2) heard(packet)
})

/** Asks as firmware does, again and again for a minute. */
async function ask (message: DhcpPacket): Promise<DhcpPacket> {
  for (let tries = 0; tries < 15; tries++) {
    const answer = await new Promise<DhcpPacket | undefined>(resolve => {
      const late = setTimeout(() => { resolve(undefined) }, 4000)
      heard = packet => {
        clearTimeout(late)
        resolve(packet)
      }
      socket.send(encodePacket(message), everybody)
    })
    if (answer !== undefined) return answer
  }
  throw new Error(`no answer to ${String(message.options.dhcpMessageType)}`)
}

const firmware = { vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003016', clientSystemArchitecture: [7] }
const offer = await ask(request({ dhcpMessageType: 'DISCOVER', ...firmware }, header))
const { serverIdentifier } = offer.options
const asked = { requestedIpAddress: offer.yiaddr, ...serverIdentifier !== undefined && { serverIdentifier } }
const ack = await ask(request({ dhcpMessageType: 'REQUEST', ...asked, ...firmware }, header))
await socket.close()
const address = formatIpv4(ack.yiaddr)
execFileSync('ip', ['address', 'add', `${address}/16`, 'dev', interfaceName])
const server = formatIpv4(ack.siaddr)
const file = ack.options.bootfileName ?? ack.file
const { content } = await readFile(kernelUdp, { server: { address: server, port: 69 }, address, file, options: [['blksize', '1468'], ['windowsize', '8']], clock: systemClock })
const fetched = async (path: string): Promise<string> => {
  const answer = await fetch(`http://${server}:8080${path}?mac=${mac.replaceAll(':', '-')}`, { headers: { connection: 'close' } })
  return `${answer.status} ${await answer.text()}`
}
process.stdout.write(`${JSON.stringify({ type: ack.options.dhcpMessageType, address, file, loader: content.length, script: await fetched('/ipxe'), ignition: await fetched('/ignition') })}\n`)
process.exit(0)
