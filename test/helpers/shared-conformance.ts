// What has to hold of all else that provisioners keep and may share, whatever stands behind it: updates and reboots, uses of guard tokens,
// members of new etcd clusters, groups that enrolment adds. Another kind of place passes these before anything stands on it.
import type { Test } from 'tap'
import type { Discovery } from '../../src/cluster/discovery.js'
import { memberKey, tokenKey, type KeysAnswer } from '../../src/cluster/keys-answer.js'
import type { GuardKeeper, GuardLimits } from '../../src/matchbox/guard.js'
import type { Store } from '../../src/matchbox/store.js'
import type { Reboots } from '../../src/updates/reboots.js'
import type { UpdateStore } from '../../src/updates/update-store.js'
import type { Mac } from '../../src/net/mac.js'
import type { Enrolment } from '../../src/wiring/enrolment.js'
import { mac } from './dhcp.js'
import type { FakeClock } from './fake-clock.js'
import { until } from './until.js'
import type { UpdateBench } from './update-store.js'

/** Where several instances of one thing keep it, each as a process of its own does. */
export interface Place<T> {
  /** One more, which knows what is kept; closed in a teardown. One that is left as it is was killed, as far as the next one can tell. */
  readonly open: () => Promise<T>
  /** How many may be at work at once. */
  readonly atOnce: number
}

/** `clock` is that of all that were opened. */
export interface ClockedPlace<T> extends Place<T> { readonly clock: FakeClock }

/** An empty place for each test. */
type MakePlace<T> = (t: Test) => Place<T>
type MakeClockedPlace<T> = (t: Test) => ClockedPlace<T>

export const card = (n: number): Mac => mac(`52:54:00:00:00:${n.toString(16).padStart(2, '0')}`)

const opened = async <T>({ open, atOnce }: Place<T>): Promise<readonly T[]> => {
  const all: T[] = []
  while (all.length < atOnce) all.push(await open())
  return all
}

/** One of those at work, each in turn. */
const nth = <T>(all: readonly T[], n: number): T => all[n % all.length]!

export interface UpdateSite { readonly store: UpdateStore, readonly reboots: Reboots, readonly bench: UpdateBench }

