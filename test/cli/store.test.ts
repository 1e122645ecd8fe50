// store import, export, backup and restore, as a person uses them: between folders and archives.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { Header, Pax } from 'tar'
import t from 'tap'
import { Program } from '../helpers/program.js'
import { config, differ, fillFolder, objects, place } from '../helpers/store-place.js'
import { needs } from '../helpers/tools.js'

t.test('folder, archive, folder: the same bytes, and a second time nothing', async t => {
  const here = place(t, args => new Program(args).end())
  const from = fillFolder(here, 'store')
  const file = here.at('store.tar.gz')
  t.match(await here.store('backup', file), { status: 0, stdout: new RegExp(`\\n${objects} added, 0 changed, 0 removed, 0 same\\n$`), stderr: /groups\/broken\.json/ })
  t.equal(statSync(file).mode & 0o777, 0o600)
  const packed = readFileSync(file)
  const { ino } = statSync(file)
  t.match(await here.store('backup', file), { status: 0, stdout: new RegExp(`\\n0 added, 0 changed, 0 removed, ${objects} same\\n$`) })
  t.equal(statSync(file).ino, ino, 'the archive is not written again')
  here.put('other.yaml', config(here.at('other')))
  t.match(await here.with('other.yaml', 'restore', file), { status: 0 })
  t.equal(differ(from, here.at('other/store')), '')
  t.match(await here.with('other.yaml', 'restore', file), { status: 0, stdout: new RegExp(`0 added, 0 changed, 0 removed, ${objects} same`) })
  t.match(await here.with('other.yaml', 'export', here.at('out')), { status: 0 })
  t.equal(differ(from, here.at('out')), '')
  t.match(await here.with('other.yaml', 'backup', here.at('again.tar.gz')), { status: 0 })
  t.ok(readFileSync(here.at('again.tar.gz')).equals(packed), 'the same objects make the same archive')
})

t.test('tar knows our archives, and we those of tar', async t => {
  if (!needs(t, 'tar')) return
  const here = place(t)
  const from = fillFolder(here, 'store')
  t.equal((await here.store('backup', here.at('a.tar.gz'))).status, 0)
  mkdirSync(here.at('unpacked'))
  execFileSync('tar', ['-C', here.at('unpacked'), '-xzf', here.at('a.tar.gz')])
  t.equal(differ(from, here.at('unpacked')), '')
  here.put('store/README', 'none of ours')
  for (const [name, ...flags] of [['gnu.tar', '--format=gnu', '-cf'], ['pax.tgz', '--format=pax', '-czf'], ['ustar.tgz', '--format=gnu', '-czf']] as const) {
    execFileSync('tar', ['-C', from, ...flags, here.at(name), '.'])
    here.put('other.yaml', config(here.at(`other-${name}`)))
    t.match(await here.with('other.yaml', 'import', here.at(name)), { status: 0, stdout: new RegExp(`${objects} added`), stderr: /README: is no object/ }, name)
    t.match(differ(from, here.at(`other-${name}/store`)), /^Only in \S+: README\n$/)
  }
})

t.test('what differs is replaced only when that is asked for, and otherwise nothing is written', async t => {
  const here = place(t)
  here.put('store/generic/a', 'mine')
  here.put('store/generic/kept', 'mine')
  here.put('from/generic/a', 'theirs')
  here.put('from/generic/b', 'new')
  t.match(await here.store('import', here.at('from')), { status: 1, stdout: /generic\/a +changed\ngeneric\/b +added\n/, stderr: /nothing was written: --replace does it/ })
  t.notOk(existsSync(here.at('store/generic/b')))
  t.match(await here.store('import', '--dry-run', '--replace', here.at('from')), { status: 0, stdout: /\(nothing was written\)/ })
  t.equal(readFileSync(here.at('store/generic/a'), 'utf8'), 'mine')
  const { stdout } = await here.store('import', '--replace', '--json', here.at('from'))
  t.same(JSON.parse(stdout), { written: true, objects: [{ file: 'generic/a', fate: 'changed' }, { file: 'generic/b', fate: 'added' }] })
  t.equal(readFileSync(here.at('store/generic/a'), 'utf8'), 'theirs')
  t.equal(readFileSync(here.at('store/generic/kept'), 'utf8'), 'mine', 'an import takes nothing away')
  t.equal((await here.store('backup', here.at('b.tar.gz'))).status, 0)
  here.put('store/generic/later', 'x')
  t.match(await here.store('backup', here.at('b.tar.gz')), { status: 1, stderr: /is there and is something else/ })
  t.match(await here.store('restore', here.at('b.tar.gz')), { status: 1, stdout: /generic\/later +removed/ })
  t.ok(existsSync(here.at('store/generic/later')))
  t.match(await here.store('restore', '--replace', here.at('b.tar.gz')), { status: 0, stdout: /1 removed/ })
  t.notOk(existsSync(here.at('store/generic/later')))
})

t.test('no link leads out of a folder', async t => {
  const here = place(t)
  here.put('secret', 's')
  here.put('from/generic/a', 'a')
  symlinkSync(here.at('secret'), here.at('from/generic/b'))
  t.match(await here.store('import', here.at('from')), { status: 1, stderr: /generic\/b leads out of/ })
  here.put('store/generic/a', 'a')
  mkdirSync(here.at('out'))
  mkdirSync(here.at('elsewhere'))
  symlinkSync(here.at('elsewhere'), here.at('out/generic'))
  t.match(await here.store('export', here.at('out')), { status: 1, stderr: /leads out of/ })
  t.notOk(existsSync(here.at('elsewhere/a')))
})

interface Member { readonly path: string, readonly content?: Buffer, readonly type?: string, readonly size?: number, readonly linkpath?: string, readonly pax?: string }

