// What a path below /assets/ leads to, as the file system says it: a file, a folder with what is in it, or why not.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readlinkSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type AssetFailure, DiskAssets } from '../../src/assets/asset-source.js'
import { DiskTurns } from '../../src/disk/disk-turns.js'
import { readPart } from '../../src/disk/open-file.js'
import { FakeClock } from '../helpers/fake-clock.js'

const openFiles = (folder: string): number => readdirSync('/proc/self/fd').filter(fd => {
  try { return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder) } catch { return false }
}).length

t.test('a file', async t => {
  const root = t.testdir({ flatcar: { vmlinuz: 'a kernel' }, alias: t.fixture('symlink', 'flatcar/vmlinuz') })
  utimesSync(join(root, 'flatcar/vmlinuz'), 1_700_000_000, 1_700_000_000)
  const assets = new DiskAssets(root)
  for (const path of ['/flatcar/vmlinuz', '/alias']) {
    const found = await assets.open(path)
    if (found.kind !== 'file') return t.fail(found.kind)
    t.match(found.file, { size: 8, modified: 1_700_000_000, path: join(root, path) })
    t.equal((await readPart(found.file, 2, 99)).toString(), 'kernel')
    await found.file.close()
  }
  t.equal(openFiles(root), 0)
})

t.test('a folder, in order before slashes are added, without what is not verified yet', async t => {
  const root = t.testdir({ a: {}, 'a.b': '', 'a-b': '', z: '', '.partial': { x: '' }, '.hidden': '', link: t.fixture('symlink', 'a') })
  utimesSync(root, 1_700_000_000, 1_700_000_000)
  const found = await new DiskAssets(root).open('/')
  if (found.kind !== 'folder') return t.fail(found.kind)
  t.equal(found.modified, 1_700_000_000)
  t.same(await found.list(), ['.hidden', 'a/', 'a-b', 'a.b', 'link', 'z'])
})

t.test('a folder that waits for its turn at the disk is not read for whoever is gone by then', async t => {
  const root = t.testdir({ a: '' })
  const turns = new DiskTurns(root, new FakeClock(), 1)
  let isWanted = true
  const found = await new DiskAssets(root, undefined, turns).open('/', () => isWanted)
  if (found.kind !== 'folder') return t.fail(found.kind)
  let answer = (): void => {}
  const held = turns.take(async () => { await new Promise<void>(resolve => { answer = resolve }) })
  const listed = t.rejects(found.list(), { code: 'read_failed' })
  isWanted = false
  answer()
  await held
  await listed
  isWanted = true
  t.same(await found.list(), ['a'])
})

/** One turn at the disk, and somebody who has it until `answer`. */
function busyDisk (root: string): { readonly turns: DiskTurns, readonly answer: () => Promise<void> } {
  const turns = new DiskTurns(root, new FakeClock(), 1)
  let release = (): void => {}
  const held = turns.take(async () => { await new Promise<void>(resolve => { release = resolve }) })
  return {
    turns,
    answer: async () => {
      release()
      await held
    }
  }
}

t.test('those who wait for the same file have it open once, as it is when it is looked at; the last closes it', async t => {
  const root = t.testdir({ kernel: 'old' })
  const { turns, answer } = busyDisk(root)
  const assets = new DiskAssets(root, undefined, turns)
  const asked = Array.from({ length: 20 }, () => assets.open('/kernel'))
  writeFileSync(join(root, 'kernel.new'), 'new one')
  renameSync(join(root, 'kernel.new'), join(root, 'kernel'))
  await answer()
  const files = (await Promise.all(asked)).map(found => {
    if (found.kind !== 'file') throw new Error(found.kind)
    return found.file
  })
  t.equal(openFiles(root), 1)
  writeFileSync(join(root, 'kernel.new'), 'the next')
  renameSync(join(root, 'kernel.new'), join(root, 'kernel'))
  const later = await assets.open('/kernel')
  if (later.kind !== 'file') return t.fail(later.kind)
  t.equal(openFiles(root), 2)
  const [first, ...others] = files
  await Promise.all([first?.close(), first?.close()])
  for (const file of others) {
    t.equal((await readPart(file, 0, 99)).toString(), 'new one')
    await file.close()
  }
  t.equal((await readPart(later.file, 0, 99)).toString(), 'the next')
  t.equal(openFiles(root), 1)
  await later.file.close()
  t.equal(openFiles(root), 0)
})

