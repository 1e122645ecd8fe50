// Looks addresses up inside a network namespace: arp-program.ts ADDRESS[,ADDRESS...] [AGAIN]. Prints for each what was found, null where the
// address is on no link; how many descriptors that left, and milliseconds of processor time for a thousand looks of each if AGAIN is given.
import { readdirSync } from 'node:fs'
import { openArpLookup } from '../../src/net/arp-lookup.js'
import { localAddresses } from '../../src/net/interfaces.js'
import { ip } from './dhcp.js'

const [, , text = '', again] = process.argv
const addresses = text.split(',').map(ip)
const descriptors = (): number => readdirSync('/proc/self/fd').length
// The first has Node open what it keeps.
openArpLookup(localAddresses).find(addresses[0]!)
const before = descriptors()
const arp = openArpLookup(localAddresses)
const found = addresses.map(address => arp.find(address)).map(entry => entry === undefined ? null : entry.mac ?? 'nobody')
const began = process.cpuUsage()
if (again !== undefined) for (let n = 0; n < 1000; n++) for (const address of addresses) arp.find(address)
const { user, system } = again === undefined ? { user: 0, system: 0 } : process.cpuUsage(began)
arp.close()
process.stdout.write(`${JSON.stringify({ found, left: descriptors() - before, milliseconds: (user + system) / 1000 })}\n`)
