// A release on its way to its place: what is there already is not fetched again, what is damaged is, and what fails leaves what stood there.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { openSource } from '../../src/mirror/catalog.js'
import { type FetchContext, fetchRelease, type FetchResult } from '../../src/mirror/fetch-release.js'
import { HttpClient } from '../../src/mirror/http-client.js'
import { keysIn } from '../../src/mirror/key-store.js'
import { readManifest } from '../../src/mirror/layout.js'
import { Siblings } from '../../src/mirror/siblings.js'
import type { Release, WantedFile } from '../../src/mirror/source.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { sourceConfig } from '../helpers/mirror.js'
import { makeKey, Publisher, type TestKey } from '../helpers/publisher.js'

const key = await makeKey('publisher')
const [a, b, c] = ['a', 'b', 'c'].map(name => Buffer.alloc(20_000, name)) as [Buffer, Buffer, Buffer]
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

interface Site {
  readonly publisher: Publisher
  readonly folder: string
  readonly target: string
  readonly partial: string
  /** A file of that name and content, told by its digest. */
  readonly told: (name: string, bytes: Buffer, more?: Partial<WantedFile>) => WantedFile
  readonly signed: (name: string, bytes: Buffer, by?: TestKey) => Promise<WantedFile>
  readonly fetch: (files: readonly WantedFile[], more?: Partial<Release>, damaged?: readonly string[], context?: Partial<FetchContext>) => Promise<FetchResult>
  /** The paths that were asked for since the last call. */
  readonly asked: () => readonly string[]
}

async function site (t: Test): Promise<Site> {
  const publisher = await Publisher.start()
  t.teardown(() => publisher.close())
  const folder = join(t.testdir({ key: key.publicKey, site: {} }), 'site')
  const keys = await keysIn(join(t.testdirName, 'key'))
  const source = openSource(sourceConfig({ os: 'custom', base_url: publisher.url, files: [{ path: 'a', signature: '.sig' }] }))
  const { signal } = new AbortController()
  const told: Site['told'] = (name, bytes, more = {}) => {
    publisher.put(`/${name}`, bytes)
    return { name, url: `${publisher.url}/${name}`, signatureUrl: undefined, sha256: digest(bytes), aliases: [], ...more }
  }
  return {
    publisher,
    folder,
    target: join(folder, '1.0.0'),
    partial: join(folder, '.partial', `${source.id.replaceAll('/', '_')}@1.0.0`),
    told,
    signed: async (name, bytes, by = key) => {
      await publisher.putSigned(`/${name}`, bytes, by)
      return { name, url: `${publisher.url}/${name}`, signatureUrl: `${publisher.url}/${name}.sig`, sha256: undefined, aliases: [] }
    },
    fetch: async (files, more = {}, damaged = [], context = {}) => await fetchRelease(source, {
      version: '1.0.0', files, made: new Map([['made.txt', 'made here\n']]), statement: undefined, digestUrls: [], confirm: async () => {}, ...more
    }, folder, damaged, {
      client: new HttpClient({ env: {}, timeout: 60_000, clock: systemClock, signal }),
      clock: systemClock,
      timeout: 60_000,
      maxSize: 2 ** 20,
      signal,
      keys,
      before: undefined,
      published: [],
      onProgress: () => {},
      ...context
    }),
    asked: () => publisher.requests.splice(0).map(request => request.split(' ')[1]!.slice(1)).sort()
  }
}

