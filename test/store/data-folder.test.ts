// Which files of a data folder are a store's, and what is left of interrupted writes.
import { createHook } from 'node:async_hooks'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { unreadIfMade } from '../../src/cli/unread.js'
import { listDataFolder } from '../../src/store/data-folder.js'
import { openFileStore } from '../../src/store/file-store.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { quiet } from '../helpers/grpc-appliance.js'
import { typescript } from '../helpers/typescript.js'

const listed = async (folder: string, clock = new FakeClock()): Promise<{ files: string[], linked: string[], problems: Array<[string, string]> }> => {
  const { files, linked, problems } = await listDataFolder(folder, clock)
  return { files: [...files].sort(), linked: [...linked].sort(), problems: [...problems] }
}

t.test('links to files and folders, and folders that are swapped behind hidden names', async t => {
  const base = realpathSync(t.testdir({
    data: { groups: { 'a.json': '', more: { 'b.json': '' } }, profiles: { '..data': { 'p.json': '' }, '..x.json': '' }, ignition: { deep: { 'd.ign': '' } }, cloud: {} },
    elsewhere: { 'g.json': '', more: { 'm.ign': '', below: { 'n.ign': '' } } }
  }))
  const path = (...parts: string[]): string => join(base, ...parts)
  symlinkSync(path('elsewhere/g.json'), path('data/groups/g.json'))
  symlinkSync(path('elsewhere/more'), path('data/groups/more.json'))
  symlinkSync(path('elsewhere/more'), path('data/profiles/..more'))
  symlinkSync(path('elsewhere/more'), path('data/ignition/more'))
  symlinkSync(path('data/ignition/deep'), path('data/ignition/deep/itself'))
  symlinkSync(path('data'), path('data/ignition/deep/above'))
  symlinkSync(path('elsewhere/more'), path('elsewhere/more/below/back'))
  symlinkSync(path('nowhere'), path('data/cloud/broken'))
  t.same(await listed(path('data')), {
    files: ['cloud/broken', 'groups/a.json', 'groups/g.json', 'groups/more.json', 'ignition/deep/d.ign', 'ignition/more/below/n.ign', 'ignition/more/m.ign', 'profiles/..x.json'],
    linked: ['cloud/broken', 'groups/g.json', 'groups/more.json', 'ignition/more/below/n.ign', 'ignition/more/m.ign'],
    problems: []
  })
})

t.test('eight links one behind the other are followed, and no ninth', async t => {
  const base = t.testdir({ data: { ignition: {} } })
  for (let n = 1; n <= 9; n++) {
    mkdirSync(join(base, `${n}`))
    writeFileSync(join(base, `${n}/${n}.ign`), '')
    symlinkSync(join(base, `${n}`), n === 1 ? join(base, 'data/ignition/1') : join(base, `${n - 1}/${n}`))
  }
  const { files } = await listed(join(base, 'data'))
  t.same(files.map(file => file.split('/').at(-1)).sort(), ['1.ign', '2.ign', '3.ign', '4.ign', '5.ign', '6.ign', '7.ign', '8.ign'])
})

t.test('what is there and is no data folder is told of', async t => {
  const base = t.testdir({ file: '', empty: {}, data: { groups: 'a file', profiles: { 'p.json': '' } } })
  t.same((await listed(join(base, 'empty'))).problems, [])
  for (const [name, where, why] of [
    ['file', '.', /^the data folder cannot be read: .*\/file is no folder$/], ['nowhere', '.', /^the data folder cannot be read: there is no (.*\/nowhere): mkdir -p \1 makes it, or let data_path name the folder/],
    ['data', 'groups', /^the folder cannot be read: ENOTDIR/]
  ] as const) t.match((await listed(join(base, name))).problems, [[where, why]], name)
  t.same((await listed(join(base, 'data'))).files, ['profiles/p.json'])
})

t.test('a folder that another user may not look into is told of, with who could', { skip: process.getuid?.() === 0 ? false : 'needs root' }, async t => {
  const base = mkdtempSync(join(tmpdir(), 'data-folder-'))
  t.teardown(() => { rmSync(base, { recursive: true, force: true }) })
  chmodSync(base, 0o755)
  for (const [name, above] of [['listed', 0o755], ['below/shut', 0o700]] as const) {
    mkdirSync(join(base, name, 'groups'), { recursive: true })
    chmodSync(join(base, name), 0o744)
    chmodSync(dirname(join(base, name)), above)
  }
  // The kernel judges by whom a process is of, not by whom it acts as.
  const script = fileURLToPath(new URL('../helpers/folder-listing.ts', import.meta.url))
  const { stdout, stderr } = spawnSync(process.execPath, [typescript, script, join(base, 'listed'), join(base, 'below/shut')], { uid: 65_534, gid: 65_534, encoding: 'utf8' })
  t.equal(stderr, '')
  const looked = stdout.trim().split('\n').map(line => JSON.parse(line) as unknown)
  t.equal(looked.length, 2)
  for (const one of looked) t.match(one, { files: [], problems: [['.', /^the data folder cannot be read: EACCES: .* belongs to root, and this runs as \w+/]] })
})

t.test('of thousands of names a thousand are looked at in one turn of the event loop', async t => {
  const base = t.testdir({ groups: {} })
  for (let n = 0; n < 2500; n++) writeFileSync(join(base, `groups/${n}.json`), '')
  let turns = 0
  // Nothing else asks for one here.
  const hook = createHook({ init: (_, type) => { if (type === 'Immediate') turns++ } }).enable()
  t.teardown(() => hook.disable())
  t.equal((await listed(base)).files.length, 2500)
  t.equal(turns, 2)
})

t.test('an unfinished file is removed a minute after it was written, by both clocks', async t => {
  const clock = new FakeClock()
  const now = Math.floor(clock.now() / 1000)
  for (const [age, folderAge, isKept, why] of [
    [60, 0, false, 'a minute old'],
    [59, 0, true, 'younger'],
    [59, -1, true, 'younger, whatever the clock of the file system says'],
    [3600, 3541, true, 'nothing was written in its folder since'],
    [3600, 3540, false, 'written in its folder a minute after it']
  ] as const) {
    const base = t.testdir({ groups: { '.core-provisioner-1.tmp': '{' } })
    const left = join(base, 'groups/.core-provisioner-1.tmp')
    utimesSync(left, now - age, now - age)
    utimesSync(join(base, 'groups'), now - folderAge, now - folderAge)
    t.same((await listed(base, clock)).files, [], 'never one of the store')
    t.equal(existsSync(left), isKept, why)
  }
})

t.test('a folder that was not made yet is told from one that cannot be read, whatever it is called', async t => {
  const folder = t.testdir({ 'a: there is no b': 'a file' })
  for (const [name, isMissing] of [['none', true], ['a: there is no b', false], ['', false]] as const) {
    const store = await openFileStore({ dataPath: join(folder, name), tombstoneMs: 0, clock: new FakeClock(), log: quiet, watch: false })
    t.equal(store.problems().some(problem => problem.isMissing === true), isMissing, name)
    t.equal(unreadIfMade(store.problems()).length, name === 'a: there is no b' ? 1 : 0, name)
    await store.close()
  }
})
