// Asks a TFTP server for files that it does not have: tftp-asker.ts SERVER COUNT ADDRESS... From one address it waits for each answer, asks once
// each and prints `refused COUNT`; from several it waits for none, asks every millisecond, and prints how many left with each thousand.
import { kernelUdp } from '../../src/net/udp.js'
import { decodePacket, encodePacket } from '../../src/tftp/packet.js'

const [, , server = '', count = '0', ...addresses] = process.argv
const total = Number(count)
const to = { address: server, port: 69 }
const rrq = (n: number): Buffer => encodePacket({ opcode: 'RRQ', filename: `absent-${n}`, mode: 'octet', options: [] })
let heard = (): void => {}
const sockets = await Promise.all(addresses.map(address => kernelUdp.bind({ address, port: 0 }, data => {
  if (decodePacket(data).opcode === 'ERROR') heard()
})))
if (sockets.length === 1) {
  for (let n = 0; n < total; n++) {
    const answered = new Promise<void>(resolve => { heard = resolve })
    sockets[0]!.send(rrq(n), to)
    await answered
  }
  process.stdout.write(`refused ${total}\n`)
  process.exit(0)
}
let sent = 0
const asking = setInterval(() => {
  sockets[sent % sockets.length]!.send(rrq(sent), to)
  if (++sent % 1000 === 0) process.stdout.write(`sent ${sent}\n`)
  if (sent === total) clearInterval(asking)
}, 1)
