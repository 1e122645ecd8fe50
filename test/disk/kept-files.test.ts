// Whatever a part says it keeps is kept when it says so: room by room, what a power cut would take when the answer is given.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { localAddresses } from '../../src/net/interfaces.js'
import t from 'tap'
import type { Io } from '../../src/cli/command.js'
import { hostsCommand } from '../../src/cli/hosts.js'
import { certs } from '../../src/cli/certs.js'
import { setupCommand } from '../../src/cli/setup.js'
import { storeCommand } from '../../src/cli/store.js'
import { Discovery } from '../../src/cluster/discovery.js'
import { DiscoveryFile } from '../../src/cluster/discovery-store.js'
import { loadConfig } from '../../src/config/load.js'
import { JsonLines } from '../../src/disk/json-lines.js'
import { MachineJournal } from '../../src/machines/journal.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import type { GuardKeeper } from '../../src/matchbox/guard.js'
import { type Delivery, parseDelivery, Webhooks } from '../../src/machines/webhooks.js'
import { FetchedLog } from '../../src/mirror/fetched.js'
import { forgetKey, importKey, keysIn } from '../../src/mirror/key-store.js'
import { removeRelease } from '../../src/mirror/layout.js'
import { Reboots } from '../../src/updates/reboots.js'
import { UpdateFile } from '../../src/updates/update-store.js'
import { openGuard } from '../../src/wiring/guard.js'
import { homesOf } from '../../src/wiring/homes.js'
import { mac } from '../helpers/dhcp.js'
import { DiskRecord } from '../helpers/disk-record.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { rawClient, startAppliance, tlsCredentials } from '../helpers/grpc-appliance.js'
import { TestMirror } from '../helpers/mirror.js'
import { makePki } from '../helpers/pki.js'
import { makeKey, Publisher } from '../helpers/publisher.js'

const log = pino({ level: 'silent' })
const machine = mac('52:54:00:00:00:01')

/** Does something, and tells what a power cut would take right then; and that something was written at all. */
async function lostAfter (disk: DiskRecord, act: () => Promise<unknown>): Promise<unknown> {
  disk.take()
  await act()
  return { lost: disk.lost(), written: disk.take().some(event => event.startsWith('sync ')) }
}
const nothing = { lost: [], written: true }

t.test('the record itself', async t => {
  const folder = t.testdir({ d: {} })
  const disk = new DiskRecord(t)
  const fs = await import('node:fs/promises')
  await fs.writeFile(join(folder, 'd/a'), 'x')
  await fs.rename(join(folder, 'd/a'), join(folder, 'd/b'))
  t.same(disk.lost(), ['the content of b', 'the name d/b'])
  await fs.rename(join(folder, 'd'), join(folder, 'e'))
  t.same(disk.lost(), ['the content of b', 'the name e/b', `the name ${folder.split('/').at(-1)}/e`], 'under another name it is on no disk either')
  await fs.mkdir(join(folder, 'e/f'))
  t.match(disk.lost(), /the name e\/f/, 'nor a folder that was made')
})

t.test('machines: within a second, at once where it was promised, and the last of it at the stop', async t => {
  const folder = t.testdir({ state: {} })
  const clock = new FakeClock()
  const holder: { registry?: MachineRegistry } = {}
  const journal = new MachineJournal({ path: join(folder, 'state/machines.jsonl'), clock, log, current: () => holder.registry?.values() ?? [] })
  const disk = new DiskRecord(t)
  const registry = holder.registry = new MachineRegistry(await journal.load(), { note: machine => { journal.note(machine) }, kept: mac => journal.kept(mac) })
  const lines = ['write machines.jsonl', 'sync machines.jsonl']
  disk.take()
  registry.record({ mac: machine, stage: 'discover', at: 1 })
  await journal.idle()
  t.same(disk.take(), [], 'they are gathered')
  clock.advance(1000)
  await journal.idle()
  t.same(disk.take(), lines)
  registry.record({ mac: machine, stage: 'installed', at: 2 })
  await registry.kept(machine)
  disk.mark('answered')
  t.same(disk.take(), [...lines, 'answered'])
  registry.record({ mac: machine, stage: 'running', at: 3 })
  await journal.close()
  disk.mark('stopped')
  t.same(disk.take(), [...lines, 'stopped'])
  t.equal(clock.pending, 0)
  registry.record({ mac: machine, stage: 'discover', at: 4 })
  await t.rejects(registry.kept(machine), { code: 'write_failed' }, 'and says what it can not keep')
})