t.test('a release is whole where it is seen; the next look fetches what is missing, changed in size, without its signature, or known to be bad', async t => {
  const { folder, target, partial, told, signed, fetch, asked } = await site(t)
  const files = [told('a', a, { aliases: ['kernel'] }), await signed('b', b), told('c', c)]
  t.match(await fetch(files), { outcome: 'published', near: 0 })
  t.same(readdirSync(target).sort(), ['a', 'b', 'b.sig', 'c', 'kernel', 'made.txt', 'release.json'])
  t.equal(readlinkSync(join(target, 'kernel')), 'a')
  for (const name of ['a', 'b', 'c']) t.equal(statSync(join(target, name)).mode & 0o222, 0, 'nobody writes to it')
  t.notOk(existsSync(partial))
  t.same(asked(), ['a', 'b', 'b.sig', 'c'])
  const manifest = await readManifest(target)
  t.match(manifest, { version: '1.0.0', files: [{ name: 'a', bytes: a.length, sha256: digest(a), digestGiven: true }, { name: 'b', digestGiven: false, signature: 'b.sig', key: key.fingerprint }, { name: 'c' }] })

  rmSync(join(target, 'kernel'))
  t.match(await fetch(files), { outcome: 'present' })
  t.same([asked(), readlinkSync(join(target, 'kernel'))], [[], 'a'], 'only its other names are made anew')
  const mended = async (what: string, damage: () => void, expected: readonly string[], damaged: readonly string[] = []): Promise<void> => {
    damage()
    t.match(await fetch(files, {}, damaged), { outcome: 'mended' }, what)
    t.same(asked(), expected, what)
    t.same([readFileSync(join(target, 'a')), readFileSync(join(target, 'b')), readFileSync(join(target, 'c'))], [a, b, c], what)
    t.same(readdirSync(folder).sort(), ['.partial', '1.0.0'], what)
    t.notOk(existsSync(partial), what)
    t.equal((await readManifest(target))?.published, manifest?.published, 'it was published when it was')
  }
  await mended('a file that is gone', () => { rmSync(join(target, 'a')) }, ['a'])
  await mended('a file that was cut', () => { rmSync(join(target, 'c')); writeFileSync(join(target, 'c'), c.subarray(1)) }, ['c'])
  await mended('a signature that is gone', () => { rmSync(join(target, 'b.sig')) }, ['b.sig'])
  t.ok(existsSync(join(target, 'b.sig')))
  await mended('a file that is known to be bad', () => { rmSync(join(target, 'a')); writeFileSync(join(target, 'a'), Buffer.alloc(a.length, 'x')) }, ['a'], ['a'])
  await t.rejects(fetch([told('a', b), ...files.slice(1)]), { code: 'image_mixed', message: /\/1\.0\.0\/a was published before/ })
  t.same(readFileSync(join(target, 'a')), a)
})

t.test('what an earlier try left is used when it is good, and fetched once more when it is not', async t => {
  const { partial, target, told, fetch, asked } = await site(t)
  const files = [told('a', a), told('b', b)]
  mkdirSync(partial, { recursive: true })
  mkdirSync(join(partial, '../custom@0.9.0'))
  writeFileSync(join(partial, 'a'), a)
  writeFileSync(join(partial, 'b'), Buffer.alloc(b.length, 'x'))
  writeFileSync(join(partial, 'other'), 'of no use')
  t.match(await fetch(files), { outcome: 'published' })
  t.same(asked(), ['b'])
  t.same(readdirSync(target).sort(), ['a', 'b', 'made.txt', 'release.json'])
  t.same(readFileSync(join(target, 'b')), b)
})

t.test('what is not the publisher\'s is not fetched again and again, and is not kept', async t => {
  const { publisher, target, partial, told, fetch, asked } = await site(t)
  const wrong = told('a', a)
  publisher.put('/a', b)
  await t.rejects(fetch([wrong]), { code: 'image_digest_wrong' })
  t.same(asked(), ['a'], 'what came in one go is judged once')
  t.notOk(existsSync(join(partial, 'a')))
  await t.rejects(fetch([told('a', a, { signatureUrl: `${publisher.url}/a.sig` })]), { code: 'image_signature_missing', message: /\/a has no signature/ })
  const stranger = await makeKey('stranger')
  publisher.put('/a.sig', await stranger.sign(a))
  await t.rejects(fetch([told('a', a, { signatureUrl: `${publisher.url}/a.sig` })]), { code: /^image_(?:key|signature)/ })
  t.notOk(existsSync(target))
  publisher.faults.set('/a', { kind: 'endless' })
  await t.rejects(fetch([wrong]), { code: 'image_too_large' })
  t.notOk(existsSync(partial), 'others need the space')
})