/** The group `workers` has three slots, and four machines of it may begin to update in a period, from 1.0.0 to 2.0.0. */
export async function updateConformance (t: Test, place: MakePlace<UpdateSite>): Promise<void> {
  const address = '10.0.0.1'

  await t.test('reboot slots: as many hold one as there are, and before they are told so it is kept', async t => {
    const at = place(t)
    const sites = await opened(at)
    const lock = (n: number): ReturnType<Reboots['lock']> => nth(sites, n).reboots.lock('workers', `m${n}`, address)
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => lock(n)))
    const winners = answers.flatMap((answer, n) => answer === undefined ? [n] : [])
    t.equal(winners.length, 3, `${winners.join(' ')}`)
    t.same(new Set(answers.map(answer => answer?.kind)), new Set([undefined, 'failed_lock_semaphore_full']))
    const next = await at.open()
    const held = (site: UpdateSite): readonly string[] => (site.reboots.holders.get('workers') ?? []).map(({ id }) => id).sort()
    t.same(held(next), winners.map(n => `m${n}`).sort(), 'by the next one too, though none was closed')
    const [first, second] = winners as [number, number]
    t.equal(await next.reboots.lock('workers', `m${first}`, address), undefined, 'whoever holds one holds it at the next one')
    t.match(await next.reboots.lock('workers', 'late', address), { kind: 'failed_lock_semaphore_full' })
    t.match(await next.reboots.lock('strangers', 'm1', address), { kind: 'unknown_group' })
    t.equal(await next.reboots.unlock('workers', 'late', address), false, 'nobody gives back what he does not hold')

    t.equal(await next.reboots.unlock('workers', `m${first}`, address), true)
    t.equal(await next.reboots.release('workers', `m${second}`), true)
    const after = await at.open()
    t.equal(held(after).length, 1, 'nor does what was given back come back')
    const again = await Promise.all(['a', 'b', 'c', 'd'].map(id => after.reboots.lock('workers', id, address)))
    t.equal(again.filter(answer => answer === undefined).length, 2)
    t.equal(held(await at.open()).length, 3)
  })

  await t.test('grants: no more in a period than may begin, counted on after a restart', async t => {
    const at = place(t)
    const sites = await opened(at)
    const offered = await Promise.all(Array.from({ length: 10 }, (_, n) => nth(sites, n).bench.offered(`m${n}`, '1.0.0', {}, `10.0.1.${n}`)))
    t.same(offered.toSorted(), [...Array(4).fill('2.0.0') as string[], ...Array(6).fill('noupdate') as string[]])
    const granted = offered.indexOf('2.0.0')
    const next = await at.open()
    t.equal(await next.bench.offered('late', '1.0.0', {}, '10.0.1.99'), 'noupdate', 'the next one counts them')
    t.equal(await next.bench.offered(`m${granted}`, '1.0.0', {}, `10.0.1.${granted}`), '2.0.0', 'the same once more, which is no further one')
    await next.bench.say(`m${granted}`, '2.0.0', 3, 2, { previousVersion: '1.0.0' }, `10.0.1.${granted}`)
    const after = await at.open()
    t.equal(after.bench.updates.state.instances.get(`m${granted}`)?.status, 'complete')
    t.equal(after.bench.updates.state.instances.size, 11, 'each of those that asked, once')
  })

  await t.test('what an operator said of a group stands for all, and after a restart', async t => {
    const at = place(t)
    const sites = await opened(at)
    await Promise.all(Array.from({ length: 4 }, (_, n) => nth(sites, n).bench.updates.approve('workers', `3.${n}.0`)))
    await nth(sites, 0).bench.updates.pause('workers')
    await until('all know', () => sites.every(({ bench }) => bench.updates.groupState('workers').approved.length === 4 && bench.updates.groupState('workers').paused))
    const next = await at.open()
    t.match(next.bench.updates.groupState('workers'), { paused: true })
    t.same(next.bench.updates.groupState('workers').approved.toSorted(), ['3.0.0', '3.1.0', '3.2.0', '3.3.0'])
    t.equal(await next.bench.offered('m1', '1.0.0', {}, '10.0.1.1'), 'noupdate')
  })

  await t.test('of one thing the last counts, and what is forgotten does not come back', async t => {
    const at = place(t)
    const { store, bench } = await at.open()
    for (const id of ['m1', 'm2']) await bench.ask(id, '1.0.0', { updateCheck: false }, '10.0.1.1')
    for (const [key, instance] of [...bench.updates.state.instances]) {
      t.equal(await store.put({ kind: 'instance', key, instance: key === 'm1' ? null : { ...instance, version: '1.5.0' } }), true)
    }
    t.same([...(await at.open()).bench.updates.state.instances].map(([key, { version }]) => [key, version]), [['m2', '1.5.0']])
  })
}

/** `take` of a keeper, kept first. */
const taken = async (keeper: GuardKeeper, machine: Mac, token: string, limits: GuardLimits): Promise<string | undefined> =>
  keeper.takeKept === undefined ? keeper.take(machine, token, limits) : await keeper.takeKept(machine, token, limits)

export async function guardConformance (t: Test, place: MakeClockedPlace<GuardKeeper>): Promise<void> {
  const [window, machine] = [600_000, card(1)]

  await t.test('a token is good as often as it may be used, for its machine, in time, whoever is asked', async t => {
    const at = place(t)
    const keepers = await opened(at)
    const take = (n: number, token: string, count: number, of = machine): Promise<string | undefined> => taken(nth(keepers, n), of, token, { window, count })
    for (const count of [1, 3]) {
      at.clock.advance(1)
      const token = nth(keepers, count).mint(machine)
      const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => take(n, token, count)))
      t.equal(answers.filter(refusal => refusal === undefined).length, count, answers.join('; '))
      t.match(answers.filter(refusal => refusal !== undefined), Array(8 - count).fill(/used \d times? already/))
    }
    at.clock.advance(1)
    const token = nth(keepers, 0).mint(machine)
    t.match(await take(1, token, 3, card(2)), /not one that was given to this machine/)
    for (const guess of ['', 'x', `${token}A`, `${'0'.repeat(8)}-${'A'.repeat(22)}`]) t.match(await take(1, guess, 3), /guard token/)
    t.equal(await take(1, token, 1), undefined, 'a guess uses nothing up')
    at.clock.advance(1)
    const late = nth(keepers, 0).mint(machine)
    at.clock.advance(window * 2)
    t.match(await take(1, late, 3), /guard_window/)
  })

  await t.test('a token made before a restart is good after it, as often as it was still', async t => {
    const at = place(t)
    const before = await at.open()
    const [fresh, used] = [before.mint(machine), before.mint(card(2))]
    for (let n = 0; n < 2; n++) t.equal(await taken(before, card(2), used, { window, count: 3 }), undefined)
    const after = await at.open()
    t.equal(await taken(after, machine, fresh, { window, count: 1 }), undefined)
    t.equal(await taken(after, card(2), used, { window, count: 3 }), undefined)
    t.match(await taken(after, card(2), used, { window, count: 3 }), /used 3 times already/, 'what was used before counts')
    t.match(await taken(await at.open(), machine, fresh, { window, count: 1 }), /used 1 time already/)
  })
}