function archive (...members: readonly Member[]): Buffer {
  const blocks = members.flatMap(({ path, content = Buffer.alloc(0), type = 'File', size = content.length, linkpath = '', pax }) => {
    const header = new Header({ path, type: type as 'File', mode: 0o644, uid: 0, gid: 0, size, mtime: new Date(0), linkpath })
    header.encode()
    return [pax === undefined ? Buffer.alloc(0) : new Pax({ path: pax }).encode(), header.block!, content, Buffer.alloc(-content.length & 511)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

t.test('hostile archives are refused with what is wrong in them, and leave nothing behind', async t => {
  const here = place(t)
  const good: Member = { path: 'generic/good', content: Buffer.from('good') }
  const cut = gzipSync(archive(good, { path: 'generic/b', content: Buffer.alloc(5000, 'b') }))
  const spoiled = archive(good, good)
  spoiled[1024] = 0x7a
  const cases: ReadonlyArray<readonly [string, Buffer, RegExp]> = [
    ['a symbolic link', archive(good, { path: 'generic/l', type: 'SymbolicLink', linkpath: '/etc/passwd' }), /"generic\/l" is a link/],
    ['a hard link', archive(good, { path: 'generic/l', type: 'Link', linkpath: 'generic/good' }), /"generic\/l" is a link/],
    ['a link for a folder', archive({ path: 'generic', type: 'SymbolicLink', linkpath: '/etc' }, good), /"generic" is a link/],
    ['a device', archive(good, { path: 'generic/d', type: 'CharacterDevice' }), /"generic\/d" is of a kind/],
    ['a fifo', archive(good, { path: 'generic/d', type: 'FIFO' }), /"generic\/d" is of a kind/],
    ['out of the folder', archive(good, { path: '../generic/x' }), /"\.\.\/generic\/x" leads out/],
    ['out of the folder from within', archive(good, { path: 'generic/../../x' }), /leads out/],
    ['out of the folder by a pax header', archive(good, { path: 'generic/x', pax: 'generic/../../../x' }), /leads out/],
    ['an absolute path', archive(good, { path: '/generic/x' }), /"\/generic\/x" is an absolute path/],
    ['a member that is huge', archive(good, { path: 'generic/x', size: 8 * 1024 ** 3 - 1 }), /"generic\/x" is too large: 8589934591 bytes/],
    ['a member that is huge elsewhere', archive(good, { path: 'README', size: 8 * 1024 ** 3 - 1 }), /"README" is too large/],
    ['one twice', archive(good, good), /"generic\/good" stands in it twice/],
    ['an empty part of a name', archive(good, { path: 'generic/a//b' }), /generic\/a\/\/b.*is empty/],
    ['a file that is a folder too', archive(good, { path: 'generic/good/x' }), /"generic\/good" is a file already/],
    ['a name that is too long', archive(good, { path: 'generic/x', pax: `generic/${'x'.repeat(256)}` }), /longer than 255 bytes/],
    ['a broken header', spoiled, /is no whole archive: TAR_ENTRY_INVALID/],
    ['cut off', cut.subarray(0, cut.length - 20), /is no whole archive/],
    ['cut off in a member', archive(good, { path: 'generic/b', size: 4096 }).subarray(0, 2000), /is no whole archive/],
    ['packed twice', gzipSync(gzipSync(archive(good))), /is no tar archive/],
    ['something else', Buffer.alloc(4096, 'x'), /is no tar archive/],
    ['nothing', Buffer.alloc(0), /is no tar archive/],
    ['another folder', archive({ path: 'matchbox/generic/x' }), /has no folder of a store: pack it with tar/],
    ['a bomb', gzipSync(Buffer.concat([archive(good), Buffer.alloc(600 * 1024 ** 2)]), { level: 1 }), /unpacks to more than 536870912 bytes|is no whole archive/]
  ]
  for (const [name, bytes, why] of cases) {
    const file = here.put('hostile.tar.gz', bytes)
    for (const action of ['import', 'restore']) {
      const { status, stdout, stderr } = await here.store(action, file)
      t.match({ status, stdout, stderr }, { status: 1, stdout: '', stderr: why }, `${action}: ${name}`)
      t.equal(stderr.split('\n').length, 2, 'in one line')
    }
    t.notOk(existsSync(here.at('store')), name)
  }
})

t.test('wrong usage, and places that are not there', async t => {
  const here = place(t)
  for (const args of [[], ['import'], ['pack', 'x'], ['export', 'a', 'b']]) t.match(await here.store(...args), { status: 2, stdout: '' }, args.join(' '))
  t.match(await here.store('import', here.at('none')), { status: 1, stderr: /none: ENOENT/ })
  t.match(await here.store('restore', here.folder), { status: 2, stderr: /is a folder: store import takes it/ })
  t.match(await here.store('backup', here.at('x.tar.gz')), { status: 1, stderr: /store/ }, 'no backup of what is not there')
  t.notOk(existsSync(here.at('x.tar.gz')))
  mkdirSync(here.at('empty'))
  t.match(await here.store('import', here.at('empty')), { status: 1, stderr: /has no object of a store/ })
})

t.test('a place that can not be written or a folder that cannot be written says how far it came', async t => {
  const here = place(t)
  here.put('from/generic/a', 'a')
  here.put('from/profiles/p.json', '{"id":"p"}')
  here.put('store/generic/x', 'x')
  // A file where a folder is to be: also root cannot write below it.
  here.put('store/profiles', '')
  const { status, stderr } = await here.store('import', here.at('from'))
  t.equal(status, 1)
  t.match(stderr, /profiles/)
  chmodSync(here.at('store'), 0o755)
})