t.test('whatever else ends it is told as what it is, and keeps what was fetched for the next try', async t => {
  const { folder, target, partial, told, fetch, asked } = await site(t)
  const files = [told('a', a)]
  const mistake = new RangeError('a mistake of ours')
  await t.rejects(fetch(files, { confirm: async () => { throw mistake } }), mistake)
  t.same([asked(), existsSync(join(partial, 'a')), existsSync(target)], [['a'], true, false])
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  await t.rejects(fetch(files, { confirm: async () => { throw full } }), { code: 'disk_full', message: new RegExp(target) })
  t.notOk(existsSync(partial))
  const refused = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
  await t.rejects(fetch(files, { confirm: async () => { throw refused } }), { code: 'write_failed' })
  t.ok(existsSync(partial))
  t.match(await fetch(files), { outcome: 'published' })
  t.same(asked(), ['a'], 'only after the disk was full')
  t.same(readdirSync(folder).sort(), ['.partial', '1.0.0'])
})

t.test('two files at a time, and no further one after a failure', async t => {
  const { publisher, told, fetch, asked } = await site(t)
  const files = ['a', 'b', 'c', 'd', 'e'].map(name => told(name, Buffer.alloc(200_000, name)))
  publisher.slow = 1
  t.match(await fetch(files, { version: '2.0.0' }), { outcome: 'published' })
  t.equal(publisher.most, 2)
  asked()
  publisher.faults.set('/a', { kind: 'status', status: 404 })
  await t.rejects(fetch(files), { message: /the publisher does not have it/ })
  t.same(asked(), ['a', 'b'])
})

t.test('of a sibling only what the publisher vouches for; who is of no help is asked no more', async t => {
  const { publisher, told, signed, fetch, asked } = await site(t)
  const siblings = await Promise.all([1, 2, 3, 4].map(async () => {
    const one = await Publisher.start()
    t.teardown(() => one.close())
    return one
  }))
  const [liar, empty, third, fourth] = siblings as [Publisher, Publisher, Publisher, Publisher]
  const refused: string[] = []
  const open = (signal = new AbortController().signal, clock = systemClock, timeout = 60_000): Siblings => new Siblings({
    origins: siblings.map(({ url }) => url), clock, timeout, maxSize: 2 ** 20, signal, onFailure: origin => { refused.push(origin) }
  })
  const files = [told('a', a), await signed('b', b)]
  // Custom sources have one folder, and its name stands in the path.
  const put = (at: Publisher, name: string, bytes: Buffer): void => { for (const folder of ['custom', 'site', '']) at.put(`/assets/${folder}/1.0.0/${name}`.replace('//', '/'), bytes) }
  put(liar, 'a', b)
  put(liar, 'b', a)
  const near = open()
  const result = await fetch(files, {}, [], { siblings: near })
  t.match(result, { outcome: 'published', near: 0 })
  t.same(asked().filter(name => !name.endsWith('.sig')), ['a', 'b'], 'nobody has it: the publisher does')
  t.same([...new Set(refused)].sort(), [liar, empty, third].map(({ url }) => url).sort())
  t.same(fourth.requests, [], 'three are asked at most')
  t.equal(publisher.most <= 2, true)

  const stopped = new AbortController()
  stopped.abort()
  third.requests.length = 0
  t.equal(await open(stopped.signal).file('x/1/a', join(t.testdirName, 'none'), async () => true, () => {}), undefined)
  t.same([third.requests, siblings.flatMap(({ requests }) => requests).filter(request => request.includes('/x/1/'))], [[], []], 'who was stopped asks nobody')

  const clock = new FakeClock()
  const slow = new Siblings({ origins: [third.url], clock, timeout: 60_000, maxSize: 2 ** 20, signal: new AbortController().signal })
  third.faults.set('/assets/x/1/a', { kind: 'hang' })
  const requested = new Promise<void>(resolve => { third.onRequest = () => { resolve() } })
  const waiting = slow.file('x/1/a', join(t.testdirName, 'none'), async () => true, () => {})
  await requested
  t.ok(clock.pending > 0)
  clock.advance(5000)
  t.equal(await waiting, undefined, 'who says nothing is given five seconds')
  t.equal(clock.pending, 0)
})
