// How many may watch, and how many machines a page has.
import { once } from 'node:events'
import { get, type IncomingMessage, type ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { Pace } from '../../src/base/pace.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { type Mac, macFromBytes } from '../../src/net/mac.js'
import { Access } from '../../src/ui/access.js'
import { Boots, firstRows, pageRows } from '../../src/ui/boots.js'
import type { SectionPart } from '../../src/ui/boots-page.js'
import type { LadderSection } from '../../src/ui/ladder.js'
import { mostLate, watchers } from '../../src/ui/live-rows.js'
import { parsePlace, type ListPlace, placeText } from '../../src/ui/paging.js'
import { mostProblems } from '../../src/ui/store-page.js'
import { buildUiApp, mostReleases, strangerRows, type UiSource } from '../../src/ui/ui-app.js'
import { storeRows, storeShown } from '../../src/wiring/ui-store.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'
import { until } from '../helpers/until.js'

const source = (registry: MachineRegistry, clock = new FakeClock()): UiSource =>
  ({ registry, clock, now: clock.now, pace: new Pace(), problems: () => [] }) as unknown as UiSource

function page (t: Test, registry = new MachineRegistry([], { note: () => {} }), more: Partial<UiSource> = {}) {
  const filePath = (name: string): string => new URL(`../../assets/ui/${name}`, import.meta.url).pathname
  const app = buildUiApp({ source: { ...source(registry), ...more }, access: new Access([{ address: '127.0.0.0', length: 8 }], () => undefined, () => 0), names: new Set(['localhost']), filePath })
  t.teardown(() => app.close())
  return app
}

const asking = (app: ReturnType<typeof page>) => async (url: string): Promise<string> =>
  (await app.inject({ url, remoteAddress: '127.0.0.1', headers: { host: 'localhost' } })).body

/** The page of a store, asked by address; and what rows of one of its lists begin with. */
function storePages (t: Test, store: MemoryStore) {
  const registry = new MachineRegistry([], { note: () => {} })
  const ask = asking(page(t, registry, { store: places => storeShown({ store, registry }, places) }))
  return async (url: string) => {
    const body = await ask(url)
    const list = (id: string): string => new RegExp(`<section id="${id}">([^]*?)</section>`).exec(body)?.[1] ?? ''
    return {
      body,
      rows: (id: string): readonly string[] => [...list(id).matchAll(/<th scope="row">([^<]*)/g)].map(([, name = '']) => name),
      next: (id: string): string | undefined => /<a href="([^"]+)" rel="next">/.exec(list(id))?.[1]?.replaceAll('&amp;', '&')
    }
  }
}

t.test('an answer is compressed for who takes it (RFC 9110 section 12.5.3)', async t => {
  const app = page(t)
  for (const [encodings, isCompressed] of [
    [undefined, false], ['', false], ['gzip', true], ['GZIP;q=0.5', true], ['br, gzip;q=1.0', true], ['deflate, x-gzip', false], ['gzip;q=0', false], ['gzip ; q=0.000, br', false]
  ] as const) {
    for (const url of ['/ui/strangers', '/ui/page.css']) {
      const { headers } = await app.inject({ url, remoteAddress: '127.0.0.1', headers: { host: 'localhost', ...encodings !== undefined && { 'accept-encoding': encodings } } })
      t.equal(headers['content-encoding'], isCompressed ? 'gzip' : undefined, `${url} ${encodings ?? 'none'}`)
    }
  }
})

t.test('so many watch from one address and in all', async t => {
  for (const [most, address] of [[watchers.perAddress, () => '127.0.0.1'], [watchers.all, (n: number) => `127.0.1.${n}`]] as const) {
    const app = page(t)
    let [arrived, refused] = [0, 0]
    const allArrived = new Promise<void>(resolve => { app.addHook('onRequest', async () => { if (++arrived === most) resolve() }) })
    const ask = (n: number): Promise<void> => app.inject({ url: '/ui/events', remoteAddress: address(n), headers: { host: 'localhost' } }).then(({ statusCode }) => { if (statusCode !== 200) refused += statusCode })
    const watching = Array.from({ length: most }, (_, n) => ask(n))
    await allArrived
    t.equal(refused, 0)
    await ask(most)
    t.equal(refused, 503)
    await app.close()
    await Promise.all(watching)
  }
})

