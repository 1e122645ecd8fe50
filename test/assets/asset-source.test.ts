// What a path below /assets/ leads to, as the file system says it: a file, a folder with what is in it, or why not.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readlinkSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
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