export async function discoveryConformance (t: Test, place: MakeClockedPlace<Discovery>): Promise<void> {
  const address = '10.0.0.1'
  const join = (discovery: Discovery, token: string, id: string): Promise<KeysAnswer> => discovery.putMember(token, id, `${id}=http://10.0.0.9:2380`, false, address)
  const membersOf = (discovery: Discovery, token: string): readonly string[] => [...discovery.state.tokens.get(token)?.members.keys() ?? []].sort()

  await t.test('one token of a cluster, no index twice, and before a member is answered it is kept', async t => {
    const at = place(t)
    const sites = await opened(at)
    const tokens = await Promise.all(Array.from({ length: 4 }, (_, n) => nth(sites, n).tokenOf('kube', 3)))
    t.equal(new Set(tokens).size, 1, 'whoever made it')
    const token = tokens[0]!
    const joined = await Promise.all(Array.from({ length: 8 }, (_, n) => join(nth(sites, n), token, `m${n}`)))
    t.same(new Set(joined.map(({ status }) => status)), new Set([201]))
    const indices = joined.map(({ index }) => index)
    t.equal(new Set(indices).size, 8, indices.join(' '))
    const twice = await Promise.all([0, 1].map(n => join(nth(sites, n), token, 'twin')))
    t.same(twice.map(({ status }) => status).sort(), [201, 412], 'of two of one name one joins')

    const next = await at.open()
    t.same(membersOf(next, token), [...Array.from({ length: 8 }, (_, n) => `m${n}`), 'twin'])
    t.equal(next.knownTokenOf('kube'), token)
    t.match(await join(next, token, 'm3'), { status: 412 })
    const heard = await new Promise<KeysAnswer>(resolve => { next.wait({ key: tokenKey(token), recursive: true }, token, Math.min(...indices), resolve) })
    t.match(heard, { status: 200, body: { action: 'create', node: { modifiedIndex: Math.min(...indices) } } }, 'it tells of what was before it')
  })

  await t.test('who waits is told once, wherever the member joined', async t => {
    const at = place(t)
    const sites = await opened(at)
    const token = await nth(sites, 0).newToken(3, address)
    await until('all know', () => sites.every(({ state }) => state.tokens.has(token)))
    const told: KeysAnswer[][] = sites.map(() => [])
    for (const [n, site] of sites.entries()) site.wait({ key: tokenKey(token), recursive: true }, token, site.state.index + 1, answer => { told[n]!.push(answer) })
    const { index } = await join(nth(sites, 1), token, 'a')
    await join(nth(sites, 0), token, 'b')
    await until('all know', () => sites.every(site => membersOf(site, token).length === 2))
    for (const answers of told) t.match(answers, [{ body: { action: 'create', node: { key: memberKey(token, 'a'), modifiedIndex: index } } }])
    t.same(told.map(answers => answers.length), sites.map(() => 1))
  })

  await t.test('what left or was forgotten is gone after a restart, and its index is given to nobody else', async t => {
    const at = place(t)
    const first = await at.open()
    const token = await first.tokenOf('kube', 3)
    const asked = await first.newToken(3, address)
    await join(first, token, 'a')
    await join(first, asked, 'b')
    const { index } = await first.deleteMember(token, 'a')
    const second = await at.open()
    t.same(membersOf(second, token), [])
    t.equal((await join(second, token, 'c')).index, index + 1)
    t.equal(await second.tokenOf('kube', 5), token, 'another size')
    at.clock.advance(31 * 24 * 3_600_000)
    const other = await second.newToken(3, address)
    const { index: last } = second.state
    const third = await at.open()
    t.same(new Set(third.state.tokens.keys()), new Set([token, other]))
    t.equal(third.state.tokens.get(token)?.size, 5)
    t.match(third.list(asked), { status: 404 })
    t.equal((await join(third, other, 'd')).index, last + 1)
    t.match(await third.putMember(other, 'd', 'x'.repeat(3000), undefined, address), { status: 400 })
  })
}

