// Asks whether addresses are used, one after the other, inside a network namespace: probe-program.ts ADDRESS[,ADDRESS...] MAC [errors].
// Prints the last answer and all of them, each with the milliseconds it took, and the ICMP error that a datagram to the last one draws.
import { formatIpv4 } from '../../src/net/ipv4.js'
import { setTimeout as pause } from 'node:timers/promises'
import { openArpLookup } from '../../src/net/arp-lookup.js'
import { localAddresses } from '../../src/net/interfaces.js'
import { createConflictProbe, openErrorSocket, sendTo } from '../../src/net/conflict-probe.js'
import { openLibc } from '../../src/net/libc.js'
import { ip, mac } from './dhcp.js'

const [, , text = '', machine = '', wanted = ''] = process.argv
const patience = wanted === 'errors' ? 500 : 0
const addresses = text.split(',').map(ip)
const probe = createConflictProbe({ find: openArpLookup(localAddresses).find })
const all: object[] = []
for (const address of addresses) {
  const started = performance.now()
  all.push({ ...await probe.ask(address, mac(machine)), milliseconds: Math.round(performance.now() - started) })
}
probe.close()

const fd = openErrorSocket()!
sendTo(fd, addresses.at(-1)!)
let error = openLibc().nextError(fd)
for (let tries = 0; error === undefined && tries < patience; tries++) {
  await pause(10)
  error = openLibc().nextError(fd)
}
const errors = error === undefined ? [] : [{ ...error, destination: formatIpv4(error.destination), offender: formatIpv4(error.offender) }]
process.stdout.write(`${JSON.stringify({ ...all.at(-1), all, errors })}\n`)
