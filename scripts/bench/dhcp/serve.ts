// The DHCP server alone, as `npm run bench -- dhcp` measures it: serve.ts INTERFACE FIRST-LAST LEASE_FILE. Everything that runs
// in service runs here: leases synced before their ACK, conflict probes, rate limits, one log line a message (to stderr).
import { systemClock } from '../../../src/base/clock.js'
import { startDhcpServer } from '../../../src/dhcp/dhcp-server.js'
import { LeaseFile } from '../../../src/dhcp/lease-file.js'
import { LeaseTable } from '../../../src/dhcp/leases.js'
import { buildReservations } from '../../../src/dhcp/reservation-table.js'
import { createLog } from '../../../src/base/log.js'
import { createConflictProbe } from '../../../src/net/conflict-probe.js'
import { openDeviceSocket } from '../../../src/net/device-socket.js'
import { addressesOf } from '../../../src/net/interfaces.js'
import { formatIpv4, parseIpv4 } from '../../../src/net/ipv4.js'
import { kernelUdp } from '../../../src/net/udp.js'

const [, , interfaceName = '', range = '', path = ''] = process.argv
const [first = 0, last = 0] = range.split('-').map(text => parseIpv4(text))
const own = addressesOf(interfaceName)[0]!
const table = new LeaseTable()
const log = createLog({ level: 'info', pretty: false, destination: process.stderr, background: true })
const syncs = { count: 0, leases: 0, milliseconds: 0 }
const store = new LeaseFile({
  path,
  log,
  current: () => table.values(),
  onSync: (milliseconds, leases) => {
    syncs.count++
    syncs.leases += leases
    syncs.milliseconds += milliseconds
  }
})
for (const lease of await store.load(systemClock.now())) table.set(lease)
const subnets = [{
  subnet: own.subnet, range: { first, last }, routers: [own.ip], dnsServers: [own.ip], domainName: 'bench.example.com', ntpServers: [], leaseTime: 3600, options: new Map()
}]
const events: Record<string, number> = {}
const server = await startDhcpServer({
  network: kernelUdp,
  bind: { address: formatIpv4(own.ip), port: 67, fd: openDeviceSocket(interfaceName, 67), broadcast: true, receiveBuffer: 8 << 20 },
  server: own.ip,
  settings: {
    subnets,
    reservations: buildReservations([], subnets, own.ip),
    unknownClients: 'allow',
    boot: { loaders: { bios: 'undionly.kpxe' }, scriptUrl: 'http://bench/boot.ipxe' }
  },
  table,
  store,
  probe: createConflictProbe(),
  clock: systemClock,
  steady: () => performance.now(),
  log,
  onEvent: event => {
    const name = event.kind === 'dropped' ? `dropped ${event.reason}` : event.kind
    events[name] = (events[name] ?? 0) + 1
  }
})
process.stdout.write('ready\n')
process.on('SIGTERM', () => {
  void server.close().then(async () => {
    await store.close()
    process.stdout.write(`${JSON.stringify({ events, syncs, rss: process.memoryUsage().rss, cpu: process.cpuUsage() })}\n`)
  })
})