const turns = async (): Promise<void> => { for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve)) }

/** Who watches, and the answers that they are given; `before` is awaited for each. */
function watched (t: Test, before: () => Promise<void> = async () => {}) {
  const [clock, registry] = [new FakeClock(), new MachineRegistry([], { note: () => {} })]
  const app = page(t, registry, source(registry, clock))
  const answers: ServerResponse[] = []
  app.addHook('onRequest', async (_, reply) => {
    answers.push(reply.raw)
    await before()
  })
  const watch = (): void => { app.inject({ url: '/ui/events', remoteAddress: '127.0.0.1', headers: { host: 'localhost' } }).catch(() => { /* it goes before the end */ }) }
  return { app, clock, registry, answers, watch }
}

t.test('one look for all who watch, until the last is gone', async t => {
  const { app, clock, registry, answers, watch } = watched(t)
  for (let n = 0; n < 2; n++) watch()
  await until('both watch', () => answers.length === 2 && clock.pending === 1)
  registry.record({ mac: macFromBytes(Buffer.from([2, 0, 0, 0, 0, 1]))!, stage: 'script', at: clock.now() })
  t.equal(clock.pending, 2, 'its row is told soon')
  answers[0]!.destroy()
  await turns()
  t.equal(clock.pending, 2)
  answers[1]!.destroy()
  await turns()
  t.equal(clock.pending, 0)
  registry.record({ mac: macFromBytes(Buffer.from([2, 0, 0, 0, 0, 2]))!, stage: 'script', at: clock.now() })
  t.equal(clock.pending, 0, 'nobody listens')
  watch()
  await until('who comes later watches', () => clock.pending === 1)
  await app.close()
  t.equal(clock.pending, 0)
})

t.test('who comes in the moment in which the last one goes takes over what it watched', async t => {
  const { clock, answers, watch } = watched(t)
  watch()
  await until('one watches', () => clock.pending === 1)
  answers[0]!.once('close', watch).destroy()
  await until('the next one has come', () => answers.length === 2)
  await turns()
  t.equal(clock.pending, 1)
  answers[1]!.destroy()
  await turns()
  t.equal(clock.pending, 0)
})

t.test('who is gone before the door opens does not watch', async t => {
  let open = (): void => {}
  const opened = new Promise<void>(resolve => { open = resolve })
  const { clock, answers, watch } = watched(t, async () => { await opened })
  watch()
  await until('one is at the door', () => answers.length === 1)
  const closed = once(answers[0]!, 'close')
  answers[0]!.destroy()
  await closed
  open()
  await turns()
  t.equal(clock.pending, 0)
})

