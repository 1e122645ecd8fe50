// Files of the data folder that are as large as one may be, larger, without end, or no files: at the start and when they come later.
import { execFileSync } from 'node:child_process'
import { symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
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

t.test('what never ends, what waits to be written and what is no file hold nobody up, and are named', { timeout: 60_000 }, async t => {
  const dataPath = t.testdir({ groups: { 'a.json': '{"id":"a","profile":"p"}', 'b.json': '{"id":"b","profile":"p"}' }, ignition: {} })
  const at = (name: string): string => join(dataPath, name)
  const put = (prefix: string): void => {
    execFileSync('mkfifo', [at(`groups/${prefix}pipe.json`)])
    symlinkSync(`${prefix}pipe.json`, at(`groups/${prefix}linked.json`))
    // The kernel's log waits for what is yet to be said; whoever is not root is refused.
    symlinkSync('/proc/kmsg', at(`groups/${prefix}kmsg.json`))
    // Of no size, and 256 TiB.
    symlinkSync('/proc/self/pagemap', at(`ignition/${prefix}pagemap`))
    symlinkSync('/dev/zero', at(`ignition/${prefix}zero`))
  }
  const noFile = /it is no file but a pipe, a socket or a device$/
  const endless = /it is no file of a disk: the kernel makes it as it is read, and says no end$/
  const named = (prefix: string): object => ({
    [`groups/${prefix}pipe.json`]: noFile,
    [`groups/${prefix}linked.json`]: noFile,
    [`groups/${prefix}kmsg.json`]: process.getuid?.() === 0 ? /says no end$|EPERM/ : /EACCES|EPERM/,
    [`ignition/${prefix}pagemap`]: endless,
    [`ignition/${prefix}zero`]: noFile
  })
  put('first-')
  const lines: string[] = []
  const log = pino({}, { write: line => { lines.push(line) } })
  const store = await openFileStore({ dataPath, tombstoneMs: 0, clock: new FakeClock(), log, watch: false })
  t.teardown(() => store.close())
  const told = (): object => Object.fromEntries(store.problems().map(({ where, message }) => [where, message]))
  t.match(told(), named('first-'))
  put('later-')
  unlinkSync(at('groups/b.json'))
  execFileSync('mkfifo', [at('groups/b.json')])
  await store.rescan()
  t.match(told(), { ...named('first-'), ...named('later-'), 'groups/b.json': noFile })
  t.same([...store.snapshot.groups.keys()].sort(), ['a', 'b'], 'what it said before stays')
  t.equal(lines.filter(line => line.includes('"store.problem"')).length, 11, 'each is a line in the log')
  unlinkSync(at('groups/b.json'))
  await store.rescan()
  t.same([...store.snapshot.groups.keys()], ['a'])
})
