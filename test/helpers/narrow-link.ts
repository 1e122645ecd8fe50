// Sends more at once than a link that was made narrow takes: narrow-link.ts COUNT. Each datagram is written over the one before as soon as it
// is handed over. Prints which came, in their order.
import { kernelUdp } from '../../src/net/udp.js'

const count = Number(process.argv[2])
const heard: number[] = []
const hearer = await kernelUdp.bind({ address: '127.0.0.1', port: 0, receiveBuffer: 4 << 20 }, data => {
  heard.push(data.readUInt32BE(0) === data.readUInt32BE(data.length - 4) ? data.readUInt32BE(0) : -1)
  if (heard.length < count) return
  process.stdout.write(JSON.stringify(heard) + '\n')
  void Promise.all([hearer.close(), sender.close()])
})
const sender = await kernelUdp.bind({ address: '127.0.0.1', port: 0, direct: true }, () => {})
const memory = Buffer.alloc(1400)
for (let n = 0; n < count; n++) {
  memory.writeUInt32BE(n, 0)
  memory.writeUInt32BE(n, memory.length - 4)
  sender.sendAll?.([memory], hearer.local)
}