t.test('what a machine does is told before a fleet that fell silent at once', async t => {
  const [clock, registry] = [new FakeClock(), new MachineRegistry([], { note: () => {}, kindOf: () => 'known' })]
  const machine = (n: number): Mac => macFromBytes(Buffer.from([2, 0, 0, 0, n >> 8, n & 255]))!
  const count = 40 * mostLate
  for (let n = 0; n < count; n++) registry.record({ mac: machine(n), stage: 'script', at: clock.now() })
  const app = page(t, registry, source(registry, clock))
  const heard: string[] = []
  const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const request = get({ host: url.hostname, port: url.port, path: '/ui/events', headers: { host: 'localhost' } })
  const [answer] = await once(request, 'response') as [IncomingMessage]
  let text = ''
  answer.setEncoding('utf8').on('data', (chunk: string) => {
    const whole = (text + chunk).split('\n\n')
    text = whole.pop() ?? ''
    heard.push(...whole.filter(event => event.includes('data: ')))
  })
  const macsOf = (event: string): readonly string[] => [...new Set(event.match(/02-00-00-00-\w\w-\w\w/g))]
  const step = async (): Promise<void> => {
    clock.advance(100)
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
  }
  /** The machines of each event. */
  const told = (): ReadonlyArray<readonly string[]> => heard.map(macsOf).filter(macs => macs.length > 0)
  for (let steps = 0; told().length === 0 && steps < 5000; steps++) await step()
  const last = machine(count - 1)
  registry.record({ mac: last, stage: 'ignition', at: clock.now() })
  for (let steps = 0; new Set(told().flat()).size < count && steps < 5000; steps++) await step()
  t.equal(new Set(told().flat()).size, count, 'all in the end')
  const place = told().findIndex(macs => macs.includes(last.replaceAll(':', '-')))
  t.ok(place > 0 && place < count / mostLate / 2, `it came with event ${place} of ${told().length}`)
  t.ok(told().every(macs => macs.length <= mostLate + 1))
  request.destroy()
})

t.test('so many machines are on a page, and the next has the others', async t => {
  const registry = new MachineRegistry([], { note: () => {} })
  const see = (n: number): void => { registry.record({ mac: macFromBytes(Buffer.from([2, 0, 0, 0, n >> 8, n & 255]))!, stage: 'ignition', at: n }) }
  const boots = new Boots(source(registry))
  const pageOf = async (section?: LadderSection, behind?: ListPlace): Promise<SectionPart> => (await boots.page({ query: '', section, behind })).parts.find(part => part.section === 'fine')!
  for (let n = 0; n < firstRows; n++) see(n)
  t.match(await pageOf(), { rows: { length: firstRows }, next: undefined })
  see(firstRows)
  const first = await pageOf()
  t.equal(first.rows.length, firstRows)
  for (let n = firstRows + 1; n <= firstRows + pageRows; n++) see(n)
  t.match(await pageOf('fine', first.next), { rows: { length: 1 }, before: firstRows + pageRows, next: undefined }, 'whoever came to the top meanwhile')
  const [one, two] = [await pageOf('fine'), await pageOf('fine', (await pageOf('fine')).next)]
  t.same([one.rows.length, two.rows.length], [pageRows, firstRows + 1])
  t.match(one.next, parsePlace(placeText(one.next!))!)
  const shown = [...one.rows, ...two.rows].map(({ machine }) => Date.parse(machine.lastSeen))
  t.same(shown, Array.from({ length: firstRows + pageRows + 1 }, (_, n) => firstRows + pageRows - n), 'each once, the one that was seen last first')
})

t.test('a place that nobody named', t => {
  for (const text of ['', '1', '1.', '-1.52-54-00-00-00-01', '1.52-54-00-00-00-0g', '1.52-54-00-00-00-01-01', '1e3.52-54-00-00-00-01']) t.equal(parsePlace(text), undefined, text)
  t.end()
})

t.test('so many strangers are on a page', async t => {
  const registry = new MachineRegistry([], { note: () => {}, kindOf: () => 'stranger' })
  for (let n = 0; n <= strangerRows; n++) registry.record({ mac: macFromBytes(Buffer.from([2, 0, 0, 0, 0, n]))!, stage: 'discover', at: n })
  const ask = asking(page(t, registry))
  const rowsOf = (body: string): number => body.match(/<tr role="row" tabindex/g)?.length ?? 0
  const first = await ask('/ui/strangers')
  t.equal(rowsOf(first), strangerRows)
  t.match(first, `the first ${strangerRows} of ${strangerRows + 1}`)
  const [, next = ''] = /<a href="([^"]+)" rel="next">/.exec(first) ?? []
  const second = await ask(next)
  t.equal(rowsOf(second), 1)
  t.notMatch(second, 'rel="next"')
})

