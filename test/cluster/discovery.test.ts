// The discovery service on a store in memory and a clock that stands: what etcd's v2 keys API answers, and what strangers can make it hold.
import t from 'tap'
import { AppError } from '../../src/base/errors.js'
import { Discovery, type DiscoveryEvent } from '../../src/cluster/discovery.js'
import { discoveryLimits, sizeIn } from '../../src/cluster/discovery-limits.js'
import { applyChange, type DiscoveryChange, type DiscoveryState, type DiscoveryStore, type DiscoveryToken, firstIndex } from '../../src/cluster/discovery-store.js'
import type { KeysAnswer } from '../../src/cluster/keys-answer.js'
import { FakeClock } from '../helpers/fake-clock.js'

class MemoryStore implements DiscoveryStore {
  readonly changes: DiscoveryChange[] = []
  isFull = false
  load = async (): Promise<DiscoveryState> => this.state
  close = async (): Promise<void> => {}
  put = async (change: DiscoveryChange): Promise<boolean> => {
    if (this.isFull) throw new AppError('disk_full', 'no space left')
    this.changes.push(change)
    return true
  }

  get state (): DiscoveryState {
    const tokens = new Map<string, DiscoveryToken>()
    for (const change of this.changes) applyChange(tokens, change)
    return { index: this.changes.at(-1)?.index ?? firstIndex, tokens }
  }
}

class Bench {
  readonly clock = new FakeClock(Date.parse('2026-11-28T10:00:00Z'))
  readonly store = new MemoryStore()
  readonly events: DiscoveryEvent[] = []
  readonly macs = new Map<string, string>()
  #made = 0
  discovery = this.start()

  mostTokens: number | undefined
  mostMembers: number | undefined

