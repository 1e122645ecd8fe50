// store import, export, backup and restore, as a person uses them: between folders, archives and a real etcd.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Header, Pax } from 'tar'
import t, { type Test } from 'tap'
import { type EtcdCluster, startEtcd } from '../helpers/etcd.js'
import { type Ended, Program } from '../helpers/program.js'
import { needs } from '../helpers/tools.js'

interface Place {
  readonly folder: string
  readonly at: (name: string) => string
  readonly put: (name: string, text: string | Uint8Array) => string
  /** With the folder `store`. */
  readonly store: (...args: string[]) => Promise<Ended>
  readonly with: (config: string, ...args: string[]) => Promise<Ended>
}

function place (t: Test): Place {
  const folder = mkdtempSync(join(tmpdir(), 'store-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  const at = (name: string): string => join(folder, name)
  const put = (name: string, text: string | Uint8Array): string => {
    mkdirSync(dirname(at(name)), { recursive: true })
    writeFileSync(at(name), text)
    return at(name)
  }
  put('folder.yaml', config(folder))
  const run = (file: string, ...args: string[]): Promise<Ended> => new Program(['store', ...args, '--config', at(file)]).end()
  return { folder, at, put, store: (...args) => run('folder.yaml', ...args), with: run }
}

const config = (folder: string, more = ''): string => `data_path: ${folder}/store
state_path: ${folder}/state
control_socket: ${folder}/control.sock
rpc: { address: "" }
${more}`

const shared = (folder: string, cluster: EtcdCluster, prefix: string): string =>
  config(folder, `cluster: { name: p1, etcd: { endpoints: [${cluster.endpoints.join(', ')}], prefix: ${prefix} } }\n`)

/** Objects of every kind, with what makes names and bytes hard. */
function fillFolder (here: Place, name: string, more = 0): string {
  const long = `${'n'.repeat(180)}.yaml`
  here.put(`${name}/groups/a.json`, '{"id": "a",   "profile": "p"}\n\n')
  here.put(`${name}/groups/broken.json`, '{"id": ')
  here.put(`${name}/profiles/p.json`, '{"id":"p","boot":{}}')
  here.put(`${name}/profiles/below/q.json`, '{"id":"q"}')
  here.put(`${name}/ignition/${long}`, 'a: 1\r\n')
  here.put(`${name}/ignition/bytes`, Buffer.from(Array.from({ length: 256 }, (_, n) => n)))
  here.put(`${name}/ignition/empty`, '')
  here.put(`${name}/cloud/ünïcode näme`, '#cloud-config\n')
  here.put(`${name}/generic/large`, Buffer.alloc(900_000, 'x'))
  here.put(`${name}/snippets/s`, '{{ define "s" }}{{ end }}')
  here.put(`${name}/files/deep/er/f`, 'f')
  for (let n = 0; n < more; n++) here.put(`${name}/generic/n${n}`, `${n}`)
  return here.at(name)
}

const objects = 11
const differ = (a: string, b: string): string => {
  try {
    return execFileSync('diff', ['-r', a, b], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    return (error as { stdout: string, stderr: string }).stdout + (error as { stderr: string }).stderr
  }
}

t.test('folder, archive, folder: the same bytes, and a second time nothing', async t => {
  const here = place(t)
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

t.test('a folder into etcd, a backup out of it, into an empty prefix, and out again', async t => {
  if (!needs(t, 'etcd')) return
  const here = place(t)
  const cluster = await startEtcd(t)
  // More than one transaction takes.
  const from = fillFolder(here, 'from', 300)
  here.put('one.yaml', shared(here.at('one'), cluster, '/one/'))
  here.put('two.yaml', shared(here.at('two'), cluster, '/two/'))
  const all = objects + 300
  t.match(await here.with('one.yaml', 'import', '--dry-run', from), { status: 1, stderr: /etcd has nothing at \/one\// }, 'a look makes no fleet')
  t.match(await here.with('one.yaml', 'import', from), { status: 0, stdout: new RegExp(`${all} added, 0 changed, 0 removed, 0 same`) })
  t.match(await here.with('one.yaml', 'import', from), { status: 0, stdout: new RegExp(`0 added, 0 changed, 0 removed, ${all} same`) })
  t.equal((await here.with('one.yaml', 'backup', here.at('b.tar.gz'))).status, 0)
  t.match(await here.with('two.yaml', 'restore', here.at('b.tar.gz')), { status: 0, stdout: new RegExp(`${all} added`) })
  t.equal((await here.with('two.yaml', 'export', here.at('out'))).status, 0)
  t.equal(differ(from, here.at('out')), '')
  t.match(await here.with('two.yaml', 'export', here.at('out')), { status: 0, stdout: new RegExp(`0 added, 0 changed, 0 removed, ${all} same`) })

  here.put('change/generic/n1', 'other')
  here.put('change/generic/new', 'new')
  t.match(await here.with('two.yaml', 'import', here.at('change')), { status: 1, stdout: /generic\/n1 +changed/, stderr: /nothing was written/ })
  const etcd = await cluster.client()
  const valueOf = async (key: string): Promise<string | undefined> => (await etcd.call('Range', { key: Buffer.from(key) })).kvs[0]?.value.toString()
  t.equal(await valueOf('/two/generic/new'), undefined)
  t.match(await here.with('two.yaml', 'import', '--replace', here.at('change')), { status: 0, stdout: /1 added, 1 changed/ })
  t.equal(await valueOf('/two/generic/n1'), 'other')
  t.match(await here.with('two.yaml', 'restore', '--replace', here.at('b.tar.gz')), { status: 0, stdout: /0 added, 1 changed, 1 removed/ })
  t.equal(await valueOf('/two/generic/new'), undefined)
  t.equal(await valueOf('/two/generic/n1'), '1')

  here.put('change/generic/large', '')
  truncateSync(here.at('change/generic/large'), 1024 * 1024 + 1)
  t.match(await here.with('two.yaml', 'import', '--replace', here.at('change')), { status: 1, stdout: '', stderr: /"generic\/large" is too large for etcd: 1048577 bytes, and at most 1048576 \(1 MiB\) can be shared; nothing was written\n$/ })
  t.equal(await valueOf('/two/generic/new'), undefined)
  truncateSync(here.at('change/generic/large'), 1024 * 1024)
  t.match(await here.with('two.yaml', 'import', '--replace', here.at('change')), { status: 0 }, 'as large as can be')

  // What no folder can hold is told before anything is written.
  await etcd.call('Txn', { compare: [], success: [{ request_put: { key: Buffer.from('/two/generic/../x'), value: Buffer.from('x') } }], failure: [] })
  t.match(await here.with('two.yaml', 'export', here.at('out2')), { status: 1, stderr: /generic\/\.\.\/x/ })
  t.notOk(existsSync(here.at('out2')))
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
