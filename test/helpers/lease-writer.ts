// Keeps leases in a file until it is killed, printing each one once it is said to be on disk: lease-writer.ts FILE ROUND.
import { writeSync } from 'node:fs'
import { LeaseFile } from '../../src/dhcp/lease-file.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { createLog } from '../../src/base/log.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { ip, testMac } from './dhcp.js'

const [, , path = '', round = '0'] = process.argv
const table = new LeaseTable()
const log = createLog({ level: 'error', pretty: false, destination: process.stderr })
// Little slack, so that rewrites happen while it is killed.
const file = new LeaseFile({ path, log, current: () => table.values(), slack: 20 })
for (const lease of await file.load(1)) table.set(lease)
for (let n = 0; ; n += 8) {
  await Promise.all(Array.from({ length: 8 }, async (_, i) => {
    const lease = { ip: ip('10.0.0.1') + (n + i) % 200, mac: testMac, state: 'bound', since: 1, expires: Number(round) * 1_000_000 + n + i } as const
    table.set(lease)
    await file.propose({ lease, now: 1 })
    writeSync(1, `${formatIpv4(lease.ip)} ${lease.expires}\n`)
  }))
}
