// The DHCP server on a real interface, for tests that start it inside a network namespace:
// node --import=tsx test/helpers/dhcp-program.ts '{"interface":"br0","leases":"/tmp/x/leases.jsonl",...}'
// Prints `ready`, then one JSON line for each event with addresses as text; SIGTERM closes it.
import { systemClock } from '../../src/clock.js'
import { type DhcpEvent, startDhcpServer } from '../../src/dhcp/dhcp-server.js'
import { LeaseFile } from '../../src/dhcp/lease-file.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { buildReservations } from '../../src/dhcp/reservations.js'
import { createLog } from '../../src/log.js'
import { kernelConflictProbe } from '../../src/net/conflict-probe.js'
import { openDeviceSocket } from '../../src/net/device-socket.js'
import { addressesOf } from '../../src/net/interfaces.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { parseMac } from '../../src/net/mac.js'
import { kernelUdp } from '../../src/net/udp.js'
import { ip, subnet } from './dhcp.js'

/** What the program is told on its command line. */
export interface ProgramOptions {
  readonly interface: string
  readonly leases: string
  readonly port?: number
  /** `first-last`; without it only reservations are answered. */
  readonly range?: string
  readonly subnet?: string
  readonly leaseTime?: number
  /** MAC to address. */
  readonly reservations?: Readonly<Record<string, string>>
  readonly unknownClients?: 'deny' | 'allow'
  readonly scriptUrl?: string
  readonly quiet?: boolean
}

const options = JSON.parse(process.argv[2] ?? '{}') as ProgramOptions
const own = addressesOf(options.interface)[0]!
const port = options.port ?? 67
const table = new LeaseTable()
const log = createLog({ level: options.quiet === true ? 'error' : 'info', pretty: false, destination: process.stderr })
const store = new LeaseFile({ path: options.leases, log, current: () => table.values() })
for (const lease of await store.load()) table.set(lease)
const subnets = [subnet(options.subnet ?? `${formatIpv4(own.subnet.network)}/${own.subnet.prefix}`, options.range, { leaseTime: options.leaseTime ?? 3600 })]
const entries = Object.entries(options.reservations ?? {}).map(([mac, address]) => ({
  macs: [parseMac(mac)!], ip: ip(address), hostName: undefined, source: 'command line'
}))
const server = await startDhcpServer({
  network: kernelUdp,
  bind: { address: formatIpv4(own.ip), port, fd: openDeviceSocket(options.interface, port), broadcast: true, receiveBuffer: 4 << 20 },
  server: own.ip,
  settings: {
    subnets,
    reservations: buildReservations(entries, subnets, own.ip),
    unknownClients: options.unknownClients ?? 'deny',
    boot: {
      loaders: { bios: 'undionly.kpxe', 'efi-x64': 'snponly.efi', 'efi-arm64': 'snponly-arm64.efi' },
      scriptUrl: options.scriptUrl ?? `http://${formatIpv4(own.ip)}:8080/boot.ipxe`
    }
  },
  table,
  store,
  probe: kernelConflictProbe,
  clock: systemClock,
  log,
  onEvent: event => { if (options.quiet !== true) process.stdout.write(`${JSON.stringify(readable(event))}\n`) }
})
process.stdout.write('ready\n')
process.on('SIGTERM', () => { void server.close().then(async () => { await store.close() }) })

function readable (event: DhcpEvent): object {
  const { packet, ...rest } = { packet: undefined, ...event }
  return 'ip' in rest ? { ...rest, ip: formatIpv4(rest.ip) } : rest
}
