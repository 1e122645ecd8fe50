import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { Neighbours } from '../../src/dhcp/neighbours.js'
import { homesOf } from '../../src/wiring/homes.js'
import { networkShown } from '../../src/wiring/ui-network.js'
import { ip, mac, testMac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'

const { config } = loadConfig({
  file: undefined,
  env: {},
  set: ['dhcp={ mode: server, interface: ens192, subnets: [{ subnet: 10.0.0.0/24, range: 10.0.0.10-10.0.0.19 }, { subnet: 10.0.1.0/24 }], reservations: [{ mac: "02:00:00:00:00:01", ip: 10.0.1.7 }] }', 'advertise=boot.test']
})

t.test('subnets with who has their addresses, and who else speaks there', t => {
  const clock = new FakeClock()
  const now = clock.now()
  const table = new LeaseTable()
  const lease = { mac: testMac, since: now - 1000, state: 'bound' } as const
  table.set({ ...lease, ip: ip('10.0.0.10'), expires: now + 1 })
  table.set({ ...lease, ip: ip('10.0.0.19'), mac: mac('02:00:00:00:00:02'), state: 'offered', expires: now + 1000 })
  table.set({ ...lease, ip: ip('10.0.0.11'), mac: mac('02:00:00:00:00:03'), expires: now })
  table.set({ ...lease, ip: ip('10.0.0.12'), mac: mac('02:00:00:00:00:04'), state: 'released', expires: now + 1000 })
  table.set({ ...lease, ip: ip('10.0.0.20'), mac: mac('02:00:00:00:00:05'), expires: now + 1000 })
  const neighbours = new Neighbours(now)
  neighbours.see('relay', ip('10.0.1.1'), now)
  neighbours.see('unexpected_relay', ip('10.9.0.1'), now)
  neighbours.see('server', ip('10.0.0.2'), now)
  const parts = { config, clock, leases: { table, store: undefined as never }, homes: homesOf(config) }
  t.match(networkShown({ ...parts, neighbours }), {
    mode: 'server',
    now,
    interfaces: ['ens192'],
    origin: 'http://boot.test:8080',
    subnets: [
      { subnet: '10.0.0.0/24', range: '10.0.0.10-10.0.0.19', size: 10, used: 2, reservations: 0 },
      { subnet: '10.0.1.0/24', range: undefined, size: 0, used: 0, reservations: 1 }
    ],
    relays: [{ address: '10.0.1.1', subnet: '10.0.1.0/24', times: 1 }, { address: '10.9.0.1', subnet: undefined }],
    servers: [{ address: '10.0.0.2', subnet: '10.0.0.0/24' }],
    passedOver: 0
  })
  t.match(networkShown({ ...parts, neighbours: undefined }), { relays: [], servers: [], passedOver: 0 })
  for (let n = 0; n < 70; n++) for (const kind of ['relay', 'unexpected_relay', 'server'] as const) neighbours.see(kind, ip('10.0.2.0') + n, now)
  t.equal(networkShown({ ...parts, neighbours }).passedOver, 3 * (70 + 1 - 64))
  const off = loadConfig({ file: undefined, env: {}, set: ['advertise=boot.test'] }).config
  t.same(networkShown({ ...parts, config: off, homes: homesOf(off), neighbours }).interfaces, [])
  t.end()
})
