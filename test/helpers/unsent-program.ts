// Sends to neighbours that are not there until the kernel has no room for more, and then on: unsent-program.ts ADDRESS. Prints the share of the
// buffer that was held before and then, and how many datagrams Node had taken when the next was refused, as JSON.
import { kernelUdp, mostQueued } from '../../src/net/udp.js'
import { formatIpv4, parseIpv4 } from '../../src/net/ipv4.js'

const [, , address = ''] = process.argv
const socket = await kernelUdp.bind({ address, port: 0, direct: true }, () => {})
const before = socket.unsentShare!()
const datagram = Buffer.alloc(1000)
const nobody = (n: number): { address: string, port: number } => ({ address: formatIpv4(parseIpv4(address)! + 100 + n % 200), port: 9 })
let sent = 0
while (sent < 1000 && socket.sendNow!(datagram, nobody(sent)) === null) sent++
const full = socket.unsentShare!()
let [waiting, refused] = [0, '']
while (refused === '' && waiting <= mostQueued + 10) {
  socket.send(datagram, nobody(waiting), error => { refused ||= error?.message ?? '' })
  if (refused === '') waiting++
}
process.stdout.write(`${JSON.stringify({ before, full, waiting, refused })}\n`)
process.exit(0)
