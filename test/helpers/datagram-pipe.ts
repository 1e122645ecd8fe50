// Puts datagrams on an interface that has no address yet, for tests: datagram-pipe.ts INTERFACE [PORT]. Each line `PORT HEX` of its
// input is broadcast to that port, each datagram that comes in is a line of hex; `ready` comes first.
import { createInterface } from 'node:readline'
import { openDeviceSocket } from '../../src/net/device-socket.js'
import { kernelUdp } from '../../src/net/udp.js'

const [, , interfaceName = '', own = '68'] = process.argv
const port = Number(own)
const socket = await kernelUdp.bind({ address: '0.0.0.0', port, fd: openDeviceSocket(interfaceName, port), broadcast: true }, data => {
  process.stdout.write(`${data.toString('hex')}\n`)
})
process.stdout.write('ready\n')
for await (const line of createInterface(process.stdin)) {
  const [to = '', hex = ''] = line.split(' ')
  socket.send(Buffer.from(hex, 'hex'), { address: '255.255.255.255', port: Number(to) })
}
await socket.close()
