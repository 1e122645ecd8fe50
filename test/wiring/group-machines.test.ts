// Whose loader a change of a group may have chosen, and that nobody is told after the end.
import t from 'tap'
import type { Store, StoreChange } from '../../src/matchbox/store.js'
import { followGroups, keepGroupMachines } from '../../src/wiring/group-machines.js'
import { makeGroup, MemoryStore } from '../helpers/memory-store.js'

t.test('machines of the groups that changed, as long as the service runs', async t => {
  const mac = '52:54:00:00:00:01'
  const { snapshot } = new MemoryStore({ groups: [makeGroup({ id: 'a', selector: { mac } }), makeGroup({ id: 'all', selector: {} })] })
  let listener: ((changes: readonly StoreChange[]) => void) | undefined
  const store = {
    snapshot,
    onChange: (listen: typeof listener) => {
      listener = listen
      return () => { listener = undefined }
    }
  } as unknown as Store
  const [told, closing] = [[] as Array<readonly string[]>, [] as Array<() => Promise<void>>]
  followGroups(keepGroupMachines(store), store, machines => { told.push(machines) }, async close => { closing.push(close) })
  const changed = (...changes: ReadonlyArray<readonly [string, string]>): void => { listener?.(changes.map(([kind, name]) => ({ kind, name }) as unknown as StoreChange)) }
  changed(['group', 'a'], ['profile', 'a'], ['group', 'gone'], ['group', 'all'])
  t.same(told.splice(0), [[mac], []])
  changed(['profile', 'a'])
  t.same(told, [])
  for (const close of closing) await close()
  t.equal(listener, undefined)
})
