// Provisioners that share an etcd, put together as serve does: what one tells and decides of the others, and what its end waits for.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLog } from '../../src/base/log.js'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { Metrics } from '../../src/base/metrics.js'
import type { AppError } from '../../src/base/errors.js'
import { type LoadedConfig, loadConfig } from '../../src/config/load.js'
import { type Cluster, type ClusterOptions, openCluster, storeOf } from '../../src/wiring/cluster.js'
import { openGuard } from '../../src/wiring/guard.js'
import { homesOf } from '../../src/wiring/homes.js'
import { openShelf } from '../../src/wiring/store-transfer.js'
import type { Machine } from '../../src/machines/machine.js'
import { mac } from '../helpers/dhcp.js'
import { type EtcdCluster, startEtcd } from '../helpers/etcd.js'
import { freePort } from '../helpers/free-port.js'
import { logLines } from '../helpers/log-lines.js'
import { makeGroup } from '../helpers/memory-store.js'
import { needs } from '../helpers/tools.js'
import { until } from '../helpers/until.js'

const quiet = createLog({ level: 'error', pretty: false, destination: logLines().stream })
const card = mac('52:54:00:00:00:01')
const raise = (error: AppError): never => { throw error }

function configured (t: Test, name: string, endpoints: readonly string[], ...set: readonly string[]): LoadedConfig {
  const folder = join(t.testdirName, name)
  mkdirSync(join(folder, 'state'), { recursive: true })
  return loadConfig({
    file: undefined,
    defaultFile: '/nowhere',
    env: {},
    set: [`data_path=${folder}`, `state_path=${folder}/state`, 'assets_path=', 'rpc.address=', `cluster.name=${name}`, `cluster.etcd.endpoints=[${endpoints.join(', ')}]`, ...set]
  })
}

async function opened (t: Test, name: string, { endpoints }: Pick<EtcdCluster, 'endpoints'>, more: Partial<ClusterOptions> = {}): Promise<Cluster> {
  const cluster = await openCluster(configured(t, name, endpoints), { clock: systemClock, log: quiet, live: true, onProblem: raise, ...more })
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= cluster.close())
  t.teardown(close)
  return { ...cluster, close }
}

const appearing = async (cluster: Cluster, n: number): Promise<void> => {
  await cluster.appear(() => ({ address: `http://10.0.0.${n}:8080`, addresses: [`http://10.0.0.${n}:8080`], httpsPort: 0 }))
}

t.test('who is there, who answers first, and who tells of a machine', async t => {
  if (!needs(t, 'etcd')) return
  t.testdir()
  const etcd = await startEtcd(t)
  const [a, b] = [await opened(t, 'a', etcd), await opened(t, 'b', etcd)]
  t.same([a.name, a.present(), a.addresses(), a.warnings()], ['a', [], [], []])
  await appearing(a, 1)
  await appearing(b, 2)
  await until('both know both', () => a.present().length === 2 && b.present().length === 2)
  t.match(a.present().map(({ name, address }) => `${name} ${address}`), ['a http://10.0.0.1:8080', 'b http://10.0.0.2:8080'])
  t.equal(a.present(), a.present(), 'the same as long as they are the same')
  t.equal(new Set(a.addresses()).size, 2)
  const cards = Array.from({ length: 32 }, (_, n) => mac(`52:54:00:00:01:${n.toString(16).padStart(2, '0')}`))
  t.same(cards.map(card => [a.turn(card, 0), b.turn(card, 0)].sort((x, y) => x - y)), cards.map(() => [0, 250]), 'one at once, the other later')
  t.same(cards.map(card => a.turn(card, 9)), cards.map(() => 0), 'who has asked for long waits for nobody')
  t.ok(cards.every(card => a.tells(card, 'a') && !a.tells(card, 'b') && a.tells(card, undefined)), 'who saw it last tells of it')
  t.same(cards.map(card => Number(a.tells(card, 'gone')) + Number(b.tells(card, 'gone'))), cards.map(() => 1), 'of one whose provisioner is gone one of the others does')

  const metrics = new Metrics()
  a.measure(metrics)
  const text = (await metrics.text()).toString()
  for (const line of ['store_snapshot_age_seconds 0', 'cluster_present 2', 'cluster_in_step 1']) t.match(text, new RegExp(`^${line}$`, 'm'))
  await b.close()
  await until('who ended is gone', () => a.present().length === 1)

  t.match(await a.look(), { amiss: [], isComplete: true })
  await etcd.members[0]!.stop()
  await until('it is away', () => !a.state.standing.inStep)
  t.match(a.warnings(), [/^degraded: machines are served from what was known \d+ s ago, nothing new is taken: ./])
  t.equal(a.warnings().length, 1)
  t.match((await metrics.text()).toString(), /^cluster_in_step 0$/m)
  t.match(await a.look(), { amiss: [], isComplete: false }, 'that it is away is told elsewhere')
  await t.rejects(a.settleMachine(card), { code: 'etcd_away' })
})

t.test('two of one name warn of each other', async t => {
  if (!needs(t, 'etcd')) return
  t.testdir()
  const etcd = await startEtcd(t)
  // Each says every five seconds that it is there.
  const clock: Clock = { ...systemClock, every: (milliseconds, fire) => systemClock.every(milliseconds / 100, fire) }
  const [one, two] = [await opened(t, 'a', etcd, { clock }), await openCluster(configured(t, 'a', etcd.endpoints, `state_path=${t.testdirName}/other`), { clock, log: quiet, live: true, onProblem: raise })]
  await appearing(one, 1)
  await appearing(two, 2)
  await until('it is told', () => [one, two].some(({ warnings }) => warnings().some(text => /^another provisioner is called a too, at http:\/\/10\.0\.0\.[12]:8080: give each its own cluster\.name$/.test(text))))
  await two.close()
})

