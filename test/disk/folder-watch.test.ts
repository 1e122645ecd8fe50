// Outside edits of a folder, as the kernel tells them, with a clock that is played.
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FolderWatcher } from '../../src/disk/folder-watch.js'
import { FakeClock } from '../helpers/fake-clock.js'

type Edit = readonly string[] | 'all'

async function watching (t: Test, root: string, folders = ['groups', 'profiles']) {
  const clock = new FakeClock()
  const told: Edit[] = []
  const errors: unknown[] = []
  const watcher = await FolderWatcher.start({
    root,
    folders,
    clock,
    onEdit: edit => { told.push(edit) },
    onError: error => { errors.push(error) }
  })
  t.teardown(() => watcher.close())
  /** What was told next: moves the clock by `step` as long as nothing is, since the kernel takes its time. */
  const next = async (step = 40): Promise<Edit> => {
    while (told.length === 0) {
      await new Promise(resolve => { setImmediate(resolve) })
      clock.advance(step)
    }
    return told.shift()!
  }
  return { watcher, clock, told, errors, next }
}

const files = { groups: { 'a.json': '{}', rack: { 'b.json': '{}' } }, profiles: {} }

t.test('an edit is told by its file, those of 40 ms together', async t => {
  const root = t.testdir(files)
  const { clock, told, next, errors } = await watching(t, root)
  writeFileSync(join(root, 'groups/a.json'), '{"id":"a"}')
  t.same(await next(), ['groups/a.json'])
  writeFileSync(join(root, 'groups/rack/b.json'), '1')
  t.same(await next(), ['groups/rack/b.json'], 'in a folder of it')
  writeFileSync(join(root, 'profiles/p.json'), '1')
  rmSync(join(root, 'groups/a.json'))
  // Told of by the kernel in some turn of the loop, and gathered from the first on.
  for (let turn = 0; clock.pending === 1; turn++) await new Promise(resolve => { setImmediate(resolve) })
  clock.advance(39)
  t.same(told, [])
  const both = new Set<string>()
  while (both.size < 2) for (const file of await next(1)) both.add(file)
  t.same([...both].sort(), ['groups/a.json', 'profiles/p.json'])
  t.same([clock.pending, errors], [1, []], 'nothing is gathered any more')
})

t.test('more than two hundred at once are told as all of them', async t => {
  for (const [count, isAll] of [[200, false], [201, true]] as const) {
    const root = t.testdir({ groups: {} })
    const { next } = await watching(t, root, ['groups'])
    for (let n = 0; n < count; n++) writeFileSync(join(root, `groups/${n}`), '')
    // Inotify gives them all to one read.
    const first = await next()
    t.equal(first === 'all' ? 'all' : first.length, isAll ? 'all' : 200)
  }
})

t.test('a folder that another takes the place of is watched anew, by the next look at it', async t => {
  const root = t.testdir({ ...files, other: { 'c.json': '{}' } })
  const { next, told, clock, errors } = await watching(t, root)
  clock.advance(400)
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => { setImmediate(resolve) })
  t.same(told, [], 'nothing is another')
  renameSync(join(root, 'groups'), join(root, 'gone'))
  renameSync(join(root, 'other'), join(root, 'groups'))
  // The watch on the one that is gone may tell that it was moved.
  for (let edit = await next(400); edit !== 'all';) edit = await next(400)
  // 'all' is told when the folder is seen to go, and again when the new one is watched: only from then on by name.
  for (let edit: Edit = 'all'; !edit.includes('groups/c.json');) {
    writeFileSync(join(root, 'groups/c.json'), '1')
    edit = await next()
  }
  writeFileSync(join(root, 'gone/a.json'), '1')
  writeFileSync(join(root, 'groups/d.json'), '1')
  const since: Edit[] = []
  while (!since.some(edit => edit.includes('groups/d.json'))) since.push(await next())
  t.notOk(since.some(edit => edit.includes('groups/a.json')), 'what is gone is watched no more')
  t.same(errors, [])
})

t.test('folders that come are watched when they are looked for, those that went are let go', async t => {
  const root = t.testdir({ groups: {} })
  const { watcher, next } = await watching(t, root)
  mkdirSync(join(root, 'groups/new'))
  t.same(await next(), ['groups/new'])
  await watcher.refresh()
  writeFileSync(join(root, 'groups/new/d.json'), '1')
  t.same(await next(), ['groups/new/d.json'])
  rmSync(join(root, 'groups/new'), { recursive: true })
  await next()
  await watcher.refresh()
  mkdirSync(join(root, 'groups/new'))
  await next()
  await watcher.refresh()
  writeFileSync(join(root, 'groups/new/e.json'), '1')
  for (let edit = await next(); !edit.includes('groups/new/e.json');) edit = await next()
  t.pass('under the same name it is another')
  symlinkSync('new', join(root, 'groups/link'))
  t.same(await next(), ['groups/link'])
})

t.test('who is closed says nothing more, and leaves no timer', async t => {
  const root = t.testdir(files)
  const { watcher, clock, told } = await watching(t, root)
  writeFileSync(join(root, 'groups/a.json'), '1')
  while (clock.pending === 1) await new Promise(resolve => { setImmediate(resolve) })
  clock.advance(0)
  await watcher.close()
  t.equal(clock.pending, 0)
  writeFileSync(join(root, 'groups/a.json'), '2')
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => { setImmediate(resolve) })
  clock.advance(10_000)
  t.same(told, [])
})
