// Files of the data folder that are as large as one may be, and larger: at the start and when they come later.
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { openFileStore } from '../../src/store/file-store.js'
import { maxFileBytes } from '../../src/store/stored-file.js'
import { FakeClock } from '../helpers/fake-clock.js'

t.test('a file of 32 MiB is taken; of a larger one it is told what it may have, and what it said before stays', async t => {
  const dataPath = t.testdir({ generic: { whole: '', larger: '', later: 'small' } })
  const size = (name: string, octets: number): void => { truncateSync(join(dataPath, 'generic', name), octets) }
  size('whole', maxFileBytes)
  size('larger', maxFileBytes + 1)
  const store = await openFileStore({ dataPath, tombstoneMs: 0, clock: new FakeClock(), log: pino({ level: 'silent' }), watch: false })
  t.teardown(() => store.close())
  const told = (): string[] => store.problems().map(({ where, message }) => `${where}: ${message}`)
  const held = (name: string): string | undefined => store.snapshot.configs.generic.get(name)?.content.toString('latin1', 0, 5)
  t.equal(store.snapshot.configs.generic.get('whole')?.content.length, maxFileBytes)
  t.equal(held('larger'), undefined)
  t.match(told(), [/^generic\/larger: .*larger than 32 MiB/])
  size('later', maxFileBytes + 1)
  await store.rescan()
  t.equal(held('later'), 'small')
  t.match(told().sort(), [/^generic\/larger: /, /^generic\/later: .*larger than 32 MiB/])
  for (const name of ['larger', 'later']) writeFileSync(join(dataPath, 'generic', name), 'mended')
  await store.rescan()
  t.same([held('larger'), held('later'), told()], ['mende', 'mende', []])
})
