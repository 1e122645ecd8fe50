// Names relay agents that are not there: relay-flood.ts INTERFACE SERVER MAC... While DISCOVERs go to SERVER that 200 agents on its own link
// are said to have passed on, of which none answers ARP, each of the machines asks once by broadcast. Prints how many of them were answered
// before 2,000 more of the others had left.
import { openDeviceSocket } from '../../src/net/device-socket.js'
import { kernelUdp } from '../../src/net/udp.js'
import { decodePacket, encodePacket } from '../../src/dhcp/packet.js'
import { ip, mac as macFrom, request } from './dhcp.js'

const [, , interfaceName = '', server = '', ...machines] = process.argv
const agents = 200
const [before, patience] = [2000, 2000]
const firmware = { dhcpMessageType: 'DISCOVER', vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003016', clientSystemArchitecture: [7] } as const
let heard = (_xid: number): void => {}
const socket = await kernelUdp.bind({ address: '0.0.0.0', port: 68, fd: openDeviceSocket(interfaceName, 68), broadcast: true, receiveBuffer: 4 << 20 }, data => {
  if (data.length >= 240) heard(decodePacket(data).xid)
})
let sent = 0
let passed = (_sent: number): void => {}
setInterval(() => {
  const giaddr = ip('172.30.60.1') + sent % agents
  socket.send(encodePacket(request(firmware, { mac: macFrom(machines[0]!), xid: 0x10000000 + sent, giaddr })), { address: server, port: 67 })
  passed(++sent)
}, 2)

const flooded = (until: number): Promise<false> => new Promise(resolve => { passed = n => { if (n >= until) resolve(false) } })

await flooded(before)
let answered = 0
for (const [n, machine] of machines.entries()) {
  const xid = 0x20000000 + n
  const answer = new Promise<true>(resolve => { heard = other => { if (other === xid) resolve(true) } })
  socket.send(encodePacket(request(firmware, { mac: macFrom(machine), xid })), { address: '255.255.255.255', port: 67 })
  if (await Promise.race([answer, flooded(sent + patience)])) answered++
}
process.stdout.write(`answered ${answered} of ${machines.length}\n`)
process.exit(0)
