import { mkdirSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { Readers } from '../../src/disk/disk-file.js'
import type { DiskTurns } from '../../src/disk/disk-turns.js'
import { FileCache } from '../../src/disk/file-cache.js'
import { type OpenFile, memoryFile, readPart } from '../../src/disk/open-file.js'
import { type FileSource, firstOf, storedFiles } from '../../src/tftp/file-source.js'
import { randomBytes } from '../helpers/random.js'

const request = { client: '192.0.2.1' }
/** Half a minute ahead, so that what was written just now has settled. */
const clock = { ...systemClock, now: () => Date.now() + 30_000 }
const small = { memory: 1 << 20, largest: 1 << 16, clock }
const readers = new Readers()

/** Writes a file as if it had been there for a while. */
function write (path: string, content: string | Buffer, ageSeconds = 60): void {
  writeFileSync(path, content)
  const then = Date.now() / 1000 - ageSeconds
  utimesSync(path, then, then)
}

async function content (file: OpenFile | undefined, piece = 1000): Promise<Buffer | undefined> {
  if (file === undefined) return undefined
  const parts: Buffer[] = []
  for (let at = 0; at < file.size; at += piece) parts.push(await readPart(file, at, piece))
  await file.close()
  return Buffer.concat(parts)
}

const text = async (source: FileSource, name: string): Promise<string | undefined> =>
  (await content(await source.open(name, request)))?.toString()

t.test('folders in order, and only regular files', async t => {
  const dir = t.testdir({ own: { a: 'own a', sub: { b: 'own b' } }, bundled: { a: 'bundled a', c: 'bundled c', sub: 'a file' } })
  const roots = [join(dir, 'absent'), join(dir, 'own'), join(dir, 'bundled')]
  // Each request looks at the folders anew.
  let ahead = 30_000
  const clock = { ...systemClock, now: () => Date.now() + (ahead += 20) }
  const source = storedFiles({ roots, cache: new FileCache(small), readers, clock })
  t.equal(await text(source, 'a'), 'own a')
  t.equal(await text(source, 'c'), 'bundled c')
  t.equal(await text(source, 'sub/b'), 'own b')
  t.equal(await text(source, 'sub'), 'a file', 'a folder hides no file')
  for (const name of ['', 'none', 'a/below-a-file', 'x'.repeat(300), 'own']) t.equal(await text(source, name), undefined, name)
  spawnSync('mkfifo', [join(dir, 'own/pipe')])
  t.equal(await text(source, 'pipe'), undefined, 'a pipe is no file')
  mkdirSync(join(dir, 'absent'))
  write(join(dir, 'absent/a'), 'new a')
  t.equal(await text(source, 'a'), 'new a', 'a folder made later')
})

t.test('links lead to where files are served, and nowhere else', async t => {
  const dir = t.testdir({ own: {}, bundled: { loader: 'loader' }, dist: { menu: 'menu' }, secret: { key: 'key' }, 'own-not': { x: 'x' } })
  const link = (to: string, name: string): void => { symlinkSync(to, join(dir, 'own', name)) }
  link('../bundled/loader', 'loader')
  link('../dist', 'dist')
  link('../secret/key', 'key')
  link('../secret', 'secret')
  link('../own-not/x', 'x')
  link('nowhere', 'dangling')
  link('loop', 'loop')
  const roots = [join(dir, 'own'), join(dir, 'bundled')]
  const source = storedFiles({ roots, trusted: [join(dir, 'dist'), join(dir, 'absent')], cache: new FileCache(small), readers, clock })
  t.equal(await text(source, 'loader'), 'loader')
  t.equal(await text(source, 'dist/menu'), 'menu')
  await t.rejects(text(source, 'key'), { code: 'permission_denied', message: /is a link to .*secret\/key, which is in none of the folders/ })
  await t.rejects(text(source, 'secret/key'), { code: 'permission_denied' })
  await t.rejects(text(source, 'x'), { code: 'permission_denied' }, 'a folder whose name begins alike')
  t.equal(await text(source, 'dangling'), undefined)
  t.equal(await text(source, 'loop'), undefined)
  symlinkSync(join(dir, 'own'), join(dir, 'alias'))
  const throughLink = storedFiles({ roots: [join(dir, 'alias'), join(dir, 'bundled')], cache: new FileCache(small), readers, clock })
  t.equal(await text(throughLink, 'loader'), 'loader', 'the folder itself may be a link')
})

t.test('ipxe.lkrn as Debian links it: a link of the distribution\'s may lead anywhere, also through a link of one\'s own', async t => {
  const dir = t.testdir({ own: {}, dist: {}, boot: { 'ipxe.lkrn': 'lkrn' } })
  symlinkSync(join(dir, 'boot/ipxe.lkrn'), join(dir, 'dist/ipxe.lkrn'))
  symlinkSync('../dist/ipxe.lkrn', join(dir, 'own/mine.lkrn'))
  symlinkSync('../dist', join(dir, 'own/debian'))
  symlinkSync('../boot/ipxe.lkrn', join(dir, 'own/stray.lkrn'))
  const source = storedFiles({ roots: [join(dir, 'own'), join(dir, 'dist')], trusted: [join(dir, 'dist')], cache: new FileCache(small), readers, clock })
  for (const name of ['ipxe.lkrn', 'mine.lkrn', 'debian/ipxe.lkrn']) t.equal(await text(source, name), 'lkrn', name)
  await t.rejects(text(source, 'stray.lkrn'), { code: 'permission_denied' }, 'one of the owner\'s alone is refused still')
})

t.test('small files are read once, and again when they change', async t => {
  // The system's clock, and ahead of it whenever a look at the folders shall not hold any more.
  let ahead = 30_000
  const later = (): void => { ahead += 20 }
  const clock = { ...systemClock, now: () => Date.now() + ahead }
  const dir = t.testdir({})
  const path = join(dir, 'a')
  const cache = new FileCache({ ...small, clock })
  const source = storedFiles({ roots: [dir], cache, readers, clock })
  write(path, 'first')
  const files = await Promise.all(Array.from({ length: 500 }, () => source.open('a', request)))
  const views = await Promise.all(files.map(async file => (await file!.piece(0, 5)).bytes))
  t.equal(new Set(views.map(view => view.buffer)).size, 1, 'five hundred clients, one piece of memory')
  t.equal(cache.bytes, 5)
  write(path, 'other', 30)
  later()
  t.equal(await text(source, 'a'), 'other', 'same size, other time')
  t.equal((await readPart(files[0]!, 0, 5)).toString(), 'first', 'who reads already reads what it opened')
  await Promise.all(files.map(file => file!.close()))
  rmSync(path)
  later()
  t.equal(await text(source, 'a'), undefined)
  write(path, 'just now', 0)
  // By the clock that stamps files, which is the kernel's own.
  ahead = statSync(path).ctimeMs - Date.now()
  t.equal(await text(source, 'a'), 'just now')
  writeFileSync(path, 'sub tick')
  t.equal(await text(source, 'a'), 'sub tick', 'a file that may still change within one tick of its clock is not kept')
})

t.test('large files are read piece by piece', async t => {
  const dir = t.testdir({})
  const cache = new FileCache(small)
  const source = storedFiles({ roots: [dir], cache, readers, clock })
  const bytes = randomBytes(1, 300_000)
  write(join(dir, 'large'), bytes)
  for (const piece of [512, 1468, 1468 * 32, 200_000]) t.ok((await content(await source.open('large', request), piece))?.equals(bytes), `pieces of ${piece}`)
  t.equal(cache.bytes, 0)
  const file = await source.open('large', request)
  t.equal((await readPart(file!, 0, 512)).length, 512)
  truncateSync(join(dir, 'large'), 100_000)
  await t.rejects(readPart(file!, 150_000, 512), { code: 'read_failed', message: /large was written to while it was sent/ })
  await file?.close()
})

t.test('the first source that has the file gives it', async t => {
  const only = (name: string, text: string): FileSource => ({ open: async asked => asked === name ? memoryFile(text, Buffer.from(text)) : undefined })
  const source = firstOf([only('a', 'stored'), only('a', 'made'), only('b', 'bundled')])
  t.equal((await source.open('a', request))?.path, 'stored')
  t.equal((await source.open('b', request))?.path, 'bundled')
  t.equal(await source.open('c', request), undefined)
})

t.test('a rack that asks at once costs one look at the folders, whatever it finds', async t => {
  const dir = t.testdir({ own: { loader: 'loader' }, secret: { key: 'key' } })
  symlinkSync('../secret/key', join(dir, 'own/key'))
  const [module, { stat }] = [fs as { stat: unknown }, fs]
  let looks = 0
  module.stat = async (...args: Parameters<typeof stat>) => {
    looks++
    return await stat(...args)
  }
  syncBuiltinESMExports()
  t.teardown(() => {
    module.stat = stat
    syncBuiltinESMExports()
  })
  const source = storedFiles({ roots: [join(dir, 'own')], cache: new FileCache(small), readers, clock })
  const ask = async (name: string): Promise<ReadonlyArray<PromiseSettledResult<string | undefined>>> =>
    await Promise.allSettled(Array.from({ length: 50 }, async () => await text(source, name)))
  t.ok((await ask('loader')).every(found => found.status === 'fulfilled' && found.value === 'loader'))
  t.equal(looks, 1)
  t.ok((await ask('none')).every(found => found.status === 'fulfilled' && found.value === undefined))
  t.equal(looks, 2)
  t.ok((await ask('key')).every(found => found.status === 'rejected' && (found.reason as { code?: string }).code === 'permission_denied'))
  t.equal(looks, 3, 'a refusal is one for all')
  await ask('none')
  t.equal(looks, 4, 'and nothing of it is kept')
})

t.test('what was a file when it was looked at, and is none when it is opened, leaves no descriptor', async t => {
  const open = (): number => readdirSync('/proc/self/fd').length
  for (const [size, what] of [[300_000, 'large'], [100, 'small']] as const) {
    const dir = t.testdir({})
    write(join(dir, 'file'), Buffer.alloc(size))
    let operations = 0
    const take: DiskTurns['take'] = async operation => {
      if (++operations === 2) {
        rmSync(join(dir, 'file'))
        mkdirSync(join(dir, 'file'))
      }
      return await operation()
    }
    const turns = { take, owe: take } as DiskTurns
    const source = storedFiles({ roots: [dir], cache: new FileCache(small), readers, clock, turns })
    const before = open()
    await t.rejects(source.open('file', request), { code: 'permission_denied', message: `${dir}/file is not a regular file` }, what)
    t.equal(open(), before, what)
  }
})

t.test('what memory has no room for is sent from the disk, and what it has holds its own', async t => {
  const dir = t.testdir({})
  for (const name of ['a', 'b', 'c']) write(join(dir, name), Buffer.alloc(60_000, name))
  const source = storedFiles({ roots: [dir], cache: new FileCache({ ...small, memory: 64_000 }), readers, clock })
  const held = await source.open('a', request)
  t.equal((await readPart(held!, 0, 10)).toString(), 'a'.repeat(10))
  t.equal((await content(await source.open('b', request)))?.equals(Buffer.alloc(60_000, 'b')), true)
  t.equal((await readPart(held!, 59_990, 100)).toString(), 'a'.repeat(10))
  await held?.close()
  t.equal((await content(await source.open('c', request)))?.equals(Buffer.alloc(60_000, 'c')), true)
})
