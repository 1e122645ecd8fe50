// What becomes of a store that is given another's objects, how it is written to a folder and to etcd, and what neither takes.
import { existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { AppError } from '../../src/base/errors.js'
import type { Transaction } from '../../src/cluster/shared-state.js'
import { largestValue } from '../../src/store/etcd-store.js'
import { assertFits, etcdNameOf, writeToEtcd } from '../../src/store/etcd-files.js'
import { assertWithin, filesOf, isFolder, writeFiles } from '../../src/store/folder-files.js'
import { assertStorable, type Move, movesOf, type ObjectFiles } from '../../src/store/moves.js'

const filesFrom = (files: Readonly<Record<string, string>>): ObjectFiles => new Map(Object.entries(files).map(([file, text]) => [file, Buffer.from(text)]))
const written = (file: string, bytes: Buffer = Buffer.from('x')): Move => ({ file, fate: 'added', bytes })
const removed = (file: string): Move => ({ file, fate: 'removed', bytes: undefined })

t.test('what a config needs is written before it and removed after it', t => {
  const from = filesFrom({ 'groups/b.json': '1', 'groups/a.json': '1', 'profiles/p.json': '1', 'generic/g': '1', 'cloud/c': '1', 'ignition/i': '1', 'files/f': '1', 'snippets/s': '1' })
  const to = filesFrom({ 'groups/a.json': '1', 'generic/g': '2', 'profiles/gone.json': '', 'groups/gone.json': '', 'snippets/gone': '' })
  const short = (whole: boolean): string[] => movesOf(from, to, { whole }).map(({ file, fate, bytes }) => `${fate} ${file} ${bytes?.toString()}`)
  const kept = ['added snippets/s 1', 'added files/f 1', 'added ignition/i 1', 'added cloud/c 1', 'changed generic/g 1', 'added profiles/p.json 1', 'same groups/a.json 1', 'added groups/b.json 1']
  t.same(short(false), kept)
  t.same(short(true), [...kept, 'removed groups/gone.json undefined', 'removed profiles/gone.json undefined', 'removed snippets/gone undefined'])
  t.end()
})

t.test('files that no store can hold', t => {
  assertStorable(filesFrom({ 'groups/a.json': '', 'profiles/deep/p.json': '', 'ignition/a': '', 'ignition/b/c/d': '' }))
  for (const [files, why] of [
    [{ 'groups/deep/a.json': '' }, /^"groups\/deep\/a\.json": no folder of groups, profiles, .* can hold it$/],
    [{ 'other/a': '' }, /no folder of/],
    [{ 'ignition/a\0': '' }, /^"ignition\/a\\u0000": /],
    [{ 'ignition/../a': '' }, /: /],
    [{ [`ignition/${'n'.repeat(256)}`]: '' }, /: /],
    [{ 'ignition/a': '', 'ignition/a/b/c': '' }, /"ignition\/a" is a file already and would have to be a folder$/],
    [{ 'ignition/a/b': '', 'ignition/a/b/c': '' }, /"ignition\/a\/b" is a file already/]
  ] as const) t.throws(() => { assertStorable(filesFrom(files)) }, { code: 'id_invalid', message: why }, JSON.stringify(files).slice(0, 60))
  t.end()
})

t.test('a folder: every object whole, and how far it came where one could not be written', async t => {
  const root = t.testdir({ groups: { 'old.json': 'old' }, profiles: 'a file where the folder should be' })
  const moves = [written('ignition/a'), { ...written('ignition/same'), fate: 'same' as const }, removed('groups/old.json'), written('profiles/p.json'), written('ignition/late')]
  await t.rejects(writeFiles(root, moves), { code: 'write_failed', message: /; 2 of 4 files are done, each of them whole: the same command with --replace does the rest$/ })
  t.same([readFileSync(join(root, 'ignition/a'), 'utf8'), existsSync(join(root, 'groups/old.json')), existsSync(join(root, 'ignition/same')), existsSync(join(root, 'ignition/late'))], ['x', false, false, false])
  t.equal(await isFolder(root), true)
  t.equal(await isFolder(join(root, 'profiles')), false)
  await t.rejects(isFolder(join(root, 'nowhere')), { code: 'read_failed', message: /nowhere: ENOENT/ })
})

t.test('what leads out of a folder is refused, whatever of it is there', async t => {
  const base = realpathSync(t.testdir({ store: { groups: { 'a.json': '' } }, 'store-other': { x: '' }, outside: {} }))
  const root = join(base, 'store')
  for (const [name, target] of [['within', 'groups/a.json'], ['top', '.'], ['beside', '../store-other/x'], ['out', '../outside'], ['loop', 'loop'], ['dangling', '../outside/nowhere']] as const) symlinkSync(target, join(root, name))
  await assertWithin(root, ['groups/a.json', 'within', 'top', 'groups/new.json', 'new/deep/file'])
  await assertWithin(join(base, 'nowhere'), ['a'])
  await assertWithin('/', ['etc', 'nowhere'])
  for (const [file, why] of [['beside', /beside leads out of .*\/store, to .*\/store-other\/x: nothing was done$/], ['out/new', /leads out of/], ['loop', /: ELOOP/], ['groups/a.json/x', /: ENOTDIR/]] as const) {
    await t.rejects(assertWithin(root, ['groups/a.json', file]), { code: 'read_failed', message: why }, file)
  }
  await t.rejects(assertWithin(join(root, 'loop'), []), { code: 'read_failed', message: /loop: ELOOP/ })
  mkdirSync(join(base, 'link-of'))
  symlinkSync(root, join(base, 'link-of/store'))
  await assertWithin(join(base, 'link-of/store'), ['within'])
  writeFileSync(join(root, 'plain'), '')
})

t.test('an object that could not be read is an error, one that no store has is not', t => {
  type Store = Parameters<typeof filesOf>[0]
  const store = (problems: ReturnType<Store['problems']>, bytes: Buffer | undefined = Buffer.from('{')): Store =>
    ({ problems: () => problems, sources: () => [{ kind: 'group', name: 'a', where: 'groups/a.json', bytes }] })
  const problem = (where: string, message: string, name?: string) => ({ kind: 'group' as const, name, where, message })
  t.same([...filesOf(store([problem('groups/a.json', 'is no JSON', 'a')]))], [['groups/a.json', Buffer.from('{')]], 'what cannot be used is taken as it is')
  t.same(filesOf(store([problem('groups/more/deep', 'is strange'), problem('files/units/deep', 'is strange')])).size, 1)
  const unread = { ...store([problem('groups/a.json', 'EACCES', 'a')]), sources: () => [{ kind: 'group' as const, name: 'a', where: 'groups/a.json', bytes: undefined }] }
  for (const [given, why] of [
    [unread, 'groups/a.json: EACCES'],
    [{ ...unread, problems: () => [] }, 'groups/a.json: cannot be read'],
    [store([problem('.', 'the data folder cannot be read')]), 'the data folder cannot be read'],
    [store([problem('', 'nothing was read yet')]), 'the store: nothing was read yet'],
    [store([problem('groups', 'the folder cannot be read')]), 'groups: the folder cannot be read'],
    [store([problem('files/units', 'the folder cannot be read')]), 'files/units: the folder cannot be read']
  ] as const) t.throws(() => filesOf(given), { code: 'read_failed', message: why }, why)
  t.end()
})

/** An etcd that answers each transaction as it is told to, and keeps what it was asked. */
function etcd (answer: (request: Transaction, n: number) => { succeeded: boolean, values?: ReadonlyArray<Buffer | undefined> }) {
  const asked: Transaction[] = []
  const state = {
    get: (name: string) => name === 'groups/known' ? { value: Buffer.from('old'), revision: 7 } : undefined,
    etcdKey: (name: string) => Buffer.from(`/x/${name}`),
    transact: async (request: Transaction) => {
      asked.push(request)
      const { succeeded, values = [] } = answer(request, asked.length)
      return { succeeded, responses: values.map(value => ({ response_range: { kvs: value === undefined ? [] : [{ value }] } })) }
    }
  }
  return { asked, write: (moves: readonly Move[]) => writeToEtcd(state as never, moves) }
}

t.test('etcd: each object compared with what was there, 128 operations and a MiB at a time', async t => {
  t.equal(etcdNameOf('groups/a.json'), 'groups/a')
  t.throws(() => etcdNameOf('other/a'), { code: 'id_invalid' })
  const { asked, write } = etcd(() => ({ succeeded: true }))
  await write([written('groups/known.json', Buffer.from('new')), { ...written('groups/same.json'), fate: 'same' }, removed('profiles/p.json')])
  t.same(asked, [{
    compare: [['groups/known', 7], ['profiles/p', 0]].map(([name, revision]) => ({ key: Buffer.from(`/x/${name}`), target: 'MOD', result: 'EQUAL', mod_revision: revision })),
    success: [{ request_put: { key: Buffer.from('/x/groups/known'), value: Buffer.from('new') } }, { request_delete_range: { key: Buffer.from('/x/profiles/p') } }],
    failure: ['groups/known', 'profiles/p'].map(name => ({ request_range: { key: Buffer.from(`/x/${name}`) } }))
  }])
  const sizes = async (moves: readonly Move[]): Promise<number[]> => {
    const { asked, write } = etcd(() => ({ succeeded: true }))
    await write(moves)
    return asked.map(({ success }) => success.length)
  }
  t.same(await sizes(Array.from({ length: 257 }, (_, n) => written(`generic/${n}`))), [128, 128, 1])
  const [half, name] = [largestValue / 2, 'generic/a'.length]
  t.same(await sizes([written('generic/a', Buffer.alloc(half - name)), written('generic/b', Buffer.alloc(half - name)), written('generic/c')]), [2, 1])
  t.same(await sizes([written('generic/a', Buffer.alloc(half - name)), written('generic/b', Buffer.alloc(half - name + 1))]), [1, 1])
  t.same(await sizes([written('generic/a'), written('generic/b', Buffer.alloc(largestValue)), written('generic/c')]), [1, 1, 1])
  assertFits([written('generic/b', Buffer.alloc(largestValue)), removed('generic/c')])
  const large = etcd(() => ({ succeeded: true }))
  await t.rejects(large.write([written('generic/a'), written('generic/b', Buffer.alloc(largestValue + 1))]), { code: 'message_too_large', message: /nothing was written$/ })
  t.same(large.asked, [])
})

t.test('etcd: what another member did already is done; what somebody else changed is an error that says how far it came', async t => {
  const many = Array.from({ length: 130 }, (_, n) => written(`generic/${n}`))
  const x = Buffer.from('x')
  await etcd(() => ({ succeeded: false, values: [x, undefined] })).write([written('generic/a'), removed('generic/b')])
  for (const values of [[x, x], [undefined, undefined], [Buffer.from('y'), undefined]]) {
    await t.rejects(etcd(() => ({ succeeded: false, values })).write([written('generic/a'), removed('generic/b')]), { code: 'store_changed', message: /^somebody changed one of "generic\/a", "generic\/b" meanwhile; 0 of 2 objects are done: run it again/ })
  }
  await t.rejects(etcd((_, n) => ({ succeeded: n === 1 })).write(many), { message: /; 128 of 130 objects are done: run it again/ })
  await t.rejects(etcd((_, n) => ({ succeeded: n > 1 })).write(many), { message: /"generic\/0", "generic\/1", "generic\/2" and 125 more meanwhile; 0 of 130/ })
  const away = etcd((_, n) => {
    if (n === 2) throw new AppError('etcd_away', 'etcd is away')
    return { succeeded: true }
  })
  await t.rejects(away.write(many), { code: 'etcd_away', message: /^etcd is away; 128 of 130 objects are done, and 2 more may be: run it again/ })
  await t.rejects(etcd(() => { throw new TypeError('a fault of ours') }).write(many), { name: 'TypeError' })
})
