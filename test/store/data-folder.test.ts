// Which files of a data folder are a store's, and what is left of interrupted writes.
import { existsSync, mkdirSync, realpathSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { listDataFolder } from '../../src/store/data-folder.js'
import { FakeClock } from '../helpers/fake-clock.js'

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
    ['file', '.', /^the data folder cannot be read: .*\/file is no folder$/], ['nowhere', '.', /^the data folder cannot be read: there is no .*\/nowhere$/],
    ['data', 'groups', /^the folder cannot be read: ENOTDIR/]
  ] as const) t.match((await listed(join(base, name))).problems, [[where, why]], name)
  t.same((await listed(join(base, 'data'))).files, ['profiles/p.json'])
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
