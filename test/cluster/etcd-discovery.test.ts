// Discovery tokens of three provisioners in one etcd: members of one new cluster ask whichever they like.
import { pino } from 'pino'
import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { Discovery } from '../../src/cluster/discovery.js'
import { EtcdDiscovery } from '../../src/cluster/etcd-discovery.js'
import { memberKey, tokenKey, type KeysAnswer } from '../../src/cluster/keys-answer.js'
import type { SharedState } from '../../src/cluster/shared-state.js'
import { type EtcdCluster, startEtcd } from '../helpers/etcd.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { openState } from '../helpers/shared-state.js'
import { until } from '../helpers/until.js'
import { needs } from '../helpers/tools.js'

interface Site { readonly state: SharedState, readonly discovery: Discovery, readonly clock: FakeClock }

async function site (t: Test, etcd: EtcdCluster): Promise<Site> {
  const state = await openState(t, etcd)
  const store = new EtcdDiscovery({ state, log: pino({ level: 'silent' }) })
  t.teardown(() => store.close())
  const clock = new FakeClock()
  const discovery = new Discovery({
    store, before: await store.load(), clock, makeToken: () => randomBytes(16).toString('hex'), macOf: () => undefined, onEvent: () => {}
  })
  return { state, discovery, clock }
}

const waited = ({ discovery }: Site, token: string, from: number): Promise<KeysAnswer> =>
  new Promise(resolve => { discovery.wait({ key: tokenKey(token), recursive: true }, token, from, resolve) })

const namesIn = ({ discovery }: Site, token: string): readonly string[] => {
  const { body } = discovery.list(token)
  return 'node' in body ? (body.node.nodes ?? []).map(({ key }) => key.slice(key.lastIndexOf('/') + 1)).sort() : []
}

t.test('one token, members at three provisioners, all hear of each, no index twice', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await startEtcd(t)
  const sites = [await site(t, etcd), await site(t, etcd), await site(t, etcd)] as const
  const tokens = await Promise.all(sites.map(({ discovery }) => discovery.tokenOf('kube', 3)))
  t.equal(new Set(tokens).size, 1, 'one, whoever made it')
  const token = tokens[0]!
  const first = await sites[0].discovery.putMember(token, 'a1', 'm1=http://10.0.0.1:2380', false, '10.0.0.1')
  t.match(first, { status: 201, body: { action: 'create' } })
  await until('the others know', () => sites.every(one => namesIn(one, token).length === 1))
  const hearing = sites.map(one => waited(one, token, first.index + 1))
  const joined = await Promise.all(Array.from({ length: 12 }, (_, n) => sites[n % 3]!.discovery.putMember(token, `b${n}`, `m${n}=http://10.0.0.${n}:2380`, false, '10.0.0.9')))
  t.equal(new Set(joined.map(({ index }) => index)).size, 12)
  for (const answer of await Promise.all(hearing)) t.match(answer, { status: 200, body: { action: 'create', node: { modifiedIndex: first.index + 1 } } })
  t.match(await sites[1].discovery.putMember(token, 'a1', 'x=y', false, '10.0.0.1'), { status: 412 }, 'prevExist=false, at another')
  await until('all know all', () => sites.every(one => namesIn(one, token).length === 13))
  t.match(await waited(sites[2], token, first.index), { body: { node: { key: memberKey(token, 'a1') } } }, 'from history, at another')
  t.match(await sites[2].discovery.deleteMember(token, 'a1'), { status: 200, body: { action: 'delete' } })
  await until('it is gone', () => sites.every(one => !namesIn(one, token).includes('a1')))
  const late = await site(t, etcd)
  t.same(namesIn(late, token), namesIn(sites[0], token))
  t.equal(late.discovery.state.index, sites[0].discovery.state.index)
  t.equal(await late.discovery.tokenOf('kube', 5), token)
  await until('all know its size', () => sites.every(({ discovery }) => discovery.state.tokens.get(token)?.size === 5))

  const asked = await sites[0].discovery.newToken(3, '10.0.0.0')
  await sites[1].discovery.putMember(asked, 'c', 'c=d', false, '10.0.0.1')
  const never = waited(sites[2], asked, sites[2].discovery.state.index + 100)
  sites[1].clock.advance(31 * 24 * 3_600_000)
  await sites[1].discovery.newToken(3, '10.0.0.0')
  t.match(await never, { status: 404 }, 'what is forgotten is forgotten by all')
  t.equal([...sites[2].state.under('discovery').keys()].filter(key => key.includes(asked)).length, 0)
  t.equal(sites[0].discovery.knownTokenOf('kube'), token)

  await etcd.members[0]!.stop()
  await until('it is away', () => sites.every(({ state }) => !state.standing.inStep))
  await t.rejects(sites[0].discovery.putMember(token, 'z', 'z=z', false, '10.0.0.1'), { code: 'etcd_away' }, 'the member asks again')
  t.equal(namesIn(sites[0], token).length, 12, 'what is known is told')
})