t.test('so many groups and profiles are on a page, and the next of either has the others', async t => {
  const names = Array.from({ length: storeRows + 1 }, (_, n) => `n${String(n).padStart(4, '0')}`)
  for (const [own, other] of [['groups', 'profiles'], ['profiles', 'groups']] as const) {
    const open = storePages(t, new MemoryStore({ [own]: names.map(id => own === 'groups' ? makeGroup({ id }) : makeProfile({ id })), [other]: [own === 'groups' ? makeProfile({ id: 'one' }) : makeGroup({ id: 'one' })] }))
    const first = await open('/ui/store')
    t.equal(first.rows(own).length, storeRows)
    t.match(first.body, `the first ${storeRows} of ${storeRows + 1}`)
    t.equal(first.next(other), undefined)
    const second = await open(first.next(own) ?? '')
    t.same([...first.rows(own), ...second.rows(own)].sort(), names, 'each once')
    t.same([second.next(own), second.rows(other)], [undefined, ['one']], 'the other list stays where it was')
  }
  const exact = storePages(t, new MemoryStore({ groups: names.slice(1).map(id => makeGroup({ id })) }))
  t.equal((await exact('/ui/store')).next('groups'), undefined)
  t.match((await exact('/ui/store')).body, 'There is no profile yet.')
  t.match((await exact('/ui/store?groups=9999999')).body, 'There are no more.')
  for (const place of ['-1', '1e3', 'x', '99999999', '']) t.equal((await exact(`/ui/store?groups=${place}`)).rows('groups').length, storeRows, `groups=${place}`)
})

t.test('so many problems are told one by one, and how many more there are', async t => {
  const store = new MemoryStore()
  const broken = (count: number) => Array.from({ length: count }, (_, n) => ({ kind: 'group' as const, name: `n${n}`, where: `groups/n${n}.json`, message: 'is no JSON' }))
  const open = storePages(t, store)
  store.broken = broken(mostProblems)
  const { body } = await open('/ui/store')
  t.same([body.match(/is no JSON/g)?.length, body.includes('more</li>')], [mostProblems, false])
  store.broken = broken(mostProblems + 1)
  const more = (await open('/ui/store')).body
  t.same([more.match(/is no JSON/g)?.length, more.includes('and 1 more</li>')], [mostProblems, true])
})

t.test('so many releases are on a page, which says how many there are', async t => {
  const release = (n: number) => ({ path: `flatcar/${n}`, os: 'flatcar', version: String(n), aliases: [], bytes: 1, ageSeconds: 1, keys: [], problems: {} })
  for (const count of [mostReleases, mostReleases + 1]) {
    const releases = Array.from({ length: count }, (_, n) => release(n))
    const ask = asking(page(t, undefined, { images: async () => ({ sources: [], releases, underWay: [] }), bootedBy: () => () => [] }))
    const body = await ask('/ui/images')
    t.same([body.match(/<th scope="row">/g)?.length, body.includes(`The first ${mostReleases} of ${count}.`)], [mostReleases, count > mostReleases])
  }
})

t.test('a file that does not change is sent once', async t => {
  const app = page(t)
  const ask = async (headers: Record<string, string>) => await app.inject({ url: '/ui/page.css', remoteAddress: '127.0.0.1', headers: { host: 'localhost', ...headers } })
  for (const encoding of ['gzip, deflate', 'identity']) {
    const first = await ask({ 'accept-encoding': encoding })
    t.equal(first.headers['content-encoding'], encoding === 'identity' ? undefined : 'gzip')
    const again = await ask({ 'accept-encoding': encoding, 'if-none-match': String(first.headers.etag) })
    t.same([again.statusCode, again.rawPayload.length], [304, 0])
    const other = await ask({ 'accept-encoding': encoding === 'identity' ? 'gzip' : 'identity', 'if-none-match': String(first.headers.etag) })
    t.equal(other.statusCode, 200, 'another form of it is another answer')
  }
})
