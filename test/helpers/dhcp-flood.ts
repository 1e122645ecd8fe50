// Sends mutated messages: dhcp-flood.ts INTERFACE COUNT SEED [WAITING [PORT]]. After every hundred a machine whose address is reserved
// (02:aa:00:00:00:00 and up) asks for it; no more than WAITING of these (1) are without an answer before the next hundred go out. Prints
// `sent N missed M` as it goes; M is how often no answer came. With PORT 4011 (67) every other of these machines asks there.
import { openDeviceSocket } from '../../src/net/device-socket.js'
import { kernelUdp } from '../../src/net/udp.js'
import { decodePacket, encodePacket } from '../../src/dhcp/packet.js'
import { goodMachine, goodMachines } from './dhcp-hostile.js'
import { request } from './dhcp.js'
import { packetFixtures } from './fixtures.js'
import { PacketMutator } from './packet-mutator.js'

const [, , interfaceName = '', count = '0', seed = '0', waiting = '1', portText = '67'] = process.argv
const total = Number(count)
const batch = 100
/** Milliseconds: what is not there by then does not come, however busy the machine is. */
const patience = 60_000
const everybody = '255.255.255.255'
const port = Number(portText)
const mutator = new PacketMutator(packetFixtures().map(({ bytes }) => bytes), Number(seed))

/** What has not been answered yet, by transaction. */
const asked = new Map<number, () => void>()
const socket = await kernelUdp.bind({ address: '0.0.0.0', port: 68, fd: openDeviceSocket(interfaceName, 68), broadcast: true, receiveBuffer: 4 << 20 }, data => {
  if (data.length >= 240 && data.readUInt16BE(28) === 0x02aa && ['OFFER', 'ACK'].includes(decodePacket(data).options.dhcpMessageType ?? '')) {
    asked.get(data.readUInt32BE(4))?.()
  }
})

async function askAsGoodMachine (n: number): Promise<boolean> {
  const xid = 0x20000000 + n
  const vendorClassIdentifier = 'PXEClient:Arch:00000:UNDI:002001'
  return await new Promise(resolve => {
    const end = (found: boolean): void => {
      clearTimeout(late)
      asked.delete(xid)
      resolve(found)
    }
    const late = setTimeout(() => { end(false) }, patience)
    asked.set(xid, () => { end(true) })
    socket.send(encodePacket(request({ dhcpMessageType: 'DISCOVER', vendorClassIdentifier }, { mac: goodMachine(n % goodMachines), xid })), { address: everybody, port: n % 2 === 0 ? port : 67 })
  })
}

let missed = 0
const open = new Set<Promise<void>>()
for (let sent = 0, round = 0; sent < total; round++) {
  for (let n = 0; n < batch && sent < total; n++, sent++) socket.send(mutator.next(), { address: everybody, port })
  const one: Promise<void> = askAsGoodMachine(round).then(found => {
    if (!found) missed++
    open.delete(one)
  })
  open.add(one)
  // The kernel takes what was sent while this waits.
  await new Promise(resolve => { setImmediate(resolve) })
  while (open.size >= Number(waiting)) await Promise.race(open)
  if (sent >= total) await Promise.all(open)
  if (round % 100 === 99 || sent >= total) process.stdout.write(`sent ${sent} missed ${missed}\n`)
}
await socket.close()
