// A store as one archive, as it is packed and as others pack it: what is taken, and what is refused with its name.
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { Header, Pax } from 'tar'
import t from 'tap'
import { packArchive, readArchive } from '../../src/store/archive.js'

interface Member { readonly path: string, readonly type?: string, readonly content?: Buffer, readonly size?: number, readonly linkpath?: string }

function blocks ({ path, type = 'File', content = Buffer.alloc(0), size = content.length, linkpath = '' }: Member): Buffer {
  const header = new Header({ path, type: type as never, mode: 0o644, uid: 0, gid: 0, size, mtime: new Date(1e12), linkpath, uname: '', gname: '' })
  header.encode()
  return Buffer.concat([header.block!, content, Buffer.alloc(-content.length & 511)])
}
const end = Buffer.alloc(1024)
const tar = (...members: readonly Member[]): Buffer => Buffer.concat([...members.map(blocks), end])

const objects = new Map([['profiles/p.json', Buffer.from('{"id":"p"}')], ['groups/a.json', Buffer.from('{}')], ['ignition/empty', Buffer.alloc(0)], ['ignition/large', Buffer.alloc(3 * 512, 'x')]])

t.test('packed and read again, gzipped or not, and the same octets each time', async t => {
  const packed = packArchive(objects)
  t.same(packArchive(new Map([...objects].reverse())), packed)
  for (const [name, bytes] of [['a.tgz', packed], ['a.tar', gunzipSync(packed)]] as const) {
    const path = join(t.testdir(), name)
    writeFileSync(path, bytes)
    const { files, isStore, others } = await readArchive(path)
    t.same([...files].sort(), [...objects].sort(), name)
    t.same([isStore, others], [true, []])
  }
  t.equal(gunzipSync(packed).length % 512, 0)
  t.equal(gunzipSync(packArchive(new Map())).length, 7 * 512 + 1024, 'its folders, and two empty blocks')
})

t.test('tar(1) reads it, with its modes and its time', async t => {
  const path = join(t.testdir(), 'a.tgz')
  writeFileSync(path, packArchive(new Map([['groups/a.json', Buffer.from('{}')], [`generic/${'n'.repeat(200)}`, Buffer.from('x')]])))
  const said = execFileSync('tar', ['-tvzf', path, '--utc', '--full-time', '--numeric-owner'], { encoding: 'utf8' }).trim().split('\n').map(line => line.split(/\s+/))
  t.same(said.slice(0, 2).map(words => words.slice(0, 5)), [['drwxr-xr-x', '0/0', '0', '2000-01-01', '00:00:00'], ['drwxr-xr-x', '0/0', '0', '2000-01-01', '00:00:00']])
  t.same(said.slice(7).map(([mode, , size, day, , name = '']) => [mode, size, day, name.length]), [['-rw-r--r--', '1', '2000-01-01', 208], ['-rw-r--r--', '2', '2000-01-01', 13]])
})

t.test('what others pack: a folder with its `./`, old kinds of files, what no store has beside it', async t => {
  const folder = t.testdir()
  const path = join(folder, 'a.tar')
  writeFileSync(path, tar(
    { path: './', type: 'Directory' }, { path: './groups/', type: 'Directory' }, { path: './groups/a.json', content: Buffer.from('{}') },
    { path: 'generic/old', type: 'OldFile', content: Buffer.from('old') }, { path: 'generic/next', type: 'ContiguousFile', content: Buffer.from('next') },
    { path: 'README', content: Buffer.from('hello') }, { path: 'groups/sub/b.json', content: Buffer.from('{}') }
  ))
  const { files, isStore, others } = await readArchive(path)
  t.same([...files].map(([name, bytes]) => [name, bytes.toString()]), [['groups/a.json', '{}'], ['generic/old', 'old'], ['generic/next', 'next']])
  t.same([isStore, others], [true, ['README', 'groups/sub/b.json']])
  writeFileSync(path, tar({ path: 'README' }, { path: 'groupsies/a.json' }))
  t.same(await readArchive(path), { files: new Map(), isStore: false, others: ['README', 'groupsies/a.json'] })
  writeFileSync(path, tar({ path: 'groups', type: 'Directory' }))
  t.equal((await readArchive(path)).isStore, true, 'an empty store')
})

