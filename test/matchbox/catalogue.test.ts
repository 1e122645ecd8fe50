// What the API looks up, lists and puts; each error by the word that gRPC's status comes from.
import t from 'tap'
import { createCatalogue } from '../../src/matchbox/catalogue.js'
import type { Group } from '../../src/matchbox/group.js'
import type { Settled } from '../../src/matchbox/store.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'

t.test('one by its name, or why not', t => {
  const store = new MemoryStore({
    groups: [makeGroup({ id: 'g', selector: { os: 'a' } }), makeGroup({ id: 'lost', profile: 'nowhere', selector: { os: 'b' } })],
    profiles: [makeProfile({ id: 'p' })],
    configs: { generic: { e: 'text' } }
  })
  const catalogue = createCatalogue(store)
  const labels = (os: string): ReadonlyMap<string, string> => new Map([['os', os]])
  t.equal(catalogue.selectGroup(labels('a')).id, 'g')
  t.equal(catalogue.selectProfile(labels('a')).id, 'p')
  t.equal(catalogue.getGroup('g').id, 'g')
  t.equal(catalogue.getProfile('p').id, 'p')
  t.equal(catalogue.getConfig('generic', 'e').toString(), 'text')
  for (const [ask, code] of [
    [() => catalogue.selectGroup(labels('c')), 'group_unmatched'], [() => catalogue.selectProfile(labels('c')), 'group_unmatched'], [() => catalogue.selectProfile(labels('b')), 'profile_unmatched'],
    [() => catalogue.getGroup('x'), 'group_missing'], [() => catalogue.getProfile('x'), 'profile_missing'], [() => catalogue.getConfig('generic', 'x'), 'config_missing'],
    [() => catalogue.getConfig('cloud', 'e'), 'config_missing'],
    [() => catalogue.getGroup('../g'), 'id_invalid'], [() => catalogue.getProfile('../p'), 'id_invalid'], [() => catalogue.getConfig('generic', '../e'), 'id_invalid']
  ] as const) t.throws(ask, { code })
  t.end()
})

t.test('lists are in the order of file names, and whole or none', t => {
  const names = ['b', 'a', 'a-1', 'a.b', 'B', 'é']
  const store = new MemoryStore({ groups: names.map(id => makeGroup({ id })), profiles: names.map(id => makeProfile({ id })) })
  const catalogue = createCatalogue(store)
  // A hyphen comes before the dot of `.json`.
  for (const listed of [catalogue.listGroups(), catalogue.listProfiles()]) t.same(listed.map(({ id }) => id), ['B', 'a-1', 'a.b', 'a', 'b', 'é'])
  store.broken = [{ kind: 'group', name: undefined, where: 'groups', message: 'EACCES' }, { kind: 'profile', name: 'x', where: 'profiles/x.json', message: 'EIO' }]
  t.throws(() => catalogue.listGroups(), { code: 'folder_unreadable', message: 'groups: EACCES' })
  t.equal(catalogue.listProfiles().length, names.length, 'a file alone is left out')
  t.end()
})

t.test('what is put is checked first, with whatever the store has for it', async t => {
  const store = new MemoryStore()
  const catalogue = createCatalogue(store)
  await catalogue.putGroup(makeGroup({ id: 'g' }))
  await catalogue.putProfile(makeProfile({ id: 'p' }))
  await catalogue.putConfig('generic', 'e', Buffer.from('x'))
  for (const group of [makeGroup({ id: '' }), makeGroup({ id: 'x', profile: '' }), makeGroup({ id: 'x', selector: { mac: 'all' } })]) {
    await t.rejects(catalogue.putGroup(group), { code: 'group_invalid' })
    await t.rejects(catalogue.addGroup(async () => group), { code: 'group_invalid' })
  }
  await t.rejects(catalogue.putProfile(makeProfile({ id: '' })), { code: 'profile_invalid' })
  await catalogue.addGroup(async () => makeGroup({ id: 'added' }))
  await catalogue.addGroup(async () => undefined)
  t.same(catalogue.listGroups().map(({ id }) => id), ['added', 'g'])
  t.equal(catalogue.selectGroup(new Map()).id, 'added', 'the index follows')
  await catalogue.deleteGroup('added')
  await catalogue.deleteProfile('p')
  await catalogue.deleteConfig('generic', 'e')
  t.same([catalogue.listGroups().length, catalogue.listProfiles().length], [1, 0])
  t.throws(() => catalogue.getConfig('generic', 'e'), { code: 'config_missing' })
  await catalogue.settle('group')

  const asked: unknown[] = []
  const shared = Object.assign(new MemoryStore(), {
    settle: async (...of: unknown[]): Promise<Settled> => {
      asked.push(of)
      return 'now'
    },
    addGroup: async (plan: () => Promise<Group | undefined>) => { asked.push((await plan())?.id) }
  })
  const other = createCatalogue(shared)
  await other.settle('profile', 'p')
  await other.addGroup(async () => makeGroup({ id: 'planned' }))
  await t.rejects(other.addGroup(async () => makeGroup({ id: '' })), { code: 'group_invalid' })
  t.same(asked, [['profile', 'p'], 'planned'])
  t.equal(other.listGroups().length, 0, 'the shared store has the last word')
})

t.test('what a store refuses to keep is told to who put or deleted it', async t => {
  const refuse = async (): Promise<void> => { throw new Error('no space left') }
  const store = Object.assign(new MemoryStore(), { putGroup: refuse, putProfile: refuse, putConfig: refuse, deleteGroup: refuse, deleteProfile: refuse, deleteConfig: refuse })
  const catalogue = createCatalogue(store)
  for (const act of [
    () => catalogue.putGroup(makeGroup({ id: 'g' })), () => catalogue.putProfile(makeProfile({ id: 'p' })), () => catalogue.putConfig('generic', 'c', Buffer.from('x')),
    () => catalogue.deleteGroup('g'), () => catalogue.deleteProfile('p'), () => catalogue.deleteConfig('generic', 'c')
  ]) await t.rejects(act(), { message: 'no space left' }, act.toString())
})
