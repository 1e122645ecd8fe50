// Enrolment over a store on disk, as the appliance puts it together, and as gRPC sees it.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import type { Lease } from '../../src/dhcp/leases.js'
import { enrolmentFindings } from '../../src/wiring/enrolment.js'
import { ip } from '../helpers/dhcp.js'
import { card, pki, world } from '../helpers/enrolment-site.js'
import { rawClient, tlsCredentials } from '../helpers/grpc-appliance.js'

const written = (dataPath: string): unknown[] => readdirSync(join(dataPath, 'groups')).sort()
  .map(name => JSON.parse(readFileSync(join(dataPath, 'groups', name), 'utf8')) as { profile: string, metadata: Record<string, string> })
  .map(({ profile, metadata }) => [metadata['hostname'], profile, metadata['ip'], metadata['enrolled_mac']])

t.test('of several provisioners: a machine may have its address of another one, and what a stranger says in its name is not its own answer', async t => {
  const { opened } = await world(t)
  const given: string[] = []
  const asked: Array<() => void> = []
  const { appliance, enrol } = await opened({
    hear: async (machine, address) => { await new Promise<void>(resolve => { asked.push(() => { given.push(`${machine} ${address}`); resolve() }) }) },
    isAddressOf: (machine, address) => address !== '10.0.1.66' && given.includes(`${machine} ${address}`)
  })
  const both = [enrol(1, '10.0.1.66'), enrol(1), enrol(1)]
  for (const answer of asked) answer()
  const [stranger, ...machine] = await Promise.all(both)
  t.match(stranger, /came from 10\.0\.1\.66, which is not known/)
  t.same(machine, [undefined, undefined])
  t.equal(appliance.store.snapshot.groups.size, 1)
  await appliance.close()
})

t.test('two at once share nothing, gRPC sees them, a restart changes nothing', async t => {
  const { opened, dataPath, table, clock, state } = await world(t)
  table.set({ ip: ip('10.0.0.22'), mac: card(9), state: 'bound', since: clock.now(), expires: clock.now() + 3_600_000 } as Lease)
  mkdirSync(join(state, 'hosts.d'))
  writeFileSync(join(state, 'hosts.d/a.yaml'), '- { mac: "02:00:00:00:00:01", ip: 10.0.0.23, hostname: core-2 }\n')
  const first = await opened()
  t.equal(first.enrol(1, '10.0.1.66') === undefined, false)
  t.match(await first.enrol(1, '10.0.1.66'), /not known to be the address of 52:54:00:00:00:01/)
  t.same(first.appliance.store.snapshot.groups.size, 0, 'nobody enrols another one')
  t.same(await Promise.all([first.enrol(1), first.enrol(1), first.enrol(2), first.enrol(3), first.enrol(4)]), Array(5).fill(undefined))
  const expected = [
    ['core-1', 'core', '10.0.0.21', card(1)], ['core-3', 'core', '10.0.0.24', card(2)], ['core-4', 'core', '10.0.0.25', card(3)], ['core-5', 'default', '10.0.0.26', card(4)]
  ]
  t.same(written(dataPath), expected)
  t.equal(first.enrol(1), undefined, 'it is known now')
  const client = rawClient(first.appliance.address, tlsCredentials(pki, pki.client))
  t.match(await client.call('GroupList', {}), { response: { groups: expected.map(([id, profile]) => ({ id, profile })) } })
  client.close()
  await first.appliance.close()

  const again = await opened()
  t.equal(again.enrol(2), undefined)
  t.equal(await again.enrol(5), undefined)
  t.same(written(dataPath), [...expected, ['core-6', 'default', '10.0.0.27', card(5)]])
  await again.appliance.close()
})

t.test('a disk that fails enrols nobody, and takes no number', async t => {
  const { opened, dataPath } = await world(t)
  const { appliance, enrol } = await opened()
  rmSync(join(dataPath, 'groups'), { recursive: true, force: true })
  writeFileSync(join(dataPath, 'groups'), 'not a folder')
  t.match(await enrol(1), /its group could not be written/)
  rmSync(join(dataPath, 'groups'))
  t.equal(await enrol(2), undefined)
  t.equal(await enrol(1), undefined, 'and who was refused is not refused for ever')
  t.same(written(dataPath), [['core-1', 'core', '10.0.0.21', card(2)], ['core-2', 'core', '10.0.0.22', card(1)]])
  await appliance.close()
})

t.test('what leads nowhere is told beforehand', async t => {
  const { opened, loaded } = await world(t, ['core'])
  const { appliance, enrol } = await opened()
  t.match(enrolmentFindings({ loaded, store: appliance.store }), [{ level: 'warning', text: /enrolment\.profiles\.1\.profile names "default", which is not in the store/ }])
  t.equal(await enrol(1), undefined)
  const server = { ...loaded, config: { ...loaded.config, dhcp: { ...loaded.config.dhcp, mode: 'server' as const, interface: 'lo' } } }
  t.match(enrolmentFindings({ loaded: server, store: appliance.store })[0]?.text, /unknown_clients is deny/)
  await appliance.close()
  const refuses = (...set: readonly string[]): unknown => t.throws(() => loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set }), { code: 'config_invalid' }, set.join())
  refuses('enrolment.hostname=core')
  refuses('enrolment.hostname=-{n}')
  refuses('enrolment.profiles=[{profile: a}, {profile: b}]')
  refuses('enrolment.profiles=[{profile: a, quantity: 0}]')
  refuses('enrolment.range=10.0.0.9-10.0.0.1')
  refuses('enrolment.identify_by=name')
  refuses('dhcp.mode=server', 'dhcp.interface=lo', 'dhcp.subnets=[{subnet: 10.0.0.0/24}]', 'enrolment.range=10.0.1.1-10.0.1.9')
})