t.test('slots of reboots, and what becomes of updates', async t => {
  const disk = new DiskRecord(t)
  const file = new UpdateFile({ path: join(t.testdir({ state: {} }), 'state/updates.jsonl'), log, current: () => ({ instances: new Map(), groups: new Map(), holders: new Map() }) })
  const { holders } = await file.load()
  const reboots = new Reboots({ groups: [{ name: 'g', slots: 1, staleAfter: undefined, window: undefined }], store: file, before: holders, macOf: () => undefined, clock: new FakeClock(), onEvent: ({ kind }) => { disk.mark(kind) } })
  disk.take()
  t.equal(await reboots.lock('g', 'a', '10.0.0.1'), undefined)
  t.same(disk.take(), ['write updates.jsonl', 'sync updates.jsonl', 'lock'])
  await reboots.unlock('g', 'a', '10.0.0.1')
  t.same(disk.take(), ['write updates.jsonl', 'sync updates.jsonl', 'unlock'])
  await file.close()
})

t.test('tokens of new etcd clusters, and who joined', async t => {
  const disk = new DiskRecord(t)
  const file = new DiscoveryFile({ path: join(t.testdir({ state: {} }), 'state/discovery.jsonl'), log, current: () => discovery.state })
  const discovery: Discovery = new Discovery({ store: file, before: await file.load(), clock: new FakeClock(), macOf: () => undefined, makeToken: () => 'a'.repeat(32), onEvent: () => {} })
  const token = await discovery.newToken(3, '10.0.0.1').catch(error => error)
  t.equal(token, 'a'.repeat(32))
  t.same([disk.take().at(-1), disk.lost()], ['sync discovery.jsonl', []])
  await discovery.putMember(token, 'b', 'm=http://10.0.0.2:2380', false, '10.0.0.2')
  t.same([disk.take(), disk.lost()], [['write discovery.jsonl', 'sync discovery.jsonl'], []])
  await file.close()
})

t.test('what webhooks are owed', async t => {
  const disk = new DiskRecord(t)
  const keep = new JsonLines<Delivery>({ path: join(t.testdir({ state: {} }), 'state/webhooks.jsonl'), kind: 'webhook', version: 1, log, format: delivery => JSON.stringify(delivery), parse: parseDelivery, current: () => [] })
  await keep.load()
  const clock = new FakeClock()
  const webhooks = new Webhooks({ hooks: [{ url: 'http://a/', secret: Buffer.alloc(32), on: ['installed'] }], pending: [], source: 'http://b/', clock, steady: clock.now, log, post: async () => 503, keep })
  disk.take()
  webhooks.tell('installed', machine, {})
  await webhooks.close()
  await keep.close()
  t.same([disk.take().slice(0, 2), disk.lost()], [['write webhooks.jsonl', 'sync webhooks.jsonl'], []])
})

t.test('the secret of guarded configs, and a use before the config is given out', async t => {
  const disk = new DiskRecord(t)
  const { config } = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`state_path=${t.testdir()}`] })
  const opened: { guard?: GuardKeeper } = {}
  t.same(await lostAfter(disk, async () => {
    const ground = { config, homes: homesOf(config), ownAddresses: localAddresses, log }
    opened.guard = await openGuard({ ground, isAddressOf: () => true, onClose: close => { t.teardown(close) } })
  }), nothing)
  disk.take()
  const { guard } = opened
  t.equal(await guard!.takeKept?.(machine, guard!.mint(machine), { window: 600_000, count: 3 }), undefined)
  disk.mark('taken')
  t.same(disk.take(), ['write guard-uses.jsonl', 'sync guard-uses.jsonl', 'taken'])
})

