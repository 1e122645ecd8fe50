import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { guardKey } from '../../src/machines/guard-key.js'

/** What is warned of. */
function warnings () {
  const told: string[] = []
  return { told, log: { warn: (_: object, name: string) => { told.push(name) } } as unknown as Parameters<typeof guardKey>[1] }
}

t.test('made once, for its owner alone, and the same after a restart', async t => {
  const path = join(t.testdir(), 'guard.key')
  const { told, log } = warnings()
  const key = await guardKey(path, log)
  t.equal(key.length, 32)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.same(await guardKey(path, log), key)
  t.same(readFileSync(path), key)
  t.same(told, [])
})

t.test('half of one is replaced, and a disk that gives or takes none has tokens for as long as the program runs', async t => {
  const folder = t.testdir({ short: 'half' })
  const { told, log } = warnings()
  const key = await guardKey(join(folder, 'short'), log)
  t.same(readFileSync(join(folder, 'short')), key)
  mkdirSync(join(folder, 'folder'))
  writeFileSync(join(folder, 'folder/file'), '')
  t.equal((await guardKey(join(folder, 'folder'), log)).length, 32)
  t.same(told, ['guard.key_unreadable', 'guard.key_unsaved'])
})