export interface EnrolmentSite { readonly store: Store, readonly enrolment: Enrolment }

/** Three machines get the profile `core`, all others `default`; names are `n-1` and on, and the range 10.0.0.21 to 10.0.0.28 has eight addresses. */
export async function enrolmentConformance (t: Test, place: MakePlace<EnrolmentSite>): Promise<void> {
  const enrol = async ({ enrolment }: EnrolmentSite, n: number): Promise<string | undefined> =>
    await enrolment.enrol?.(new Map([['mac', card(n) as string], ['serial', `S${n}`]]), `10.0.1.${n}`)
  const groupsOf = ({ store }: EnrolmentSite) => [...store.snapshot.groups.values()].map(({ id, profile, metadata }) => ({ id, profile, ip: metadata?.get('ip') })).sort((a, b) => a.id < b.id ? -1 : 1)

  await t.test('machines that come at once share no name, address or place; those for whom nothing is left get none', async t => {
    const at = place(t)
    const sites = await opened(at)
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => enrol(nth(sites, n), n)))
    t.equal(answers.filter(answer => answer === undefined).length, 8, answers.join('; '))
    t.match(answers.filter(answer => answer !== undefined), [/range has no free address/, /range has no free address/])
    const next = await at.open()
    const groups = groupsOf(next)
    t.same(groups.map(({ id }) => id), Array.from({ length: 8 }, (_, n) => `n-${n + 1}`), 'kept before anybody was told')
    t.same(groups.map(({ ip }) => ip).sort(), Array.from({ length: 8 }, (_, n) => `10.0.0.${21 + n}`))
    t.equal(groups.filter(({ profile }) => profile === 'core').length, 3)
    t.equal(await enrol(next, answers.indexOf(undefined)), undefined, 'whoever was enrolled is already')
    t.match(await next.enrolment.enrol?.(new Map([['mac', card(30) as string]]), '10.0.1.99'), /not known to be the address/)
    t.same(groupsOf(next), groups)
  })

  await t.test('one machine that asks everywhere is enrolled once; what a person names is taken by nobody else', async t => {
    const at = place(t)
    const sites = await opened(at)
    t.same(await Promise.all(Array.from({ length: 4 }, (_, n) => enrol(nth(sites, n), 1))), [undefined, undefined, undefined, undefined])
    const adopted = await Promise.all([2, 3].map(n => nth(sites, n).enrolment.adopt({ mac: card(n), name: `db${n}`, ip: '10.0.0.22', profile: 'core' })))
    const names = adopted.flatMap(answer => 'group' in answer ? [answer.group.id] : [])
    t.equal(names.length, 1, 'one address under two names')
    t.equal(await enrol(nth(sites, 1), 4), undefined)
    const next = await at.open()
    t.same(groupsOf(next).map(({ id, ip }) => `${id} ${String(ip)}`), [`${names[0]} 10.0.0.22`, 'n-1 10.0.0.21', 'n-2 10.0.0.23'])
    t.match(await next.enrolment.adopt({ mac: card(9), name: 'N-1', ip: undefined, profile: 'core' }), { refusal: /is the name of another/ })
    t.match(await next.enrolment.adopt({ mac: card(1), name: 'other', ip: undefined, profile: 'core' }), { refusal: /already/ })
  })

  await t.test('a group that was deleted makes room, at each of them', async t => {
    const at = place(t)
    const sites = await opened(at)
    for (const n of [1, 2]) t.equal(await enrol(nth(sites, n), n), undefined)
    await nth(sites, 0).store.deleteGroup('n-1')
    const next = await at.open()
    t.equal(await enrol(next, 3), undefined)
    t.same(groupsOf(await at.open()).map(({ id, ip }) => `${id} ${String(ip)}`), ['n-1 10.0.0.21', 'n-2 10.0.0.22'])
  })
}
