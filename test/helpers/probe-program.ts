// Asks whether addresses are used, one after the other, inside a network namespace: probe-program.ts ADDRESS[,ADDRESS...] MAC.
// Prints the last answer, all of them, the milliseconds it took, and the ICMP errors that a datagram to the last one draws.
import { formatIpv4 } from '../../src/net/ipv4.js'
import { type ConflictAnswer, createConflictProbe, openErrorSocket, sendTo } from '../../src/net/conflict-probe.js'
import { openLibc } from '../../src/net/libc.js'
import { ip, mac } from './dhcp.js'

const [, , text = '', machine = ''] = process.argv
const addresses = text.split(',').map(ip)
const probe = createConflictProbe()
const started = performance.now()
const all: ConflictAnswer[] = []
for (const address of addresses) all.push(await probe.ask(address, mac(machine)))
const milliseconds = Math.round(performance.now() - started)
probe.close()

const fd = openErrorSocket()!
sendTo(fd, addresses.at(-1)!)
await new Promise(resolve => { setTimeout(resolve, 50) })
const error = openLibc().nextError(fd)
const errors = error === undefined ? [] : [{ ...error, destination: formatIpv4(error.destination), offender: formatIpv4(error.offender) }]
process.stdout.write(`${JSON.stringify({ ...all.at(-1), all, milliseconds, errors })}\n`)