t.test('what each keeps in etcd the other has: a use of a token, a group, a machine', async t => {
  if (!needs(t, 'etcd')) return
  t.testdir()
  const etcd = await startEtcd(t)
  const [a, b] = [await opened(t, 'a', etcd), await opened(t, 'b', etcd)]
  const guardOf = async (cluster: Cluster) => {
    const { config } = configured(t, cluster.name, etcd.endpoints)
    const ground = { config, homes: homesOf(config), log: quiet, ownAddresses: () => [], cluster }
    return await openGuard({ ground, isAddressOf: () => true, onClose: close => { t.teardown(close) } })
  }
  const [first, second] = [await guardOf(a), await guardOf(b)]
  const token = first.mint(card)
  const limits = { window: 60_000, count: 1 }
  t.equal(await second.takeKept!(card, token, limits), undefined, 'a token of one is taken by the other')
  t.type(await first.takeKept!(card, token, limits), 'string', 'and used up for both')

  const [storeA, storeB] = [storeOf(a, { tombstoneMs: 0, clock: systemClock, log: quiet }), storeOf(b, { tombstoneMs: 0, clock: systemClock, log: quiet })]
  t.teardown(async () => { await Promise.all([storeA.close(), storeB.close()]) })
  await storeA.putGroup(makeGroup({ id: 'g' }))
  await until('the other has it', () => storeB.snapshot.groups.has('g'))

  const seen: string[] = []
  const machines = { own: { load: async () => [], note: () => {}, kept: async () => {}, close: async () => {} }, onForgotten: () => {}, isLeased: () => false }
  const ofA = a.openMachines({ ...machines, onMachine: () => {} } as never)
  const ofB = b.openMachines({ ...machines, onMachine: (machine: Machine) => { seen.push(machine.mac) } } as never)
  await Promise.all([ofA.load(), ofB.load()])
  ofA.shareKept(() => true)
  ofA.note({ mac: card, stage: 'installed', firstSeen: 1, lastSeen: 1, boots: 1, timeline: [] } as never, { step: 'begun', isNews: true, isNamed: true } as never)
  await ofA.kept(card)
  await b.settleMachine(card)
  t.same(seen, [card])
  await Promise.all([ofA.close(), ofB.close()])
})

t.test('one that only looks is told what is amiss, and takes part in nothing', async t => {
  if (!needs(t, 'etcd')) return
  t.testdir()
  const etcd = await startEtcd(t)
  const problems: string[] = []
  const onProblem = ({ message }: AppError): void => { problems.push(message) }
  await (await opened(t, 'a', etcd, { live: false, onProblem })).close()
  t.match(problems, [/./], 'there is no fleet yet')
  problems.length = 0
  const writing = await opened(t, 'b', etcd, { live: false, writes: true, onProblem })
  t.same([problems, writing.present()], [[], []], 'who writes makes one')
  await (await opened(t, 'c', etcd, { live: false, onProblem })).close()
  t.same(problems, [])
  const nobody = { endpoints: [`http://127.0.0.1:${await freePort()}`] }
  await (await opened(t, 'd', nobody, { live: false, onProblem })).close()
  t.match(problems, [/etcd does not answer: .*ECONNREFUSED/])
})

t.test('a store that is carried to etcd, and from it', async t => {
  if (!needs(t, 'etcd')) return
  t.testdir()
  const etcd = await startEtcd(t)
  const loaded = configured(t, 'a', etcd.endpoints)
  const filled = await openShelf(loaded, { log: quiet, fill: true })
  t.match([filled.where, filled.files.size, filled.problems], [/^etcd \//, 0, []])
  const group = Buffer.from('{"id":"g","profile":"p"}')
  await filled.write([{ file: 'groups/g.json', fate: 'added', bytes: group }, { file: 'profiles/p.json', fate: 'added', bytes: Buffer.from('no JSON') }])
  t.throws(() => { filled.check([{ file: 'groups/g.json', fate: 'added', bytes: Buffer.alloc(2 ** 24) }]) }, { code: 'message_too_large' })
  await filled.close()
  const read = await openShelf(loaded, { log: quiet, fill: false })
  t.same([...read.files.keys()].sort(), ['groups/g.json', 'profiles/p.json'])
  t.same(read.files.get('groups/g.json'), group)
  t.match(read.problems, [/profiles\/p.*: /])
  await read.close()

  const folder = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`data_path=${t.testdirName}/shelf`] })
  const shelf = await openShelf(folder, { log: quiet, fill: true })
  t.equal(shelf.where, `${t.testdirName}/shelf`)
  shelf.check([{ file: 'groups/g.json', fate: 'added', bytes: Buffer.alloc(2 ** 24) }])
  await shelf.write([{ file: 'groups/g.json', fate: 'added', bytes: group }])
  await shelf.close()
  t.same([...(await openShelf(folder, { log: quiet, fill: false })).files.keys()], ['groups/g.json'])
  await t.rejects(openShelf(configured(t, 'e', [`http://127.0.0.1:${await freePort()}`]), { log: quiet, fill: true }), { code: 'etcd_away' })
})