t.test('releases: whole on disk before they are seen, out of sight before they are removed', async t => {
  const key = await makeKey('publisher')
  const server = await Publisher.start()
  t.teardown(() => server.close())
  const folder = t.testdir()
  const disk = new DiskRecord(t)
  const mirror = new TestMirror([{ os: 'flatcar', base_url: server.url }], { folder, keys: [key] })
  await server.flatcar('1.0.0', key, { bytes: 17 * 2 ** 20 })
  t.match(await mirror.sync(), [{ outcome: 'published' }])
  const kernel = disk.take().filter(event => event === 'sync flatcar_production_pxe.vmlinuz.part')
  t.equal(kernel.length, 2, 'after 16 MiB, the most that the kernel is left to keep back, and at its end')
  t.same(disk.lost(), [])
  await server.flatcar('2.0.0', key)
  disk.take()
  t.match(await mirror.sync(), [{ outcome: 'published' }])
  const events = disk.take()
  const published = events.findIndex(event => /^rename \S+@2\.0\.0 2\.0\.0$/.test(event))
  const linked = events.indexOf('symlink .core-provisioner-stable')
  t.same([events[published - 1], events[published + 1], published < linked], [`sync ${events[published]?.split(' ')[1]}`, 'sync flatcar', true])
  t.same(disk.lost(), [])
  await removeRelease(join(mirror.assets, 'flatcar/1.0.0'))
  t.same(disk.take().slice(-3), ['rename 1.0.0 removed-1.0.0', 'sync flatcar', 'unlink removed-1.0.0'])
})

t.test('keys, and what is known of images', async t => {
  const folder = t.testdir()
  const { fingerprint, publicKey } = await makeKey('publisher')
  const fs = await import('node:fs/promises')
  await fs.writeFile(join(folder, 'key.asc'), publicKey)
  const disk = new DiskRecord(t)
  const found = await keysIn(join(folder, 'key.asc'))
  t.same(await lostAfter(disk, () => importKey(join(folder, 'keys'), join(folder, 'key.asc'), found, fingerprint)), nothing)
  t.same(await lostAfter(disk, () => forgetKey(join(folder, 'keys'), fingerprint)), nothing)
  t.same(await lostAfter(disk, async () => {
    const fetched = await FetchedLog.open({ statePath: folder, clock: new FakeClock(), onError: error => { t.fail(String(error)) } })
    fetched.note('flatcar/1.0.0')
    await fetched.close()
  }), nothing)
})

/** A process's surroundings for a command, without what it says. */
const io = (): Io => {
  const sink = new Writable({ write: (_chunk, _encoding, done) => { done() } })
  return {
    stdin: Readable.from([]),
    stdout: sink,
    stderr: sink,
    terminal: false,
    journal: false,
    env: {},
    pid: 1,
    uid: 1000,
    actAs: () => {},
    become: () => {},
    stop: new Promise(() => {}),
    onHangup: () => {},
    onStuck: () => {},
    onUncaught: () => {}
  }
}

t.test('certificates', async t => {
  const dir = join(t.testdir(), 'tls')
  const disk = new DiskRecord(t)
  const calls: ReadonlyArray<readonly [string, ...string[]]> = [['init', '--san', 'DNS:a'], ['renew'], ['client', 'someone'], ['revoke', 'someone'], ['export', '--client', '--out', join(dir, 'x.tar')]]
  for (const words of calls) {
    t.same(await lostAfter(disk, async () => { t.equal(await certs([...words, '--dir', dir], io()), 0, words[0]) }), nothing, words[0])
  }
})

