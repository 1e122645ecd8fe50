// What is kept of updates and reboots: read as it was written, told of by others, taken back where it could not be kept; and what
// machines ask, as it is read.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { readGraphQuery } from '../../src/updates/graph-query.js'
import { newGroupState } from '../../src/updates/policy.js'
import { GroupStates } from '../../src/updates/group-states.js'
import { parseLockRequest } from '../../src/updates/lock-request.js'
import { changeIn, UpdateFile, type UpdateState } from '../../src/updates/update-store.js'
import { MemoryUpdateStore } from '../helpers/update-store.js'

const instance = { id: 'i', group: 'g', version: '1', status: 'idle', lastSeen: 1 } as never
const holder = { group: 'g', id: 'a', address: '10.0.0.1', since: 1 }

t.test('a file of changes: the last of each counts, and it is written anew as it stands', async t => {
  const path = join(t.testdir(), 'updates.jsonl')
  const none: UpdateState = { instances: new Map(), groups: new Map(), holders: new Map() }
  const open = (): UpdateFile => new UpdateFile({ path, log: pino({ level: 'silent' }), current: () => none })
  const store = open()
  t.same(await store.load(), none)
  const state = { ...newGroupState('g'), approved: ['1'] }
  for (const change of [
    { kind: 'instance', key: 'k', instance }, { kind: 'instance', key: 'gone', instance }, { kind: 'instance', key: 'gone', instance: null },
    { kind: 'group', group: newGroupState('g') }, { kind: 'group', group: state }, { kind: 'holders', group: 'g', holders: [] }, { kind: 'holders', group: 'g', holders: [holder] }
  ] as const) t.equal(await store.put(change), true)
  await store.close()
  const loaded = await open().load()
  t.same(loaded, { instances: new Map([['k', instance]]), groups: new Map([['g', state]]), holders: new Map([['g', [holder]]]) })
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll('"status":"idle",', ''))
  t.same((await open().load()).instances, new Map(), 'a line that is no change is none')
})

t.test('what is no change', t => {
  const group = newGroupState('g')
  for (const change of [{ kind: 'instance', key: 'k', instance }, { kind: 'instance', key: 'k', instance: null }, { kind: 'group', group }, { kind: 'holders', group: 'g', holders: [] }, { kind: 'holders', group: 'g', holders: [holder] }]) t.same(changeIn(change), change)
  for (const value of [
    null, 'x', {}, { kind: 'instance', instance }, { kind: 'instance', key: 1, instance }, { kind: 'instance', key: 'k' }, { kind: 'instance', key: 'k', instance: { id: 'i', group: 'g', version: '1' } },
    { kind: 'other', key: 'k', instance }, { kind: 'group' }, { kind: 'group', group: { approved: [] } }, { kind: 'group', group: { name: 'g' } }, { kind: 'other', group },
    { kind: 'holders', holders: [] }, { kind: 'holders', group: 'g' }, { kind: 'holders', group: 'g', holders: [holder, { group: 'g' }] }, { kind: 'other', group: 'g', holders: [] }
  ]) t.equal(changeIn(value), undefined, JSON.stringify(value))
  t.end()
})

t.test('a group: what could not be kept is as it was, what others keep first is decided again', async t => {
  const store = new MemoryUpdateStore()
  const states = new GroupStates(store, new Map())
  await states.set('g', state => state)
  t.same([store.changes.length, states.all.size], [0, 0], 'a change that changes nothing')
  store.isFull = true
  await t.rejects(states.set('g', state => ({ ...state, approved: ['1'] })), { code: 'disk_full' })
  t.equal(states.all.size, 0)
  store.isFull = false
  await states.set('g', state => ({ ...state, approved: [...state.approved, '1'] }))
  store.isFull = true
  await t.rejects(states.set('g', state => ({ ...state, approved: ['2'] })), { code: 'disk_full' })
  t.same(states.of('g').approved, ['1'])
  store.isFull = false
  const theirs = { ...states.of('g'), approved: ['theirs'] }
  let tries = 0
  store.put = async () => {
    if (++tries === 1) states.take(theirs)
    return tries > 1
  }
  await states.set('g', state => ({ ...state, approved: [...state.approved, '2'] }))
  t.same(states.of('g').approved, ['theirs', '2'])
  store.put = async () => false
  await t.rejects(states.set('g', state => ({ ...state, approved: ['3'] })), { code: 'store_changed' })
  t.same(states.of('g').approved, ['theirs', '2'])
  await t.rejects(states.set('new', state => ({ ...state, approved: ['3'] })), { code: 'store_changed' })
  t.notOk(states.all.has('new'))
})

t.test('bodies of FleetLock, queries of Cincinnati', t => {
  const asked = (params: unknown): unknown => parseLockRequest(Buffer.from(JSON.stringify({ client_params: params })))
  t.same(asked({ group: 'g', id: 'i', more: 1 }), { group: 'g', id: 'i' })
  t.same(asked({ group: 'g', id: 'i'.repeat(128) }), { group: 'g', id: 'i'.repeat(128) })
  for (const params of [{ group: 'g' }, { id: 'i' }, { group: 1, id: 'i' }, { group: 'g', id: 1 }, { group: 'g', id: '' }, { group: '', id: 'i' }, { group: 'g h', id: 'i' }, { group: 'g', id: 'i'.repeat(129) }, null, [], 'x']) t.equal(asked(params), undefined, JSON.stringify(params).slice(0, 40))
  for (const body of ['', 'null', '[]', '{', '{"client_params":null}']) t.equal(parseLockRequest(Buffer.from(body)), undefined, body)
  const query = { stream: 'stable', basearch: 'x86_64', oci: 'true', os_version: '1', os_checksum: 'c', group: 'g', node_uuid: 'n', platform: 'p', rollout_wariness: '0.5' }
  const read = { stream: 'stable', basearch: 'x86_64', oci: true, version: '1', checksum: 'c', group: 'g', nodeId: 'n', platform: 'p', wariness: '0.5' }
  t.same(readGraphQuery(query), read)
  t.same(readGraphQuery({ ...query, oci: 'yes', group: ['first', 'second'], platform: [], os_version: 'v'.repeat(513), node_uuid: 'n'.repeat(512) }), { ...read, oci: false, group: 'first', platform: '', version: 'v'.repeat(512), nodeId: 'n'.repeat(512) })
  for (const more of [{ stream: '' }, { stream: undefined }, { basearch: '' }, { basearch: undefined }]) t.equal(readGraphQuery({ ...query, ...more }), undefined)
  t.end()
})