t.test('so many are told by one look: what they begin then is one turn of the event loop', async t => {
  const root = t.testdir({ kernel: '' })
  const { turns, answer } = busyDisk(root)
  const assets = new DiskAssets(root, undefined, turns)
  const asked = Array.from({ length: 100 }, () => assets.open('/kernel'))
  await answer()
  const found = await Promise.all(asked)
  t.equal(openFiles(root), 4)
  for (const one of found) if (one.kind === 'file') await one.file.close()
  t.equal(openFiles(root), 0)
})

t.test('of those who wait together one may go; when all are gone nothing is looked at, and who comes then is served', async t => {
  const root = t.testdir({ kernel: 'a' })
  const { turns, answer } = busyDisk(root)
  const assets = new DiskAssets(root, undefined, turns)
  let isWanted = true
  const gone = [assets.open('/other', () => isWanted), assets.open('/other', () => isWanted)]
  const asked = [assets.open('/kernel', () => isWanted), assets.open('/kernel')]
  isWanted = false
  await answer()
  t.match(await Promise.all(gone), [{ kind: 'failure', status: 500, problem: undefined }, { kind: 'failure', status: 500, problem: undefined }])
  for (const found of await Promise.all(asked)) {
    if (found.kind !== 'file') return t.fail(found.kind)
    await found.file.close()
  }
  t.match(await assets.open('/other'), { status: 404 })
  t.equal(openFiles(root), 0)
})

t.test('why not', async t => {
  const root = t.testdir({ file: '', folder: {}, '.partial': { file: '' }, flatcar: { '.partial': { file: '' } } })
  symlinkSync('loop', join(root, 'loop'))
  symlinkSync('nowhere', join(root, 'gone'))
  execFileSync('mkfifo', [join(root, 'pipe')])
  const assets = new DiskAssets(root)
  const failure = async (path: string): Promise<AssetFailure> => {
    const found = await assets.open(path)
    if (found.kind !== 'failure') throw new Error(`${path} is a ${found.kind}`)
    return found
  }
  for (const path of ['/absent', '/folder/absent', '/absent/below', '/gone', '/file/below', '/file/below/that', '/.partial', '/.partial/file', '/flatcar/.partial/file', '/loop/.partial']) {
    t.match(await failure(path), { status: 404, problem: undefined }, path)
  }
  t.match(await failure('/a\0b'), { status: 500, problem: undefined })
  t.match(await failure(`/${'x'.repeat(300)}`), { status: 500, problem: undefined }, 'never was a name')
  t.match(await failure('/loop'), { status: 500, problem: `${root}/loop cannot be read (ELOOP)` })
  t.match(await failure('/pipe'), { status: 500, problem: `${root}/pipe is no file but a pipe, a socket or a device` })
  t.equal(openFiles(root), 0)
})

t.test('a name in octets that are no UTF-8', async t => {
  const root = t.testdir({})
  const name = Buffer.from([0x66, 0xff])
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), 'odd')
  mkdirSync(join(root, 'é'))
  const assets = new DiskAssets(root)
  const folder = await assets.open('/')
  if (folder.kind !== 'folder') return t.fail(folder.kind)
  const names = await folder.list()
  t.same(names.length, 2)
  const found = await assets.open(`/${names.find(each => each.startsWith('f')) ?? ''}`)
  t.equal(found.kind, 'file')
  if (found.kind === 'file') await found.file.close()
})
