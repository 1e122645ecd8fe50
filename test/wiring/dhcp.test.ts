// What check and doctor tell of DHCP on an interface: what it would do, and what of its configuration leads nowhere.
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { planFor } from '../../src/doctor/plan.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'

const log = createLog({ level: 'error', pretty: false, destination: logLines().stream })
const [server, proxy, here] = ['dhcp.mode=server', 'dhcp.mode=proxy', 'dhcp.subnets=[{ subnet: 127.0.0.0/8 }]']
const ranged = (subnet: string): string => `dhcp.subnets=[{ subnet: ${subnet}, range: 127.0.9.1-127.0.9.9 }]`

t.test('what a listener would do, and what has no effect', async t => {
  const rows: ReadonlyArray<readonly [what: string, set: readonly string[], told: string, findings: readonly RegExp[]]> = [
    ['a server alone', [server, here], 'as 127.0.0.1, 1 subnet, 0 reservations, unknown clients: deny', []],
    ['with a reservation and overrides', [server, here, 'dhcp.reservations=[{ mac: "52:54:00:00:00:01", ip: 127.0.0.9 }]', 'boot.overrides=[{ arch: 7, file: a.efi }]'],
      'as 127.0.0.1, 1 subnet, 1 reservation, 1 boot override, unknown clients: deny', []],
    ['a group names a loader too', [server, here, 'boot.overrides=[{ arch: 7, file: a.efi }]', 'data_path=GROUPS'], 'as 127.0.0.1, 1 subnet, 0 reservations, 2 boot overrides, unknown clients: deny', []],
    ['a reservation outside', [server, here, 'dhcp.reservations=[{ mac: "52:54:00:00:00:01", ip: 10.0.0.9 }]'], 'as 127.0.0.1, 1 subnet, 0 reservations, unknown clients: deny', [/no subnet of dhcp\.subnets holds/]],
    ['a range for nobody', [server, ranged('127.0.0.0/8')], 'as 127.0.0.1, 1 subnet, 0 reservations, unknown clients: deny', [/dhcp\.subnets\.0\.range is never used: dhcp\.unknown_clients is deny/]],
    ['a range for anybody', [server, ranged('127.0.0.0/8'), 'dhcp.unknown_clients=allow'], 'as 127.0.0.1, 1 subnet, 0 reservations, unknown clients: allow', []],
    ['a range of reserved addresses', [server, 'dhcp.subnets=[{ subnet: 127.0.0.0/8, range: 127.0.0.1-127.0.0.3, routers: [127.0.0.2] }]', 'dhcp.unknown_clients=allow', 'dhcp.reservations=[{ mac: "52:54:00:00:00:01", ip: 127.0.0.3 }]'],
      'as 127.0.0.1, 1 subnet, 1 reservation, unknown clients: allow', [/dhcp\.subnets\.0\.range has no address left/]],
    ['one is left', [server, 'dhcp.subnets=[{ subnet: 127.0.0.0/8, range: 127.0.0.1-127.0.0.3, routers: [127.0.0.2] }]', 'dhcp.unknown_clients=allow'], 'as 127.0.0.1, 1 subnet, 0 reservations, unknown clients: allow', []],
    ['a router that is none', [server, 'dhcp.subnets=[{ subnet: 127.0.0.0/8, routers: [127.0.0.9, 127.255.255.255] }]'], 'as 127.0.0.1, 1 subnet, 0 reservations, unknown clients: deny',
      [/dhcp\.subnets\.0\.routers\.1 is 127\.255\.255\.255, the broadcast address/]],
    ['a link of two has no such addresses', [server, 'dhcp.subnets=[{ subnet: 127.0.0.0/31, routers: [127.0.0.0] }]'], 'as 127.0.0.1, 1 subnet, 0 reservations, unknown clients: deny', []],
    ['a wider network than the interface is on', [server, 'dhcp.subnets=[{ subnet: 126.0.0.0/7 }]'], 'as 127.0.0.1, 1 subnet, 0 reservations, unknown clients: deny',
      [/dhcp\.subnets\.0\.subnet is 126\.0\.0\.0\/7, and lo is 127\.0\.0\.1\/8: without a route machines outside 127\.0\.0\.0\/8 get no answer/]],
    ['another network', [server, 'dhcp.subnets=[{ subnet: 10.0.0.0/24 }]'], 'as 127.0.0.1, 1 subnet, 0 reservations, unknown clients: deny', [/hold no address of lo \(127\.0\.0\.1\)/]],
    ['what only a proxy does', [server, here, 'boot.overrides=[{ arch: 7, file: a.efi, proxy_style: binl }]'], 'as 127.0.0.1, 1 subnet, 0 reservations, 1 boot override, unknown clients: deny', [/proxy_style has no effect in server mode/]],
    ['a proxy', [proxy, ranged('127.0.0.0/8'), 'boot.overrides=[{ arch: 7, file: a.efi, proxy_style: binl }]'], 'as 127.0.0.1, 1 subnet, 0 reservations, 1 boot override, unknown clients: deny', [/range has no effect in proxy mode/]],
    ['no such interface', [server, here, 'dhcp.interface=none0'], '1 subnet, 0 reservations, unknown clients: deny', [/dhcp\.interface: .*none0.*nobody there is served until it has/]]
  ]
  const folder = t.testdir({ store: {}, groups: { groups: { 'g.json': '{"id":"g","selector":{"mac":"52:54:00:00:00:07"},"metadata":{"boot_file":"own.efi"}}' } } })
  for (const [what, set, told, findings] of rows) {
    const all = [`data_path=${folder}/store`, `state_path=${folder}`, 'assets_path=', 'dhcp.interface=lo', 'rpc.address=', ...set].map(text => text.replace('GROUPS', `${folder}/groups`))
    const plan = await planFor(loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: all }), { log, clock: new FakeClock(), passphrase: '', env: {} })
    t.equal(plan.listeners.find(({ row }) => row.name === 'dhcp')?.what, told, what)
    const texts = plan.findings.map(({ text }) => text).filter(text => /dhcp|proxy_style|reservation/.test(text))
    t.match(texts, findings, what)
    t.equal(plan.findings.some(({ isUnfit }) => isUnfit === true), what === 'another network', `${what}: whether machines are served at all`)
    t.equal(texts.length, findings.length, `${what}: ${texts.join('; ')}`)
  }
})