t.test('what is refused, and why', async t => {
  const folder = t.testdir()
  mkdirSync(join(folder, 'there'))
  const path = join(folder, 'a.tar')
  const a = { path: 'groups/a.json', content: Buffer.from('{}') }
  const whole = tar(a)
  for (const [bytes, why] of [
    [Buffer.alloc(0), /is no tar archive$/], [Buffer.from('x'), /is no tar archive$/], [Buffer.alloc(511, 'x'), /is no tar archive$/], [Buffer.alloc(2048), /is no tar archive$/],
    [gzipSync(gzipSync(whole)), /is no tar archive$/], [gzipSync(whole).subarray(0, -9), /no whole archive/], [Buffer.concat([gzipSync(whole).subarray(0, 12), Buffer.alloc(50, 7)]), /no whole archive/],
    [whole.subarray(0, 514), /no whole archive/],
    [tar(a, { path: '/etc/x' }), /"\/etc\/x" is an absolute path; nothing of it is taken$/], [tar(a, { path: 'groups/../../x' }), /leads out of the folder \(\.\.\)/], [tar(a, { path: '..' }), /leads out/],
    [tar(a, { path: 'groups/l.json', type: 'SymbolicLink', linkpath: 'x' }), /is a link/], [tar(a, { path: 'groups/l.json', type: 'Link', linkpath: 'x' }), /is a link/],
    [tar(a, { path: 'groups/f.json', type: 'FIFO' }), /is of a kind that no store has \(FIFO\)/], [tar(a, { path: 'groups/f.json', type: 'BlockDevice' }), /is of a kind/],
    [tar(a, { path: 'x', type: 'SparseFile' }), /is of a kind that no store has/],
    [tar(a, a), /"groups\/a\.json" stands in it twice/], [tar(a, { ...a, path: './groups/a.json' }), /stands in it twice/],
    [tar({ path: 'generic/large', size: 32 * 2 ** 20 + 1 }), /"generic\/large" is too large: 33554433 bytes, and at most 33554432 are taken/]
  ] as const) {
    writeFileSync(path, bytes)
    await t.rejects(readArchive(path), { code: 'archive_invalid', message: why }, String(why))
  }
  const most = Buffer.alloc(32 * 2 ** 20)
  writeFileSync(path, tar({ path: 'generic/large', content: most }))
  t.equal((await readArchive(path)).files.get('generic/large')?.length, most.length, 'as large as a file of the store may be')
  symlinkSync('nowhere', join(folder, 'broken'))
  for (const name of ['nowhere', 'there', 'broken']) await t.rejects(readArchive(join(folder, name)), { code: 'read_failed' }, name)
})

t.test('names: as long as a pax header may be, and none with a line break that needs one', async t => {
  const path = join(t.testdir(), 'a.tar')
  const named = (name: string): Buffer => Buffer.concat([new Pax({ path: name, mtime: new Date(1e12) }).encode(), tar({ path: 'generic/short', content: Buffer.from('x') })])
  writeFileSync(path, named(`generic/${'n'.repeat(60_000)}`))
  t.equal([...(await readArchive(path)).files.keys()][0]?.length, 60_008)
  writeFileSync(path, named(`generic/${'n'.repeat(70_000)}`))
  await t.rejects(readArchive(path), { code: 'archive_invalid', message: /of a kind that no store has \(ExtendedHeader\)|maxMetaEntrySize|too large/ })
  t.throws(() => packArchive(new Map([[`generic/${'n'.repeat(150)}\n`, Buffer.alloc(0)]])), { code: 'id_invalid' })
  writeFileSync(path, packArchive(new Map([['generic/a\nb', Buffer.from('x')]])))
  t.same([...(await readArchive(path)).files.keys()], ['generic/a\nb'])
})
