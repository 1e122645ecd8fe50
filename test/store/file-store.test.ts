import fs, { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync, utimesSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { createLog, type Logger } from '../../src/base/log.js'
import { findConfig, findProfile, type OpenStore } from '../../src/matchbox/store.js'
import { openFileStore } from '../../src/store/file-store.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { makeGroup, makeProfile } from '../helpers/memory-store.js'
import { until } from '../helpers/until.js'

const log = pino({ level: 'silent' })

interface Options { clock?: Clock, tombstoneMs?: number, watch?: boolean, log?: Logger }

async function open (t: Test, dataPath: string, options: Options = {}): Promise<OpenStore> {
  const store = await openFileStore({ dataPath, tombstoneMs: 0, clock: new FakeClock(), log, watch: false, ...options })
  t.teardown(() => store.close())
  return store
}

/** Resolves when the store tells of a change after which `seen` holds. */
function seen (store: OpenStore, holds: () => boolean): Promise<void> {
  return new Promise(resolve => {
    if (holds()) { resolve(); return }
    // The store's own timers keep no process alive, and a folder that is gone has no watch that would.
    const alive = setInterval(() => {}, 1000)
    const stop = store.onChange(() => {
      if (!holds()) return
      clearInterval(alive)
      stop()
      resolve()
    })
  })
}

const group = (id: string, profile = 'p'): string => JSON.stringify({ id, profile })

t.test('a folder is loaded as Matchbox reads it', async t => {
  const folder = t.testdir({
    groups: {
      'a.json': group('a'),
      'upper.JSON': group('u'),
      noext: group('n'),
      'a.bak': group('b'),
      '.h.json': group('h'),
      '.json': group('dot'),
      'other.json': group('inner'),
      'bad.json': '{',
      'mac.json': '{"selector":{"mac":"x"}}',
      sub: { 'in.json': group('in') },
      'dir.json': {}
    },
    profiles: { 'p.json': '{"id":"p"}', 'noid.json': '{}', sub: { 'nested.json': '{"id":"nested"}' } },
    ignition: { 'x.ign': '{}', sub: { dir: { 'y.ign': '{}' } }, '.core-provisioner-0.tmp': 'torn', '.core-provisioner-1.tmp': 'being written' },
    cloud: { c: '#!' }
  })
  symlinkSync('x.ign', join(folder, 'ignition/link.ign'))
  utimesSync(join(folder, 'ignition/.core-provisioner-0.tmp'), 1, 1)
  const store = await open(t, folder)
  const { groups, profiles, configs } = store.snapshot
  t.same([...groups.keys()].sort(), ['', '.h', 'a', 'other'])
  t.equal(groups.get('other')?.id, 'inner')
  t.same([...profiles.keys()].sort(), ['p', 'sub/nested'])
  t.same([...configs.ignition.keys()].sort(), ['link.ign', 'sub/dir/y.ign', 'x.ign'])
  t.same([...configs.cloud.keys()], ['c'])
  t.equal(configs.generic.size, 0)
  t.same(store.problems().map(p => p.where).sort(), ['groups/bad.json', 'groups/mac.json', 'profiles/noid.json'])
  t.same(readdirSync(join(folder, 'ignition')).sort(), ['.core-provisioner-1.tmp', 'link.ign', 'sub', 'x.ign'], 'what an interrupted write left is gone, what another process writes now is not')
})

t.test('references are cleaned and stay inside', async t => {
  const folder = t.testdir({ profiles: { 'who.json': '{"id":"who"}', sub: { 'n.json': '{"id":"n"}' } }, generic: { g: 'x' }, cloud: {} })
  const { snapshot } = await open(t, folder)
  for (const id of ['who', '../profiles/who', '/sub/../who', '//who']) t.equal(findProfile(snapshot, id)?.id, 'who', id)
  t.equal(findProfile(snapshot, 'sub/n')?.id, 'n')
  for (const id of ['WHO', '', '../who', 'who\0', '../../etc/who']) t.equal(findProfile(snapshot, id), undefined, id)
  for (const name of ['g', './g', '//g', '../generic/g', '../../../generic/g']) t.equal(findConfig(snapshot, 'generic', name)?.content.toString(), 'x', name)
  t.equal(findConfig(snapshot, 'cloud', '../generic/g')?.name, 'g')
  for (const name of ['', '.', '..', '../../../../etc/hostname', 'g\0', '../profiles/who.json']) t.equal(findConfig(snapshot, 'generic', name), undefined, name)
})

t.test('what a put returned from is on disk and in the snapshot; equal puts change nothing', async t => {
  const folder = join(t.testdir(), 'missing')
  const store = await open(t, folder)
  t.equal(store.problems()[0]?.where, '.', 'a missing folder is a problem')
  const changes: string[] = []
  store.onChange(list => { for (const c of list) changes.push(`${c.what} ${c.kind} ${c.name}`) })
  const old = store.snapshot
  await store.putGroup(makeGroup({ id: 'a', selector: { mac: '52-54-00-AA-BB-01' } }))
  t.equal(readFileSync(join(folder, 'groups/a.json'), 'utf8'), '{\n\t"id": "a",\n\t"profile": "p",\n\t"selector": {\n\t\t"mac": "52-54-00-AA-BB-01"\n\t}\n}')
  t.equal(store.snapshot.groups.get('a')?.selector.get('mac'), '52-54-00-AA-BB-01')
  t.equal(old.groups.size, 0, 'an old snapshot stays as it was')
  await store.putGroup(makeGroup({ id: 'a', selector: { mac: '52-54-00-AA-BB-01' } }))
  await store.putProfile(makeProfile({ id: 'p' }))
  await store.putConfig('ignition', 'x.ign', Buffer.from('{}'))
  await store.putConfig('ignition', 'x.ign', Buffer.from('{}'))
  t.same(changes, ['put group a', 'put profile p', 'put ignition x.ign'])
  await Promise.all(['p1', 'p2', 'p3'].map(profile => store.putGroup(makeGroup({ id: 'a', profile }))))
  t.match(readFileSync(join(folder, 'groups/a.json'), 'utf8'), '"p3"', 'puts of one object keep their order')
  t.equal(store.snapshot.groups.get('a')?.profile, 'p3')
  await store.deleteGroup('a')
  await store.deleteGroup('a')
  await store.deleteConfig('ignition', 'x.ign')
  t.equal(store.snapshot.groups.size + store.snapshot.configs.ignition.size, 0)
  t.same(readdirSync(join(folder, 'groups')), [])
  for (const id of ['', '.', '..', 'a/b', '../x', 'a\0', '.core-provisioner-1', 'n'.repeat(251)]) {
    await t.rejects(store.putGroup(makeGroup({ id })), { code: 'id_invalid' }, JSON.stringify(id.slice(0, 9)))
    await t.rejects(store.deleteGroup(id), { code: 'id_invalid' })
  }
  await store.putConfig('generic', 'n'.repeat(255), Buffer.from('x'))
})

t.test('a failed write changes nothing', async t => {
  const folder = t.testdir({ groups: 'a file where the folder should be' })
  const store = await open(t, folder)
  await t.rejects(store.putGroup(makeGroup({ id: 'a' })), { code: 'write_failed' })
  t.equal(store.snapshot.groups.size, 0)
})

t.test('machines keep what was deleted for a while', async t => {
  const clock = new FakeClock()
  const store = await open(t, t.testdir(), { clock, tombstoneMs: 30_000 })
  await store.putGroup(makeGroup({ id: 'a' }))
  await store.putConfig('generic', 'g', Buffer.from('x'))
  await store.deleteGroup('a')
  await store.deleteConfig('generic', 'g')
  t.equal(store.snapshot.groups.size, 0)
  t.equal(store.snapshot.forMachines.groups.get('a')?.tombstone, true)
  t.equal(store.snapshot.forMachines.configs.generic.size, 1)
  clock.advance(20_000)
  await store.putGroup(makeGroup({ id: 'a', profile: 'new' }))
  t.equal(store.snapshot.forMachines.groups.get('a')?.profile, 'new', 'a put ends it')
  t.equal(store.snapshot.forMachines.groups.get('a')?.tombstone, undefined)
  clock.advance(20_000)
  t.equal(store.snapshot.forMachines.groups.size, 1)
  t.equal(store.snapshot.forMachines.configs.generic.size, 0)
  await store.deleteGroup('a')
  await store.close()
  t.equal(clock.pending, 0, 'a closed store leaves no timer')
})

t.test('outside edits are seen within a second', async t => {
  const folder = t.testdir({ groups: { 'a.json': group('a', 'one'), 'b.json': group('b') }, profiles: {}, ignition: { 'x.ign': '1' } })
  const store = await open(t, folder, { clock: systemClock, watch: true })
  const profileOf = (id: string): string | undefined => store.snapshot.groups.get(id)?.profile
  const path = (...parts: string[]): string => join(folder, ...parts)

  writeFileSync(path('groups/a.json'), group('a', 'two'))
  await seen(store, () => profileOf('a') === 'two')

  writeFileSync(path('groups/.a.json.swp'), group('a', 'three'))
  renameSync(path('groups/.a.json.swp'), path('groups/a.json'))
  await seen(store, () => profileOf('a') === 'three')

  writeFileSync(path('groups/a.json'), '{"id": ')
  writeFileSync(path('groups/new.json'), group('new'))
  await seen(store, () => profileOf('new') === 'p')
  t.equal(profileOf('a'), 'three', 'a broken file keeps its last good value')
  t.match(store.problems(), [{ kind: 'group', name: 'a', where: 'groups/a.json', message: '1:8: unexpected end of JSON input' }])
  writeFileSync(path('groups/a.json'), group('a', 'four'))
  await seen(store, () => profileOf('a') === 'four')
  t.same(store.problems(), [])

  unlinkSync(path('groups/b.json'))
  await seen(store, () => profileOf('b') === undefined)

  mkdirSync(path('cloud'))
  writeFileSync(path('cloud/c.yaml'), '#!')
  await seen(store, () => store.snapshot.configs.cloud.has('c.yaml'))
  mkdirSync(path('ignition/sub'))
  writeFileSync(path('ignition/sub/y.ign'), '1')
  await seen(store, () => store.snapshot.configs.ignition.has('sub/y.ign'))
  writeFileSync(path('ignition/sub/y.ign'), '2')
  await seen(store, () => store.snapshot.configs.ignition.get('sub/y.ign')?.content.toString() === '2')
})

t.test('a folder that is swapped, deleted and made again', async t => {
  const base = t.testdir({ data: { groups: { 'a.json': group('a', 'one') }, ignition: { x: '1' } }, next: { 'a.json': group('a', 'two'), 'b.json': group('b') } })
  const path = (...parts: string[]): string => join(base, ...parts)
  const store = await open(t, path('data'), { clock: systemClock, watch: true })
  const profileOf = (id: string): string | undefined => store.snapshot.groups.get(id)?.profile

  renameSync(path('data/groups'), path('old'))
  renameSync(path('next'), path('data/groups'))
  await seen(store, () => profileOf('a') === 'two' && profileOf('b') === 'p')
  writeFileSync(path('data/groups/c.json'), group('c'))
  await seen(store, () => profileOf('c') === 'p')
  writeFileSync(path('old/d.json'), group('d'))

  renameSync(path('data'), path('away'))
  await seen(store, () => store.snapshot.groups.size === 0)
  t.match(store.problems(), [{ kind: undefined, name: undefined, where: '.' }])
  renameSync(path('away'), path('data'))
  await seen(store, () => profileOf('c') === 'p' && store.problems().length === 0)
  writeFileSync(path('data/groups/e.json'), group('e'))
  await seen(store, () => profileOf('e') === 'p')

  rmSync(path('data'), { recursive: true })
  await seen(store, () => store.snapshot.groups.size === 0)
  mkdirSync(path('data/groups'), { recursive: true })
  writeFileSync(path('data/groups/f.json'), group('f'))
  await seen(store, () => profileOf('f') === 'p')
  t.equal(profileOf('d'), undefined)
})

t.test('edits that raise no event in the store are seen: a link whose target changes, a linked folder', async t => {
  const base = t.testdir({
    data: { groups: {}, ignition: {}, profiles: {} },
    elsewhere: { 'a.json': group('a', 'one'), more: { 'x.ign': '1' } }
  })
  const path = (...parts: string[]): string => join(base, ...parts)
  symlinkSync(path('elsewhere/a.json'), path('data/groups/a.json'))
  symlinkSync(path('elsewhere/more'), path('data/ignition/more'))
  symlinkSync(path('data'), path('data/ignition/loop'))
  const clock = new FakeClock()
  const store = await open(t, path('data'), { clock, watch: true })
  const read = (name: string): string | undefined => store.snapshot.configs.ignition.get(name)?.content.toString()
  t.equal(store.snapshot.groups.get('a')?.profile, 'one')
  t.same([...store.snapshot.configs.ignition.keys()], ['more/x.ign'], 'a link that leads back is not followed')

  writeFileSync(path('elsewhere/a.json'), group('a', 'two'))
  writeFileSync(path('elsewhere/more/x.ign'), '22')
  const told = new Promise<void>(resolve => { store.onChange(() => { if (read('more/x.ign') === '22' && store.snapshot.groups.get('a')?.profile === 'two') resolve() }) })
  clock.advance(3000)
  await told

  writeFileSync(path('elsewhere/more/y.ign'), 'new')
  await store.rescan()
  t.equal(read('more/y.ign'), 'new', 'asked to, it looks at once')
  await store.close()
  clock.advance(10_000)
  t.equal(clock.pending, 0)
})

t.test('a store that took long to read is not looked at as a whole again the next moment; what is behind links is', async t => {
  const base = t.testdir({ data: { groups: { 'plain.json': group('plain') }, profiles: {} }, elsewhere: { 'linked.json': group('linked', 'one') } })
  symlinkSync(join(base, 'elsewhere/linked.json'), join(base, 'data/groups/linked.json'))
  const clock = new FakeClock()
  const slow = Object.create(log, { debug: { value: () => { clock.advance(500) } } }) as Logger
  const store = await open(t, join(base, 'data'), { clock, watch: true, log: slow })

  const looked: string[] = []
  t.teardown(failing('EIO', path => { looked.push(path); return false }))
  const isLookedAt = (): boolean => looked.includes(join(base, 'data/groups/plain.json'))
  writeFileSync(join(base, 'elsewhere/linked.json'), group('linked', 'two'))
  clock.advance(3000)
  await seen(store, () => store.snapshot.groups.get('linked')?.profile === 'two')
  t.notOk(isLookedAt())
  await until('all are looked at', () => {
    clock.advance(3000)
    return isLookedAt()
  })
})

t.test('a data folder that is missing is told at level warn, once', async t => {
  const { stream, entries } = logLines()
  const log = createLog({ level: 'warn', pretty: false, destination: stream })
  const store = await openFileStore({ dataPath: join(t.testdir(), 'nowhere'), tombstoneMs: 0, clock: new FakeClock(), log, watch: false })
  await store.rescan()
  await store.close()
  t.match(entries(), [{ msg: 'store.unreadable', level: 'warn', path: /nowhere/, problem: /the data folder cannot be read/ }])
})

t.test('a file that cannot be read keeps what it said, is told of once, and is read when it can be', async t => {
  const folder = t.testdir({ groups: { 'a.json': group('a') }, profiles: { 'p.json': '{"id":"p"}' } })
  const { stream, entries } = logLines()
  const store = await open(t, folder, { log: createLog({ level: 'warn', pretty: false, destination: stream }) })
  const path = join(folder, 'groups/a.json')
  unlinkSync(path)
  // As a server of files that is away: stat(2) fails, with something other than that there is no such file.
  symlinkSync('a.json', path)
  for (let looks = 0; looks < 3; looks++) await store.rescan()
  t.match(store.problems(), [{ where: 'groups/a.json', message: /ELOOP/ }])
  t.ok(store.snapshot.groups.has('a'))
  t.equal(entries().filter(({ msg }) => msg === 'store.problem').length, 1)
  unlinkSync(path)
  writeFileSync(path, group('a'))
  await store.rescan()
  t.same(store.problems(), [])
})

t.test('a server of files that went away (NFS: ESTALE, EIO): what it said stays in force, is told of once, and is read again by itself', async t => {
  const folder = t.testdir({ groups: { 'a.json': group('a') }, profiles: { 'p.json': '{"id":"p"}' }, ignition: { 'i.ign': '{}' } })
  const { stream, entries } = logLines()
  const store = await open(t, folder, { log: createLog({ level: 'warn', pretty: false, destination: stream }) })
  for (const [code, away] of [['ESTALE', folder], ['EIO', join(folder, 'groups')], ['ESTALE', join(folder, 'groups/a.json')]] as const) {
    const before = entries().length
    const mend = failing(code, path => path === away || path.startsWith(`${away}/`))
    try {
      for (let looks = 0; looks < 3; looks++) await store.rescan()
    } finally {
      mend()
    }
    t.match(store.problems()[0]?.message, code, `${code} of ${away}`)
    t.same([[...store.snapshot.groups.keys()], [...store.snapshot.profiles.keys()], store.snapshot.configs.ignition.has('i.ign')], [['a'], ['p'], true])
    const told = entries().slice(before).map(({ msg, path, file }) => `${String(msg)} ${String(path ?? file)}`)
    t.ok(told.length > 0, 'told of')
    t.same([...new Set(told)], told, 'each once')
    await store.rescan()
    t.same(store.problems(), [], 'and well again')
  }
})

/** Has every look at such a path fail as the kernel would have it; gives what ends that. */
function failing (code: string, isAway: (path: string) => boolean): () => void {
  const undo: Array<() => void> = []
  const names = ['stat', 'lstat', 'open', 'opendir', 'readdir', 'readFile', 'realpath', 'access', 'statSync', 'lstatSync', 'openSync', 'opendirSync', 'readdirSync', 'readFileSync'] as const
  for (const [from, wanted] of [[fs.promises, names.filter(name => !name.endsWith('Sync'))], [fs, names.filter(name => name.endsWith('Sync'))]] as const) {
    const calls = from as unknown as Record<string, (path: unknown, ...more: unknown[]) => unknown>
    for (const name of wanted) {
      const real = calls[name]!
      const refuse = (path: string): Error => Object.assign(new Error(`${code}: it went away, ${name} '${path}'`), { code })
      calls[name] = from === fs.promises
        ? async (path, ...more) => {
          if (isAway(String(path))) throw refuse(String(path))
          return await real.call(from, path, ...more)
        }
        : (path, ...more) => {
            if (isAway(String(path))) throw refuse(String(path))
            return real.call(from, path, ...more)
          }
      undo.push(() => { calls[name] = real })
    }
  }
  syncBuiltinESMExports()
  return () => {
    for (const mend of undo) mend()
    syncBuiltinESMExports()
  }
}

t.test('a file that is empty at the start is told of at once', async t => {
  const dataPath = t.testdir({ groups: { 'a.json': '' } })
  const clock = new FakeClock()
  utimesSync(join(dataPath, 'groups/a.json'), clock.now() / 1000, clock.now() / 1000)
  t.match((await open(t, dataPath, { clock })).problems(), [{ where: 'groups/a.json', message: /unexpected end of JSON input/ }])
})

t.test('what is read in numbers is told of so many at a time, and edits that come meanwhile are one look', async t => {
  const folder = t.testdir({ groups: {}, profiles: {}, ignition: {}, cloud: {}, generic: {} })
  const store = await openFileStore({ dataPath: folder, tombstoneMs: 0, clock: new FakeClock(), log: pino({ level: 'silent' }), watch: false })
  t.teardown(() => store.close())
  const told: number[] = []
  let inForce = 0
  store.onChange(changes => {
    told.push(changes.length)
    inForce += changes.length
    t.equal(store.snapshot.groups.size, inForce, 'all that was told of is in force')
  })
  for (let n = 0; n < 500; n++) writeFileSync(join(folder, `groups/g${n}.json`), JSON.stringify({ id: `g${n}`, profile: 'p' }))
  await Promise.all([store.rescan(), store.rescan(), store.rescan()])
  t.same(told, [128, 128, 128, 116], 'whoever hears of them does not hold the event loop for all at once')
  t.equal(store.snapshot.groups.get('g499')?.profile, 'p')
})

t.test('a file that was just made is empty until it is written: told of when it stays so', async t => {
  const dataPath = t.testdir({ groups: { 'old.json': '{"id":"old","profile":"p"}' }, profiles: { 'p.json': '{"id":"p"}' } })
  const clock = new FakeClock()
  const store = await open(t, dataPath, { clock })
  for (const name of ['new', 'old', 'stays']) {
    const file = join(dataPath, `groups/${name}.json`)
    writeFileSync(file, '')
    utimesSync(file, clock.now() / 1000, clock.now() / 1000)
  }
  await store.rescan()
  t.same(store.problems(), [])
  t.same([...store.snapshot.groups.keys()], ['old'], 'as it was')
  for (const name of ['new', 'old']) writeFileSync(join(dataPath, `groups/${name}.json`), `{"id":"${name}","profile":"p"}`)
  clock.advance(60_000)
  await until('what is empty still is told', () => store.problems().length > 0)
  t.match(store.problems(), [{ where: 'groups/stays.json', message: /unexpected end of JSON input/ }])
  await store.rescan()
  t.same([...store.snapshot.groups.keys()].sort(), ['new', 'old'])
  t.equal(store.problems().length, 1)
})
