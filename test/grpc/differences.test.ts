// Where this program differs from Matchbox on purpose: a test for each difference, and for each spelling Terraform may use.
import { status } from '@grpc/grpc-js'
import { readFileSync, utimesSync, statSync, chmodSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { maxReadableBytes } from '../../src/grpc/services.js'
import { FakeClock } from '../helpers/fake-clock.js'
import {
  type Answer, type Appliance, type ApplianceOptions, type RawClient, rawClient, readTree, startAppliance, tlsCredentials
} from '../helpers/grpc-appliance.js'
import { makePki } from '../helpers/pki.js'

const pki = makePki()

async function setUp (t: Test, options: Omit<ApplianceOptions, 'pki'> = {}): Promise<{ app: Appliance, client: RawClient }> {
  const app = await startAppliance({ pki, ...options })
  const client = rawClient(app.address, tlsCredentials(pki, pki.client))
  t.teardown(async () => {
    client.close()
    await app.close()
  })
  return { app, client }
}

const response = (answer: Answer): unknown => 'response' in answer ? answer.response : answer
const refused = { error: { code: status.INVALID_ARGUMENT } }
const ok = { response: {} }

t.test('a call without its message is refused, and the process lives', async t => {
  const { client } = await setUp(t)
  t.match(await client.call('GroupPut', {}), { error: { code: status.INVALID_ARGUMENT, message: /needs a group/ } })
  t.match(await client.call('ProfilePut', {}), { error: { code: status.INVALID_ARGUMENT, message: /needs a profile/ } })
  t.match(await client.call('GroupList', {}), ok)
})

t.test('ids that are not one safe path component are refused by every call', async t => {
  const { app, client } = await setUp(t, { before: { 'groups/g.json': Buffer.from('{"id":"g"}') } })
  const before = await readTree(app.dataPath)
  const config = Buffer.from('x')
  for (const id of ['', '.', '..', 'a/b', '/a', '../groups/g', 'a\0', 'n'.repeat(256), '.core-provisioner-1']) {
    for (const [call, request] of Object.entries({
      GroupPut: { group: { id, profile: 'p' } },
      GroupGet: { id },
      GroupDelete: { id },
      ProfilePut: { profile: { id } },
      ProfileGet: { id },
      ProfileDelete: { id },
      IgnitionPut: { name: id, config },
      IgnitionGet: { name: id },
      IgnitionDelete: { name: id },
      GenericPut: { name: id, config },
      GenericGet: { name: id },
      GenericDelete: { name: id }
    })) {
      const wanted = id.startsWith('.core') && call.endsWith('Get') ? { error: { code: status.NOT_FOUND } } : refused
      t.match(await client.call(call, request), wanted, `${call} ${JSON.stringify(id.slice(0, 20))}`)
    }
  }
  t.same(await readTree(app.dataPath), before)
  // A file name of 255 bytes is the longest there is.
  t.match(await client.call('GroupPut', { group: { id: 'n'.repeat(250), profile: 'p' } }), ok)
  t.match(await client.call('IgnitionPut', { name: 'ü'.repeat(127), config }), ok)
})

t.test('deleting what is not there is fine, and getting it is NOT_FOUND', async t => {
  const { client } = await setUp(t)
  for (const [kind, request] of [['Group', { id: 'x' }], ['Profile', { id: 'x' }], ['Ignition', { name: 'x' }], ['Generic', { name: 'x' }]] as const) {
    t.match(await client.call(`${kind}Delete`, request), ok, kind)
    t.match(await client.call(`${kind}Get`, request), { error: { code: status.NOT_FOUND } }, kind)
  }
})

t.test('a selector reads back as it was put, in every spelling, and matches all the same', async t => {
  const { client } = await setUp(t)
  for (const mac of ['52:54:00:AA:BB:01', '52-54-00-aa-bb-01', '52-54-00-AA-BB-01', '5254.00AA.BB01', '52:54:00:aa:bb:01']) {
    t.match(await client.call('GroupPut', { group: { id: 'm', profile: 'p', selector: { mac, os: 'installed' } } }), ok)
    t.match(await client.call('GroupGet', { id: 'm' }), { response: { group: { selector: { mac, os: 'installed' } } } }, mac)
    t.match(await client.call('GroupList', {}), { response: { groups: [{ selector: { mac } }] } })
    const labels = { mac: '52:54:00:aa:bb:01', os: 'installed' }
    t.match(await client.call('SelectGroup', { labels }), { response: { group: { id: 'm' } } })
  }
})

t.test('several addresses in one selector', async t => {
  const { client } = await setUp(t)
  const mac = '52:54:00:00:00:01, 52-54-00-00-00-02'
  t.match(await client.call('GroupPut', { group: { id: 'm', profile: 'p', selector: { mac } } }), ok)
  t.match(await client.call('GroupGet', { id: 'm' }), { response: { group: { selector: { mac } } } })
  for (const one of ['52:54:00:00:00:01', '52:54:00:00:00:02']) {
    t.match(await client.call('SelectGroup', { labels: { mac: one } }), { response: { group: { id: 'm' } } })
  }
  t.match(await client.call('SelectGroup', { labels: { mac: '52:54:00:00:00:03' } }), { error: { code: status.NOT_FOUND } })
})

t.test('an address that is none is refused when it is put', async t => {
  const { app, client } = await setUp(t)
  for (const mac of ['', 'nonsense', '52:54:00:aa:bb', '52:54:00:00:00:01,', '52:54:00:00:00:01,x']) {
    t.match(await client.call('GroupPut', { group: { id: 'm', profile: 'p', selector: { MAC: mac } } }), refused, mac)
  }
  t.same(await readTree(app.dataPath), {})
})

t.test('metadata that is not a JSON object is refused, and none reads back as {}', async t => {
  const { app, client } = await setUp(t, { before: { 'groups/old.json': Buffer.from('{"id":"old","profile":"p"}') } })
  for (const text of ['[1]', '"x"', '5', 'nope', '{', '{} x', ' ', "{'a':1}", '{"a":1e999}', '\ufeff{}']) {
    const answer = await client.call('GroupPut', { group: { id: 'bad', profile: 'p', metadata: Buffer.from(text) } })
    t.match(answer, { error: { code: status.INVALID_ARGUMENT, message: /metadata/ } }, text)
  }
  t.same(Object.keys(await readTree(app.dataPath)), ['groups/old.json'])
  for (const metadata of [undefined, Buffer.from('null'), Buffer.from('{}')]) {
    t.match(await client.call('GroupPut', { group: { id: 'g', profile: 'p', ...metadata === undefined ? {} : { metadata } } }), ok)
    t.match(await client.call('GroupGet', { id: 'g' }), { response: { group: { metadata: Buffer.from('{}') } } })
  }
  t.match(await client.call('GroupGet', { id: 'old' }), { response: { group: { metadata: Buffer.from('{}') } } })
})

t.test('a profile always has a boot', async t => {
  const { client } = await setUp(t, { before: { 'profiles/old.json': Buffer.from('{"id":"old"}') } })
  t.match(await client.call('ProfilePut', { profile: { id: 'new' } }), ok)
  for (const id of ['old', 'new']) t.ok(Object.hasOwn((response(await client.call('ProfileGet', { id })) as { profile: object }).profile, 'boot'), id)
  const { profiles } = response(await client.call('ProfileList', {})) as { profiles: object[] }
  t.equal(profiles.length, 2)
  for (const profile of profiles) t.ok(Object.hasOwn(profile, 'boot'))
})

t.test('what could be put but not read back is refused with its size', async t => {
  const { app, client } = await setUp(t)
  const config = (length: number): object => ({ name: 'big', config: Buffer.alloc(length, 'a') })
  const room = 5
  t.match(await client.call('IgnitionPut', config(maxReadableBytes - room + 1)), {
    error: { code: status.RESOURCE_EXHAUSTED, message: /config "big" is too large: \d+ bytes, and at most 4128768/ }
  })
  t.same(await readTree(app.dataPath), {})
  t.match(await client.call('IgnitionPut', config(maxReadableBytes - room)), ok)
  t.match(await client.call('IgnitionGet', { name: 'big' }), ok)
  // Six bytes for each < once it is written as JSON.
  const metadata = Buffer.from(JSON.stringify({ a: '<'.repeat(1024 * 1024) }))
  t.match(await client.call('GroupPut', { group: { id: 'g', profile: 'p', metadata } }), { error: { code: status.RESOURCE_EXHAUSTED } })
  t.match(await client.call('GenericPut', config(5 * 1024 * 1024)), { error: { code: status.RESOURCE_EXHAUSTED, message: /larger than max/ } })
})

t.test('a put equal to what exists changes nothing', async t => {
  const { app, client } = await setUp(t)
  const group = { id: 'g', profile: 'p', selector: { mac: '52-54-00-00-00-01' }, metadata: Buffer.from('{ "b": 1, "a": [2] }') }
  t.match(await client.call('GroupPut', { group }), ok)
  const file = join(app.dataPath, 'groups/g.json')
  utimesSync(file, 1, 1)
  const { snapshot } = app.store
  t.match(await client.call('GroupGet', { id: 'g' }), ok)
  // The disk was touched from outside: one look, and still nothing to write.
  t.match(await client.call('GroupPut', { group }), ok)
  const { ino, mtimeMs } = statSync(file)
  t.match(await client.call('GroupPut', { group: { ...group, metadata: Buffer.from('{"a":[2],"b":1}') } }), ok)
  t.same({ ino: statSync(file).ino, mtimeMs: statSync(file).mtimeMs }, { ino, mtimeMs })
  t.equal(app.store.snapshot.groups.size, snapshot.groups.size)
})

t.test('an object that exists can be read whatever becomes of the disk', async t => {
  const { app, client } = await setUp(t)
  t.match(await client.call('GroupPut', { group: { id: 'g', profile: 'p' } }), ok)
  t.match(await client.call('IgnitionPut', { name: 'a.ign', config: Buffer.from('{}') }), ok)
  chmodSync(join(app.dataPath, 'groups'), 0)
  rmSync(join(app.dataPath, 'ignition'), { recursive: true })
  t.match(await client.call('GroupGet', { id: 'g' }), { response: { group: { id: 'g' } } })
  t.match(await client.call('IgnitionGet', { name: 'a.ign' }), { response: { config: Buffer.from('{}') } })
  chmodSync(join(app.dataPath, 'groups'), 0o755)
})

t.test('machines still read what was deleted, until it is put again or the time is over', async t => {
  const clock = new FakeClock()
  const { app, client } = await setUp(t, { tombstoneMs: 30_000, clock })
  const labels = new Map([['mac', '52:54:00:00:00:01']])
  const script = (): string | undefined => app.provisioner.render('ipxe', { labels, rawQuery: '', client: undefined }).body?.toString()
  const put = async (kernel: string): Promise<void> => {
    t.match(await client.call('ProfilePut', { profile: { id: 'p', boot: { kernel } } }), ok)
    t.match(await client.call('GroupPut', { group: { id: 'g', profile: 'p', selector: { mac: '52-54-00-00-00-01' } } }), ok)
  }
  await put('/one')
  t.match(script(), '/one', 'a machine has it when the put returns')
  t.match(await client.call('GroupDelete', { id: 'g' }), ok)
  t.match(await client.call('ProfileDelete', { id: 'p' }), ok)
  t.match(await client.call('GroupGet', { id: 'g' }), { error: { code: status.NOT_FOUND } }, 'gone for Terraform')
  t.match(await client.call('GroupList', {}), { response: { groups: [] } })
  t.match(await client.call('SelectGroup', { labels: Object.fromEntries(labels) }), { error: { code: status.NOT_FOUND } })
  t.throws(() => readFileSync(join(app.dataPath, 'groups/g.json')), { code: 'ENOENT' })
  t.match(script(), '/one', 'not for machines')
  await put('/two')
  t.match(script(), '/two', 'a new put ends it')
  clock.advance(60_000)
  t.match(script(), '/two')
  t.match(await client.call('GroupDelete', { id: 'g' }), ok)
  clock.advance(29_999)
  t.match(script(), '/two')
  clock.advance(1)
  t.equal(script(), undefined, 'the time is over')
})

t.test('a list that cannot be complete is an error, not an empty list', async t => {
  const { client } = await setUp(t, { before: { groups: Buffer.from('a file') } })
  t.match(await client.call('GroupList', {}), { error: { code: status.UNAVAILABLE } })
  t.match(await client.call('ProfileList', {}), { response: { profiles: [] } })
})

t.test('a put keeps what was written of a profile that the message has no field for', async t => {
  const { app, client } = await setUp(t, { before: { 'profiles/p.json': Buffer.from('{"id":"p","boot":{"kernel":"/old","resilient":true,"shim":"/assets/shimx64.efi"}}') } })
  t.match(await client.call('ProfilePut', { profile: { id: 'p', boot: { kernel: '/new' } } }), ok)
  t.same(app.store.snapshot.profiles.get('p')?.boot, { kernel: '/new', initrd: [], args: [], resilient: true, shim: '/assets/shimx64.efi' })
  t.match(JSON.parse(readFileSync(join(app.dataPath, 'profiles/p.json'), 'utf8')), { boot: { kernel: '/new', resilient: true } })
  t.match(await client.call('ProfilePut', { profile: { id: 'new', boot: { kernel: '/new' } } }), ok)
  t.same(app.store.snapshot.profiles.get('new')?.boot, { kernel: '/new', initrd: [], args: [] })
})
