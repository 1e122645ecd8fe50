// What the log says of an hour in which machines ask every ten seconds for what somebody has to mend: each reason at level warn once a
// minute, by datagrams on the server's own socket.
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { startDhcpServer } from '../../src/dhcp/dhcp-server.js'
import type { LeaseStore } from '../../src/dhcp/lease-store.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { buildReservations } from '../../src/dhcp/reservation-table.js'
import { DhcpWire } from '../helpers/dhcp-wire.js'
import { ip, mac, request, subnet } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'

const server = ip('192.168.100.2')
const subnets = [subnet('192.168.100.0/24', '192.168.100.100-192.168.100.100')]
const reserved = mac('52:54:00:00:00:41')
const store: LeaseStore = { load: async () => [], close: async () => {}, propose: async () => ({ kind: 'kept' }) }

t.test('an hour of each', async t => {
  const { stream, entries } = logLines()
  const [wire, table, clock] = [new DhcpWire(), new LeaseTable(), new FakeClock()]
  const dhcp = await startDhcpServer({
    network: wire,
    bind: { address: '0.0.0.0', port: 67 },
    server,
    settings: {
      subnets,
      reservations: buildReservations([{ macs: [reserved], ip: ip('192.168.100.41'), hostName: undefined, source: 'group core-1' }], subnets, server),
      unknownClients: 'allow',
      boot: { loaders: { bios: 'undionly.kpxe', 'efi-x64': 'snponly.efi' }, scriptUrl: 'http://192.168.100.2:8080/boot.ipxe' }
    },
    table,
    store,
    probe: { ask: async () => ({ inUse: true, by: mac('02:00:00:00:00:99') }) },
    clock,
    log: createLog({ level: 'info', pretty: false, destination: stream }),
    onEvent: () => {}
  })
  t.teardown(async () => { await dhcp.close() })
  const others = { state: 'bound', since: 0, expires: Number.MAX_SAFE_INTEGER } as const
  table.set({ ip: ip('192.168.100.100'), mac: mac('52:54:00:00:00:0a'), ...others })
  table.set({ ip: ip('192.168.100.41'), mac: mac('52:54:00:00:00:0b'), ...others })
  for (let n = 0; n < 360; n++) {
    const stranger = mac(`02:00:00:00:00:${(n % 7).toString(16).padStart(2, '0')}`)
    const asks = (client: typeof stranger, giaddr = 0): void => { wire.receive(request({ dhcpMessageType: 'DISCOVER' }, { mac: client, xid: n, giaddr })) }
    asks(stranger)
    asks(reserved)
    asks(stranger, ip('10.9.9.1'))
    await new Promise(resolve => { setImmediate(resolve) })
    clock.advance(10_000)
  }
  t.same(wire.sent, [], 'nothing can be answered')
  const of = (wanted: string, reason: string): number => entries().filter(({ level, msg, reason: why }) => level === wanted && msg === 'dhcp.drop' && why === reason).length
  // A token is whole a minute after the last, or with the next message.
  for (const reason of ['pool_exhausted', 'unknown_subnet', 'reservation_in_use']) {
    const times = of('warn', reason)
    t.ok(times <= 60 && times >= Math.floor(3600 / 70), `${reason}: ${times}`)
  }
  t.match(entries().find(({ reason }) => reason === 'unknown_subnet'), { level: 'warn', detail: 'giaddr 10.9.9.1' })
})