  start (): Discovery {
    this.discovery = new Discovery({
      store: this.store,
      before: this.store.state,
      clock: this.clock,
      ...this.mostTokens !== undefined && { mostTokens: this.mostTokens },
      ...this.mostMembers !== undefined && { mostMembers: this.mostMembers },
      macOf: address => this.macs.get(address),
      makeToken: () => (++this.#made).toString(16).padStart(32, '0'),
      onEvent: event => { this.events.push(event) }
    })
    return this.discovery
  }
}

const join = async ({ discovery }: Bench, token: string, id: string, from = '192.0.2.1'): Promise<KeysAnswer> =>
  await discovery.putMember(token, id, `m${id}=http://${from}:2380`, false, from)

/** What is told to a wait, once it is. */
function waiter (bench: Bench, token: string, key: string, from: number | undefined, recursive = false): { told: KeysAnswer | undefined, cancel: () => void } {
  const waiting: { told: KeysAnswer | undefined, cancel: () => void } = { told: undefined, cancel: () => {} }
  waiting.cancel = bench.discovery.wait({ key, recursive }, token, from, answer => { waiting.told = answer })
  return waiting
}

t.test('the answers have the shapes of etcd 3.4', async t => {
  const bench = new Bench()
  const { discovery } = bench
  const token = await discovery.newToken(3, '192.0.2.1')
  const key = `/_etcd/registry/${token}`
  t.same(discovery.size(token), { status: 200, index: 4, body: { action: 'get', node: { key: `${key}/_config/size`, value: '3', modifiedIndex: 4, createdIndex: 4 } } })
  t.same(discovery.list(token), { status: 200, index: 4, body: { action: 'get', node: { key, dir: true, modifiedIndex: 4, createdIndex: 4 } } }, 'no nodes where there are none')
  const one = { key: `${key}/a1`, value: 'ma1=http://192.0.2.1:2380', modifiedIndex: 5, createdIndex: 5 }
  t.same(await join(bench, token, 'a1'), { status: 201, index: 5, body: { action: 'create', node: one } })
  t.same(await join(bench, token, 'a1'), { status: 412, index: 5, body: { errorCode: 105, message: 'Key already exists', cause: `${key}/a1`, index: 5 } })
  t.same(discovery.list(token).body, { action: 'get', node: { key, dir: true, nodes: [one], modifiedIndex: 4, createdIndex: 4 } })
  t.same(discovery.list('nope'), { status: 404, index: 5, body: { errorCode: 100, message: 'Key not found', cause: '/_etcd/registry/nope', index: 5 } })
  t.match(discovery.member(token, 'b2'), { status: 404, body: { errorCode: 100, cause: `${key}/b2` } })
  const two = { ...one, value: 'x=http://192.0.2.2:2380', modifiedIndex: 6 }
  t.same(await discovery.putMember(token, 'a1', two.value, true, ''), { status: 200, index: 6, body: { action: 'update', node: two, prevNode: one } })
  t.same(await discovery.putMember(token, 'a1', two.value, undefined, ''), {
    status: 200, index: 7, body: { action: 'set', node: { ...two, modifiedIndex: 7, createdIndex: 7 }, prevNode: two }
  })
  t.match(await discovery.putMember(token, 'zz', two.value, true, ''), { status: 404, body: { errorCode: 100 } })
  t.same(await discovery.deleteMember(token, 'a1'), {
    status: 200, index: 8, body: { action: 'delete', node: { key: `${key}/a1`, modifiedIndex: 8, createdIndex: 7 }, prevNode: { ...two, modifiedIndex: 7, createdIndex: 7 } }
  })
  t.match(await discovery.putSize(token, '5'), { status: 200, index: 9, body: { action: 'set', node: { value: '5' }, prevNode: { value: '3' } } })
  for (const value of ['0', '-1', '101', '3x', '', '1e1', '00000000003']) t.match(await discovery.putSize(token, value), { status: 400, body: { errorCode: 209 } }, value)
})

t.test('a member is told at once of its own joining, and then of each that follows', async t => {
  const bench = new Bench()
  const token = await bench.discovery.newToken(3, '192.0.2.1')
  const key = `/_etcd/registry/${token}`
  await join(bench, token, 'a1')
  t.match(waiter(bench, token, `${key}/a1`, 5).told, { status: 200, body: { action: 'create', node: { key: `${key}/a1` } } })
  const next = waiter(bench, token, key, 6, true)
  const gone = waiter(bench, token, key, 6, true)
  const other = waiter(bench, token, `${key}/c3`, 6)
  t.equal(bench.discovery.waiting, 3)
  gone.cancel()
  await join(bench, token, 'b2')
  t.match(next.told, { body: { action: 'create', node: { key: `${key}/b2`, modifiedIndex: 6 } } })
  t.equal(gone.told, undefined, 'nobody waits there any more')
  t.equal(other.told, undefined, 'it waits for another key')
  await join(bench, token, 'c3')
  t.match(other.told, { body: { node: { key: `${key}/c3` } } })
  t.equal(bench.discovery.waiting, 0)
})

t.test('a wait for what is to come is not told of what comes before it', async t => {
  const bench = new Bench()
  const token = await bench.discovery.newToken(3, '192.0.2.1')
  const key = `/_etcd/registry/${token}`
  const later = waiter(bench, token, key, 6, true)
  await join(bench, token, 'a1')
  t.equal(later.told, undefined, 'in a fleet another provisioner told it already')
  await join(bench, token, 'b2')
  t.match(later.told, { status: 200, body: { node: { modifiedIndex: 6, key: `${key}/b2` } } })
})

t.test('what was said before a restart is told after it, and no index is used again', async t => {
  const bench = new Bench()
  const token = await bench.discovery.newToken(2, '192.0.2.1')
  const key = `/_etcd/registry/${token}`
  await join(bench, token, 'a1')
  await join(bench, token, 'b2')
  await bench.discovery.deleteMember(token, 'b2')
  bench.start()
  t.match(waiter(bench, token, `${key}/a1`, 5).told, { body: { action: 'create', node: { createdIndex: 5 } } })
  t.match(await join(bench, token, 'c3'), { status: 201, index: 8 })
})

t.test('a wait for what is older than the thousand events that are kept is refused', async t => {
  const bench = new Bench()
  const token = await bench.discovery.newToken(2, '192.0.2.1')
  const key = `/_etcd/registry/${token}`
  for (let i = 0; i < 2100; i++) await bench.discovery.putMember(token, 'a1', `m=${i}`, undefined, '')
  t.match(waiter(bench, token, key, 5, true).told, { status: 400, body: { errorCode: 401 } })
  t.match(waiter(bench, token, key, bench.discovery.state.index - 500, true).told, { status: 200, body: { action: 'set' } })
})

t.test('of the last thousand events each is told, whenever it is asked for', async t => {
  const bench = new Bench()
  const token = await bench.discovery.newToken(2, '192.0.2.1')
  const key = `/_etcd/registry/${token}`
  const missed: number[] = []
  for (let i = 0; i < 2500; i++) {
    await bench.discovery.putMember(token, 'a1', `m=${i}`, undefined, '')
    const oldest = bench.discovery.state.index - 999
    if (i < 1000) continue
    const { told } = waiter(bench, token, key, oldest, true)
    if ((told?.body as { readonly node?: { readonly modifiedIndex: number } } | undefined)?.node?.modifiedIndex !== oldest) missed.push(oldest)
  }
  t.same(missed, [])
})

t.test('what could not be kept was not done', async t => {
  const bench = new Bench()
  const token = await bench.discovery.newToken(2, '192.0.2.1')
  bench.store.isFull = true
  await t.rejects(join(bench, token, 'a1'), { code: 'disk_full' })
  await t.rejects(bench.discovery.newToken(2, '192.0.2.1'), { code: 'disk_full' })
  t.equal(bench.discovery.state.tokens.get(token)?.members.size, 0)
  bench.store.isFull = false
  t.match(await join(bench, token, 'a1'), { status: 201, index: 5 })
})

t.test('two that join at once under one id: the second is told no', async t => {
  const bench = new Bench()
  const token = await bench.discovery.newToken(2, '192.0.2.1')
  const [first, second] = await Promise.all([join(bench, token, 'a1'), join(bench, token, 'a1')])
  t.same([first.status, second.status], [201, 412])
})

t.test("a cluster's token is made once, follows its size, and loses who is installed anew", async t => {
  const bench = new Bench()
  const [token, same] = await Promise.all([bench.discovery.tokenOf('main', 3), bench.discovery.tokenOf('main', 3)])
  t.equal(same, token)
  t.equal(await bench.start().tokenOf('main', 5), token, 'also after a restart')
  t.match(bench.discovery.size(token).body, { node: { value: '5' } })
  t.not(await bench.discovery.tokenOf('other', 3), token)
  bench.macs.set('192.0.2.1', '52:54:00:00:00:01').set('192.0.2.2', '52:54:00:00:00:02')
  await join(bench, token, 'a1', '192.0.2.1')
  await join(bench, token, 'b2', '192.0.2.2')
  await bench.discovery.forget('52:54:00:00:00:01', 'main')
  await bench.discovery.forget('52:54:00:00:00:02', 'other')
  t.same([...bench.discovery.state.tokens.get(token)!.members.keys()], ['b2'])
  t.match(await join(bench, token, 'a1', '192.0.2.1'), { status: 201 }, 'it may join again')
})

t.test('an address has its share of tokens: of its own, the one that nobody joined goes first', async t => {
  const bench = new Bench()
  const { tokensPerAddress, unused } = discoveryLimits
  const kept = await bench.discovery.newToken(3, '192.0.2.9')
  const first = await bench.discovery.newToken(3, '192.0.2.1')
  await join(bench, first, 'a1')
  for (let i = 1; i < 2 * tokensPerAddress; i++) {
    bench.clock.advance(1)
    await bench.discovery.newToken(3, '192.0.2.1')
  }
  t.equal(bench.discovery.state.tokens.size, tokensPerAddress + 1)
  t.ok(bench.discovery.state.tokens.has(first), 'it has a member')
  t.ok(bench.discovery.state.tokens.has(kept), "it is another's")
  for (const { token, from } of [...bench.discovery.state.tokens.values()]) if (from === '192.0.2.1' && token !== first) await join(bench, token, 'a1')
  await t.rejects(bench.discovery.newToken(3, '192.0.2.1'), { code: 'discovery_full', message: /100 of 192\.0\.2\.1/ })
  const cluster = await bench.discovery.tokenOf('main', 3)
  bench.clock.advance(unused + 1000)
  const fresh = await bench.discovery.newToken(3, '192.0.2.1')
  t.same([...bench.discovery.state.tokens.keys()], [cluster, fresh], 'what nobody used for a month is forgotten, but not what a group names')
})

t.test('members, values and sizes are bounded', async t => {
  const bench = new Bench()
  const token = await bench.discovery.newToken(3, '192.0.2.1')
  t.match(await bench.discovery.putMember(token, 'a', 'x'.repeat(discoveryLimits.valueOctets), false, ''), { status: 201 })
  t.match(await bench.discovery.putMember(token, 'b', 'ä'.repeat(discoveryLimits.valueOctets / 2 + 1), false, ''), { status: 400, body: { errorCode: 209 } })
  for (let i = 1; i < discoveryLimits.members; i++) t.equal((await join(bench, token, `m${i}`)).status, 201)
  t.match(await join(bench, token, 'more'), { status: 400, body: { errorCode: 209 } })
  t.equal(sizeIn(String(discoveryLimits.largestSize)), discoveryLimits.largestSize)
  t.equal(sizeIn(String(discoveryLimits.largestSize + 1)), undefined)
})

t.test('when all tokens are taken the network with most loses one: whoever comes late has his', async t => {
  const bench = new Bench()
  bench.mostTokens = 6
  bench.start()
  const mine = await bench.discovery.newToken(3, '192.0.2.9')
  const flood: string[] = []
  for (let i = 0; i < 5; i++) {
    bench.clock.advance(1)
    flood.push(await bench.discovery.newToken(3, '192.0.2.1'))
    await join(bench, flood[i]!, 'a1')
  }
  const late = await bench.discovery.newToken(3, '192.0.2.10')
  t.same([...bench.discovery.state.tokens.keys()].sort(), [mine, late, ...flood.slice(1)].sort(), 'the one used longest ago of who has most')
  const again = await bench.discovery.newToken(3, '192.0.2.1')
  t.ok(bench.discovery.state.tokens.has(again), 'who has most gives way to himself')
  t.ok(bench.discovery.state.tokens.has(mine))
  t.equal(bench.discovery.state.tokens.size, 6)
})

t.test('members below all tokens of an address, and below all there are, are bounded', async t => {
  const bench = new Bench()
  const { members, membersPerAddress } = discoveryLimits
  const full: string[] = []
  for (let joined = 0; joined < membersPerAddress; joined++) {
    if (joined % members === 0) full.push(await bench.discovery.newToken(3, '192.0.2.1'))
    t.equal((await join(bench, full.at(-1)!, `m${joined}`)).status, 201)
  }
  const [more, other] = [await bench.discovery.newToken(3, '192.0.2.1'), await bench.discovery.newToken(3, '192.0.2.9')]
  await t.rejects(join(bench, more, 'a1', '192.0.2.7'), { code: 'discovery_full', message: /2000 by tokens of 192\.0\.2\.1/ }, 'whoever joins')
  t.equal((await join(bench, other, 'a1', '192.0.2.1')).status, 201, "another's token has room")
  bench.clock.advance(1)
  t.equal((await bench.discovery.putMember(full[0]!, 'm0', 'm0=http://192.0.2.2:2380', true, '192.0.2.2')).status, 200, 'who has joined may say otherwise')
  t.equal((await join(bench, await bench.discovery.tokenOf('main', 3), 'a1')).status, 201, 'what a group names is not counted')

  bench.mostMembers = membersPerAddress + 1
  bench.start()
  bench.clock.advance(1)
  t.equal((await join(bench, other, 'a2')).status, 201)
  t.notOk(bench.discovery.state.tokens.has(full[1]!), 'who has most loses the token that was used longest ago')
  t.equal(bench.discovery.state.tokens.size, full.length + 2)
})
