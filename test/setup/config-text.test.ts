// config.yaml as an installation writes it, and one that says something else than the flags.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { changedText, configText, contradictions, writtenText } from '../../src/setup/config-text.js'
import type { Wishes } from '../../src/setup/wishes.js'

const all: Wishes = {
  mode: 'server',
  interface: 'ens192',
  subnet: '192.168.100.0/24',
  range: '192.168.100.100-192.168.100.150',
  router: '192.168.100.1',
  dns: '192.168.100.1,192.168.100.2',
  domain: 'lab.example.com',
  'unknown-clients': 'allow',
  advertise: 'boot.example.com'
}

t.test('what is wished is what the program reads, and contradicts nothing', t => {
  const file = join(t.testdir(), 'config.yaml')
  for (const wishes of [all, { mode: 'off' }, { mode: 'proxy', interface: 'ens192' }]) {
    writeFileSync(file, configText(wishes))
    t.equal(loadConfig({ file, set: [], env: {} }).config.dhcp.mode, wishes.mode)
    t.same(contradictions(configText(wishes), wishes), [])
  }
  writeFileSync(file, configText(all))
  t.match(loadConfig({ file, set: [], env: {} }).config, { advertise: 'boot.example.com', dhcp: { interface: 'ens192', unknown_clients: 'allow', subnets: [{ domain_name: 'lab.example.com' }] } })
  t.end()
})

t.test('each flag that says something else is one contradiction', t => {
  const other: Wishes = {
    mode: 'proxy', interface: 'ens224', range: '192.168.100.10-192.168.100.20', router: '192.168.100.254', dns: '192.168.100.3', domain: 'other.example.com', 'unknown-clients': 'deny', advertise: 'other.example.com'
  }
  const found = contradictions(configText(all), other)
  t.same(found.map(({ name }) => name).sort(), Object.keys(other).sort())
  t.same(found.map(writtenText).sort(), [
    'advertise: boot.example.com', 'dhcp.interface: ens192', 'dhcp.mode: server', 'dhcp.subnets.0.dns_servers: [192.168.100.1, 192.168.100.2]', 'dhcp.subnets.0.domain_name: lab.example.com',
    'dhcp.subnets.0.range: 192.168.100.100-192.168.100.150', 'dhcp.subnets.0.routers: [192.168.100.1]', 'dhcp.unknown_clients: allow'
  ])
  t.same(contradictions(changedText(configText(all), found), other), [])
  t.end()
})

t.test('what is not written has its default, and interfaces may be written in either way', t => {
  t.same(contradictions('{}', { mode: 'off', 'unknown-clients': 'deny' }), [])
  t.same(contradictions('', { mode: 'off' }), [])
  const several = 'dhcp: { mode: server, interfaces: [a, { name: b, mode: proxy }], subnets: [{ subnet: 10.0.0.0/24 }, { subnet: 10.1.0.0/24, range: 10.1.0.5-10.1.0.9 }] }\n'
  t.same(contradictions(several, { interface: 'b', subnet: '10.1.0.0/24', range: '10.1.0.5-10.1.0.9' }), [])
  t.match(contradictions(several, { interface: 'c' }), [{ path: ['dhcp', 'interface'] }])
  t.match(contradictions(several, { subnet: '10.2.0.0/24' }), [{ path: ['dhcp', 'subnets', 2, 'subnet'] }], 'another one beside them')
  t.same(contradictions('a: [', { mode: 'server' }), [], 'what is no YAML is told elsewhere')
  t.match(contradictions('dhcp: { subnets: [{ subnet: 10.0.0.0/24 }] }', { subnet: '10.2.0.0/24' }), [{ path: ['dhcp', 'subnets', 0, 'subnet'], written: '10.0.0.0/24', wished: '10.2.0.0/24' }], 'the only one there is')
  t.match(contradictions(several, { range: '10.0.0.5-10.0.0.9' }), [{ path: ['dhcp', 'subnets', 0, 'range'], written: undefined }], 'without a name the first')
  t.match(contradictions('dhcp: { subnets: 1, interfaces: a }', { subnet: '10.2.0.0/24', interface: 'a' }), [{ name: 'interface' }, { path: ['dhcp', 'subnets', 0, 'subnet'] }])
  t.same(contradictions('{}', { advertise: 'a', mode: 'server', 'unknown-clients': 'allow' }).map(writtenText), ['dhcp.mode: (nothing)', 'dhcp.unknown_clients: (nothing)', 'advertise: (nothing)'])
  t.equal(changedText('just words\n', []), 'just words\n')
  t.end()
})

t.test('a change leaves all else as it was', t => {
  const before = `# mine
log_level: debug   # while I look
dhcp:
  mode: server
  interfaces: [ens192]
  subnets:
    # the lab
    - subnet: 192.168.100.0/24
      lease_time: 2h
`
  const wishes: Wishes = { interface: 'ens224', range: '192.168.100.10-192.168.100.20' }
  const after = changedText(before, contradictions(before, wishes))
  for (const part of ['# mine', 'log_level: debug', '# while I look', '# the lab', 'lease_time: 2h']) t.ok(after.includes(part), part)
  t.match(after, /interface: ens224/)
  t.notMatch(after, /interfaces:/)
  t.same(contradictions(after, { ...wishes, mode: 'server', subnet: '192.168.100.0/24' }), [])
  const fromNothing = changedText('dhcp:\n', contradictions('dhcp:\n', { mode: 'server', interface: 'a', subnet: '10.0.0.0/24' }))
  t.same(contradictions(fromNothing, { mode: 'server', interface: 'a', subnet: '10.0.0.0/24' }), [])
  t.end()
})
