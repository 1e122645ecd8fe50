// Machines that boot one after the other, as fast as they are told and not as fast as they are answered: boot-storm.ts SERVER OWN_ADDRESS
// BOOTS PER_SECOND. Of each the loader by TFTP, then its script, its Ignition config and a kernel by HTTP, on connections of
// its own. Prints `boots FAILED SLOWEST` at the end, times in milliseconds.
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '../../src/base/clock.js'
import { kernelUdp } from '../../src/net/udp.js'
import { readFile } from './tftp-client.js'

const [, , server = '', address = '', boots = '100', perSecond = '20'] = process.argv

async function boot (n: number): Promise<void> {
  const mac = `02-01-00-00-${[n >> 8 & 255, n & 255].map(octet => octet.toString(16).padStart(2, '0')).join('-')}`
  await readFile(kernelUdp, { server: { address: server, port: 69 }, address, file: 'loader.efi', options: [['blksize', '1468'], ['windowsize', '8']], clock: systemClock })
  for (const path of [`/ipxe?mac=${mac}`, `/ignition?mac=${mac}`, '/assets/kernel']) {
    const answer = await fetch(`http://${server}:8080${path}`, { headers: { connection: 'close' } })
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
    await answer.arrayBuffer()
  }
}

let failed = 0
let slowest = 0
const all: Array<Promise<void>> = []
for (let n = 0; n < Number(boots); n++) {
  const began = performance.now()
  all.push(boot(n).catch((error: unknown) => {
    failed++
    process.stderr.write(`${String(error)}\n`)
  }).then(() => { slowest = Math.max(slowest, performance.now() - began) }))
  await pause(1000 / Number(perSecond))
}
await Promise.all(all)
process.stdout.write(`boots ${failed} ${Math.round(slowest)}\n`)
process.exit(0)
