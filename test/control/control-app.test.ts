// What commands ask of a running appliance: each route of the control socket's own, its refusals, and the socket it is asked over.
import { existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { AppError } from '../../src/base/errors.js'
import { Pace } from '../../src/base/pace.js'
import { assertNothingElse, assertSocketPath, buildControlApp, type ControlOptions, listenControl } from '../../src/control/control-app.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { parseIpv4 } from '../../src/net/ipv4.js'
import { type Mac, parseMac } from '../../src/net/mac.js'
import { isSocketAnswered } from '../../src/net/socket-answered.js'
import { Reboots } from '../../src/updates/reboots.js'
import { shortFolder } from '../helpers/short-folder.js'
import { registerImageRoute } from '../../src/control/image-route.js'
import { group, UpdateBench } from '../helpers/update-store.js'

const macOf = (n: number): Mac => parseMac(`52:54:00:00:00:0${n}`) as Mac
const mac = macOf(1)
const at = Date.UTC(2026, 0, 1)

function control (t: Test, more: Partial<ControlOptions> = {}) {
  const disk: { kept: () => Promise<void> } = { kept: async () => {} }
  const registry = new MachineRegistry([], { note: () => {}, kept: () => disk.kept() })
  const told: unknown[] = []
  const app = buildControlApp({
    registry,
    now: () => at,
    pace: new Pace(),
    addressClaims: { hear: () => undefined, isAddressOf: () => false },
    onInstalled: () => {},
    named: () => [{ macs: [macOf(3)], name: 'node-3', group: 'g3' }],
    adopt: async wanted => {
      told.push(wanted)
      return wanted.profile === 'there' ? { group: 'g' } : { refusal: 'no such profile' }
    },
    setInstalled: machine => { told.push(machine) },
    leases: () => [{ ip: '10.0.0.1', mac, state: 'bound', since: 's', expires: 'e' }],
    releaseLease: async ip => ip === parseIpv4('10.0.0.1'),
    ...more
  })
  t.teardown(() => app.close())
  const ask = async (method: 'GET' | 'POST', url: string, payload?: object): Promise<readonly [status: number, body: unknown]> => {
    const answer = await app.inject({ method, url, ...payload !== undefined && { payload } })
    return [answer.statusCode, answer.json()]
  }
  return { app, ask, disk, registry, told }
}

t.test('leases are listed, and one that there is can be ended', async t => {
  const { ask } = control(t)
  t.match(await ask('GET', '/v1/leases'), [200, [{ ip: '10.0.0.1', mac }]])
  t.same(await ask('POST', '/v1/leases/10.0.0.1/release'), [200, { ip: '10.0.0.1', released: true }])
  for (const ip of ['10.0.0.2', 'nonsense']) t.same(await ask('POST', `/v1/leases/${ip}/release`), [404, { error: `no lease of ${ip}` }])
  t.match(await ask('GET', '/v1/named'), [200, [{ name: 'node-3' }]])
})

t.test('a machine starts over, is said to be installed, and gets a group', async t => {
  const { ask, disk, registry, told } = control(t)
  for (const [n, name] of [[1, 'one'], [2, 'twin'], [4, 'twin']] as const) registry.record({ mac: macOf(n), stage: 'script', at, name })
  registry.record({ mac, stage: 'installed', at })
  t.same(await ask('POST', '/v1/machines/one/reset'), [200, { mac, reset: true }])
  t.not(registry.get(mac)?.stage, 'installed')
  registry.record({ mac, stage: 'installed', at })
  t.same(await ask('POST', `/v1/machines/${mac}/state`, { state: 'configured' }), [200, { mac, state: 'configured' }])
  t.not(registry.get(mac)?.stage, 'installed')
  t.same(told, [])
  t.same(await ask('POST', `/v1/machines/${mac}/state`, { state: 'installed' }), [200, { mac, state: 'installed' }])
  t.same(told.splice(0), [mac])
  for (const state of ['script', '', 7, undefined]) t.match(await ask('POST', `/v1/machines/${mac}/state`, { state }), [400, { error: /state takes/ }], String(state))
  for (const what of ['reset', 'state']) {
    const post = (machine: string): Promise<readonly [number, unknown]> => ask('POST', `/v1/machines/${machine}/${what}`, { state: 'installed' })
    t.match(await post(macOf(9)), [404, { error: /has been seen/ }])
    t.match(await post('nobody'), [404, { error: /no machine of that name/ }])
    t.match(await post('twin'), [409, { error: /2 machines are called/ }])
    disk.kept = async () => { throw new AppError('disk_full', 'no space') }
    t.same(await post('one'), [503, { error: 'no space' }], 'what is not on disk is not told as done')
    disk.kept = async () => { throw new Error('odd') }
    t.same(await post('one'), [500, { error: 'odd' }])
    disk.kept = async () => {}
  }
  told.length = 0
  const adopt = (machine: string, body: object): Promise<readonly [number, unknown]> => ask('POST', `/v1/machines/${machine}/adopt`, body)
  t.same(await adopt('52-54-00-00-00-01', { name: 'a', profile: 'there', ip: '10.0.0.1' }), [200, { mac, group: 'g' }])
  t.same(await adopt(mac, { name: 'a', profile: 'elsewhere' }), [409, { error: 'no such profile' }])
  t.same(told, [{ mac, name: 'a', ip: '10.0.0.1', profile: 'there' }, { mac, name: 'a', ip: undefined, profile: 'elsewhere' }])
  for (const body of [{ name: 'a' }, { profile: 'b' }, { name: '', profile: 'b' }, { name: 'a', profile: 7 }, {}]) t.match(await adopt(mac, body), [400, { error: /are needed/ }])
  t.match(await adopt('one', { name: 'a', profile: 'b' }), [400, { error: /is not a hardware address/ }])
})

t.test('updates and reboots, where there are groups', async t => {
  const bench = new UpdateBench([group(), group({ name: 'edge', channel: undefined, version: '1.2.3' }), group({ name: 'fcos', os: 'fedora-coreos', channel: undefined })], ['4230.2.2'])
  const { updates, clock, store } = bench
  const reboots = new Reboots({ groups: [{ name: 'workers', slots: 2, staleAfter: undefined, window: undefined }], store, before: new Map([['gone', [{ id: 'm8', group: 'gone', address: '10.0.0.8', since: clock.now() }]]]), macOf: () => undefined, clock })
  t.teardown(() => { updates.close() })
  const { ask } = control(t, { dayTwo: { updates, reboots, now: () => clock.now() } })
  t.equal(await bench.offered('m1', '4230.2.1', { machineAlias: 'one' }), '4230.2.2')
  await bench.say('m2', '4230.2.1', 3, 0, { errorCode: 1 })
  await bench.say('m3', '4230.2.1', 3, 2, { previousVersion: '4230.2.0' })
  const [, shown] = await ask('GET', '/v1/updates')
  t.match(shown, {
    groups: [
      { group: 'workers', os: 'flatcar', follows: 'stable', state: 'going on', approved: [], machines: 3, underWay: 1, failed: 1 },
      { group: 'edge', follows: '1.2.3', machines: 0, underWay: 0, failed: 0 },
      { group: 'fcos', follows: 'its stream' }
    ],
    machines: [
      { id: 'm1', alias: 'one', address: '192.168.100.9', version: '4230.2.1', status: 'granted', granted: '4230.2.2', since: '2026-11-27T10:00:00.000Z', lastSeen: '2026-11-27T10:00:00.000Z' },
      { id: 'm2', status: 'error', error: /^error 1/ },
      { id: 'm3', status: 'complete', previousVersion: '4230.2.0' }
    ]
  })
  const keys = (shown as { machines: object[] }).machines.map(machine => Object.keys(machine).filter(key => ['alias', 'previousVersion', 'granted', 'error', 'mac'].includes(key)))
  t.same(keys, [['alias', 'granted'], ['error'], ['previousVersion']], 'what there is none of is not shown')
  const state = async (): Promise<unknown> => ((await ask('GET', '/v1/updates'))[1] as { groups: Array<{ state: string }> }).groups[0]?.state
  t.match(await ask('POST', '/v1/updates/workers/pause'), [200, { paused: true }])
  t.equal(await state(), 'paused')
  t.match(await ask('POST', '/v1/updates/workers/resume'), [200, { paused: false }])
  t.equal(await state(), 'going on')
  t.match(await ask('POST', '/v1/updates/workers/approve?version=4230.2.2'), [200, { approved: ['4230.2.2'] }])
  t.match(await ask('POST', '/v1/updates/workers/approve'), [400, { error: 'approve takes a version, such as ?version=4230.2.1' }])
  for (const what of ['pause', 'resume', 'approve?version=1']) t.match(await ask('POST', `/v1/updates/nobody/${what}`), [404, { error: /no group nobody/ }])

  await reboots.lock('workers', 'm1', '10.0.0.1')
  clock.advance(1500)
  t.match(await ask('GET', '/v1/reboots'), [200, [
    { group: 'gone', slots: 0, id: 'm8' },
    { group: 'workers', slots: 2, id: 'm1', address: '10.0.0.1', since: '2026-11-27T10:00:00.000Z', seconds: 2 }
  ]])
  store.isFull = true
  t.match(await ask('POST', '/v1/reboots/m1/release'), [503, { code: 'disk_full' }], 'it is on disk before it is told')
  store.isFull = false
  t.same(await ask('POST', '/v1/reboots/m1/release'), [200, { id: 'm1', groups: ['workers'], released: true }])
  t.match(await ask('POST', '/v1/reboots/m1/release'), [404, { error: /holds no slot/ }])
})

t.test('a machine is shown with what there is of it, and its update', async t => {
  const bench = new UpdateBench([group()], ['4230.2.2'])
  t.teardown(() => { bench.updates.close() })
  bench.macs.set('192.168.100.9', mac)
  await bench.offered('m1', '4230.2.1')
  const { ask, registry } = control(t, { updateOf: (...of) => bench.updates.instanceOf(...of) })
  registry.record({ mac: macOf(2), stage: 'script', at })
  for (const [stage, after] of [['discover', 0], ['script', 1000], ['installed', 2000], ['discover', 900_000]] as const) registry.record({ mac, stage, at: at + after })
  const [, shown] = await ask('GET', `/v1/machines/${mac}`)
  t.match(shown, {
    mac,
    installedAt: '2026-01-01T00:00:02.000Z',
    history: [{ at: '2026-01-01T00:00:00.000Z' }],
    timeline: [{ stage: 'discover', at: '2026-01-01T00:15:00.000Z', ms: 0 }],
    update: { id: 'm1', group: 'workers', version: '4230.2.1', status: 'granted', granted: '4230.2.2' }
  })
  const [, other] = await ask('GET', `/v1/machines/${macOf(2)}`)
  for (const key of ['installedAt', 'history', 'update']) t.notOk(key in (other as object), key)
})

t.test('images are what the list says, to the octet', async t => {
  const { app, ask } = control(t)
  const octets = Buffer.from('xx[{"a":1}]yy')
  registerImageRoute(app, async () => new Uint8Array(octets.buffer, octets.byteOffset + 2, octets.length - 4))
  t.same(await ask('GET', '/v1/images'), [200, [{ a: 1 }]])
})

t.test('without groups it says so', async t => {
  const { ask } = control(t)
  for (const path of ['updates', 'updates/g/pause', 'reboots', 'reboots/m/release']) {
    for (const method of ['GET', 'POST'] as const) t.match(await ask(method, `/v1/${path}`), [404, { error: /no groups are configured/ }], `${method} ${path}`)
  }
})

t.test('a body of 64 KiB, and no more', async t => {
  const { app } = control(t)
  const post = async (octets: number): Promise<number> => (await app.inject({
    method: 'POST', url: `/v1/machines/${mac}/state`, payload: `{"state":"${'x'.repeat(octets - 12)}"}`, headers: { 'content-type': 'application/json' }
  })).statusCode
  t.equal(await post(64 * 1024), 400)
  t.equal(await post(64 * 1024 + 1), 413)
})

t.test('the socket: a path that it may have, and nobody else\'s', async t => {
  const folder = shortFolder(t)
  t.doesNotThrow(() => { assertSocketPath(`/${'x'.repeat(106)}`) })
  t.throws(() => { assertSocketPath(`/${'x'.repeat(107)}`) }, { code: 'config_invalid', message: /longer than the 107 bytes/ })
  t.throws(() => { assertSocketPath('ä'.repeat(54), 'other') }, { message: /^other: / })
  const file = join(folder, 'file')
  writeFileSync(file, 'kept')
  symlinkSync('file', join(folder, 'link'))
  for (const name of ['file', 'link']) await t.rejects(assertNothingElse(join(folder, name)), { code: 'config_invalid', message: /is no socket/ }, name)
  await assertNothingElse(join(folder, 'absent'))
  const path = join(folder, 'sock')
  const { app } = control(t)
  t.equal(await isSocketAnswered(path), false)
  await listenControl(app, path)
  t.equal(statSync(path).mode & 0o777, 0o660)
  t.equal(await isSocketAnswered(path), true)
  await assertNothingElse(path)
  await t.rejects(listenControl(control(t).app, path), { code: 'address_in_use', message: /another appliance runs/ })
  await t.rejects(listenControl(control(t).app, file), { code: 'config_invalid' })
  t.ok(existsSync(file))
  await t.rejects(listenControl(control(t).app, join(folder, 'no/where')), { code: 'socket_failed', message: /cannot listen on .*control_socket/ })
})
