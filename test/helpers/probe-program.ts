// Asks whether an address is used, inside a network namespace: probe-program.ts ADDRESS MAC. Prints the answer and milliseconds.
import { createConflictProbe } from '../../src/net/conflict-probe.js'
import { ip, mac } from './dhcp.js'

const [, , address = '', machine = ''] = process.argv
const started = performance.now()
const answer = await createConflictProbe().ask(ip(address), mac(machine))
process.stdout.write(`${JSON.stringify({ ...answer, milliseconds: Math.round(performance.now() - started) })}\n`)