t.test('what the gRPC API answers to', async t => {
  const pki = makePki()
  const appliance = await startAppliance({ pki })
  const client = rawClient(appliance.address, tlsCredentials(pki, pki.client))
  const disk = new DiskRecord(t)
  const config = Buffer.from('{}')
  for (const [call, asked, file] of [
    ['ProfilePut', { profile: { id: 'p' } }, 'profiles/p.json'],
    ['GroupPut', { group: { id: 'g', profile: 'p' } }, 'groups/g.json'],
    ['IgnitionPut', { name: 'i', config }, 'ignition/i'],
    ['GenericPut', { name: 'c', config }, 'generic/c'],
    ['GroupDelete', { id: 'g' }, 'groups/g.json'],
    ['ProfileDelete', { id: 'p' }, 'profiles/p.json'],
    ['IgnitionDelete', { name: 'i' }, 'ignition/i'],
    ['GenericDelete', { name: 'c' }, 'generic/c']
  ] as const) {
    disk.take()
    const answer = await client.call(call, asked)
    t.same([Object.keys(answer), existsSync(join(appliance.dataPath, file)), disk.lost()], [['response'], call.endsWith('Put'), []], call)
    t.equal(disk.take().at(-1), `sync ${file.split('/')[0]}`, 'the folder last')
  }
  client.close()
  await appliance.close()
})

t.test('lists, stores and backups', async t => {
  const folder = t.testdir({ data: { groups: { 'a.json': '{"id":"a","profile":"p"}' }, profiles: { 'p.json': '{"id":"p"}' } }, hosts: 'MAC,IP,HOST\n52:54:00:00:00:01,10.0.0.5,one\n', dnsmasq: '# mine\n' })
  const at = (name: string): string => join(folder, name)
  const config = ['--set', `data_path=${at('data')}`, '--set', `state_path=${at('state')}`]
  const disk = new DiskRecord(t)
  for (const [what, command, words] of [
    ['a backup', storeCommand, ['backup', at('b.tar.gz')]],
    ['an export', storeCommand, ['export', at('out')]],
    ['a restore', storeCommand, ['restore', at('b.tar.gz'), '--replace', '--set', `data_path=${at('other')}`]],
    ['what systemd reads', setupCommand, ['files', '--to', at('root'), '--set', 'http.address=127.0.0.1:8081']],
    ['an import of hosts', hostsCommand, ['import', at('hosts'), '--format', 'csv']],
    ['an export of hosts', hostsCommand, ['export', '--format', 'dnsmasq', '--write', at('new')]],
    ['an export into a file', hostsCommand, ['export', '--format', 'dnsmasq', '--write', at('dnsmasq')]]
  ] as const) {
    t.same(await lostAfter(disk, async () => { t.equal(await command.run([...words, ...config.filter((_, i) => !(words as readonly string[]).includes('--set') || i > 1)], io()), 0, what) }), nothing, what)
  }
})

/** Who writes by other means than writeFileAtomic and JsonLines, how often, and what is lost with it. */
const bare: Readonly<Record<string, readonly [times: number, why: string]>> = {
  'assets/file-sender.ts': [1, 'wakes a thread: no file'],
  'cli/try-site.ts': [2, 'makes a site that goes with the command'],
  'disk/atomic-file.ts': [1, 'is how it is done'],
  'doctor/apart.ts': [1, 'has a process give way, in /proc'],
  'main.ts': [1, 'names the process, in /proc'],
  'mirror/download.ts': [4, 'syncs by itself; what tells where a part came from may be lost with the part'],
  'mirror/fetch-release.ts': [3, 'syncs the folder by itself, or with the manifest that comes last'],
  'mirror/layout.ts': [3, 'syncs the folder by itself'],
  'mirror/siblings.ts': [1, 'into a folder that is synced before it is published']
}

t.test('nobody else writes', t => {
  const src = fileURLToPath(new URL('../../src', import.meta.url))
  const calls = /(?:^|[^.\w])(?:writeFile|rename|createWriteStream|appendFile|writeFileSync|appendFileSync|renameSync|copyFile|symlink|link|writeSync)\(/gm
  const found = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts')).sort()
    .map(name => [name, readFileSync(join(src, name), 'utf8').match(calls)?.length ?? 0] as const).filter(([, times]) => times > 0)
  t.same(found, Object.entries(bare).map(([name, [times]]) => [name, times]))
  t.end()
})
