// Connections that come at once and stay: rush-traffic.ts SERVER COUNT ADDRESSES OVER KIND. COUNT of them in OVER milliseconds, from so many
// addresses (rushAddress) that this machine has. Prints `come MILLISECONDS` when the last was begun, and
// stays until it is ended.
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { isRushKind, rushAddress, rushes } from './rush-kinds.js'

const [, , server = '', count = '0', addresses = '1', over = '0', kind = ''] = process.argv
if (!isRushKind(kind)) throw new Error(`no such rush: ${kind}`)
/** A few at a time: what they send leaves meanwhile. */
const atOnce = 16
const began = performance.now()
for (let n = 0; n < Number(count); n++) {
  if (n % atOnce === 0) await pause(Math.max(0, began + Number(over) * n / Number(count) - performance.now()))
  const socket = connect({ host: server, port: 8080, localAddress: rushAddress(n % Number(addresses)) })
  socket.on('error', () => {}).pause()
  socket.write(rushes[kind](n))
}
process.stdout.write(`come ${Math.round(performance.now() - began)}\n`)
process.stdin.resume()
