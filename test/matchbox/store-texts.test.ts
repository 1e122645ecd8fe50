import t from 'tap'
import { mayNameMore, storeTexts } from '../../src/matchbox/store-texts.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'

t.test('every text that may name a release', t => {
  const store = new MemoryStore({
    groups: [makeGroup({ id: 'g', metadata: { release: 'in-a-group' } })],
    profiles: [makeProfile({ id: 'p', boot: { kernel: '/assets/in-a-profile', initrd: [], args: [] } })],
    configs: { ignition: { i: 'in-ignition' }, cloud: { c: 'in-cloud' }, generic: { e: 'in-generic' }, snippets: { s: 'in-a-snippet' }, files: { f: 'in-a-file' } }
  })
  const text = [...storeTexts(store.snapshot)].join('\n')
  for (const name of ['in-a-group', 'in-a-profile', 'in-ignition', 'in-cloud', 'in-generic', 'in-a-snippet', 'in-a-file']) t.ok(text.includes(name), name)
  const empty = new MemoryStore().snapshot
  t.match([...storeTexts({ ...empty, forMachines: store.snapshot.forMachines })].join('\n'), /in-a-group[^]*in-a-profile/, 'also what was deleted and is served still')
  t.end()
})

t.test('a store that may name more than its texts tell', t => {
  t.match(mayNameMore(new MemoryStore()), /holds no group, profile or config/)
  for (const holds of [{ groups: [makeGroup({ id: 'g' })] }, { profiles: [makeProfile({ id: 'p' })] }, { configs: { generic: { e: '' } } }]) t.equal(mayNameMore(new MemoryStore(holds)), undefined)
  t.match(mayNameMore(new MemoryStore({ configs: { snippets: { s: '' } } })), /holds no group/, 'a snippet alone boots nothing')
  const store = new MemoryStore({ groups: [makeGroup({ id: 'g' })] })
  store.broken = [{ kind: 'group', name: 'x', where: 'groups/x.json', message: 'EACCES' }]
  t.equal(mayNameMore(store), "groups/x.json can't be read: EACCES")
  t.end()
})
