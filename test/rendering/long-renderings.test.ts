// Renderings in a thread: the same as at once, in turn, bounded; and what becomes of a thread that ends or hangs.
import { pathToFileURL } from 'node:url'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { LongRenderings, longestRendering, mostWaiting } from '../../src/rendering/long-renderings.js'
import type { DocumentKind } from '../../src/matchbox/document-bodies.js'
import { createProvisioner, type LongRendering, type Rendering } from '../../src/matchbox/provisioner.js'
import { parseGroup } from '../../src/matchbox/group.js'
import { builtProgram } from '../helpers/built.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { listen } from '../helpers/http-app.js'
import { makeProfile, MemoryStore } from '../helpers/memory-store.js'
import { until } from '../helpers/until.js'

// The thread runs what is built.
builtProgram()

const pad = `#${'x'.repeat(40_000)}\n`
const loop = '{{define "a"}}{{range $x := .list}}{{range $.list}}{{range $.list}}{{end}}{{end}}{{end}}{{end}}{{template "a" .}}{{.n}}'
const configs = {
  ignition: {
    'clc.yaml': `passwd:\n  users:\n    - name: "{{.request.query.user}}"\n${pad}`,
    'clc-warns.yaml': `passwd:\n  users:\n    - name: core\n      colour: blue\n${pad}`,
    'clc-broken.yaml': `passwd:\n  users: 5\n${pad}`,
    'butane.bu': `variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/hostname\n      contents: {inline: "{{.name}}"}\n${pad}`,
    'ready.ign': `{"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"${'/x'.repeat(20_000)}"}]}}`,
    'unready.ign': `{"ignition":{"version":"9.9.9"}${' '.repeat(40_000)}`
  },
  cloud: { good: `#cloud-config\nhostname: {{.name}}\n${pad}`, bad: `#cloud-config\nhostname: [\n${pad}`, script: `#!/bin/sh\n${pad}` },
  generic: {
    values: `{{.n}} {{.big}} {{.yes}} {{.nested.deep}} {{.request.raw_query}} {{.request.query.user}} {{.mac}} {{.odd}}\n${pad}`,
    missing: `{{.request.query.nobody}}\n${pad}`,
    syntax: `{{if}}\n${pad}`,
    loop,
    octets: `\u00e9{{.name}}\n${pad}`,
    calls: `{{template "own" .}} {{template "users" .}} {{index .files "a/b"}}\n${pad}`,
    carries: '{{range .list}}{{index $.files "a/b"}}{{end}}'
  },
  snippets: { users: '{{define "users"}}users of {{.name}}{{end}}' },
  files: { 'a/b': 'file of {{.name}}' }
} as const
const ownSnippets = new Map([['own.tmpl', '{{define "own"}}our own{{end}}']])

const refused: ReadonlySet<string> = new Set(['clc-broken.yaml', 'bad', 'missing', 'syntax'])

const group = parseGroup(Buffer.from(JSON.stringify({
  id: 'a',
  profile: 'p',
  selector: { mac: '52:54:00:00:00:01' },
  metadata: { name: 'n\u00e4me', n: 1.0, big: 12345678901234567000, yes: true, nested: { deep: [1, 'two', null] }, odd: '<&>', list: Array.from({ length: 40 }, (_, n) => n) }
})))

const request = (client: string | undefined = '192.0.2.1') =>
  ({ labels: new Map([['mac', '52:54:00:00:00:01'], ['user', 'c\u00f6re']]), rawQuery: 'mac=52:54:00:00:00:01&user=c%C3%B6re', client })

/** `own.entry` may be another one for the next thread. */
function start (
  t: Test, options: { readonly entry?: URL, readonly clock?: FakeClock } = {}
): { readonly long: LongRenderings, readonly crashes: string[], readonly own: { entry?: URL } } {
  const crashes: string[] = []
  // A clock that stands still: how long a thread takes is the machine's affair, unless a test winds it.
  const own = { clock: new FakeClock(), onCrash: (error: Error) => { crashes.push(error.message) }, ...options }
  const long = new LongRenderings(own)
  // The thread keeps no process alive, and here nothing else does.
  const alive = setInterval(() => {}, 1000)
  t.teardown(async () => {
    clearInterval(alive)
    await long.close()
  })
  return { long, crashes, own }
}

const noThread = new URL('http://no.thread/')

t.test('the same bytes and the same errors as at once', async t => {
  const { long, crashes } = start(t)
  for (const kind of ['ignition', 'cloud', 'generic'] as const) {
    for (const name of Object.keys(configs[kind])) {
      const profile = makeProfile({ id: 'p', ignitionId: name, cloudId: name, genericId: name })
      const store = new MemoryStore({ groups: [group], profiles: [profile], configs })
      const told = ({ body, error, problem, report, warning, personal }: Rendering): unknown =>
        ({ body: body?.toString('latin1'), error: error && [error.code, error.message], problem, report, warning, personal })
      const atOnce = createProvisioner({ store, ownSnippets: () => ownSnippets }).render(kind, request())
      t.equal(atOnce.error === undefined, !refused.has(name), `${kind}/${name}: ${atOnce.error?.message}`)
      const provisioner = createProvisioner({ store, aside: long, ownSnippets: () => ownSnippets })
      for (const time of ['first', 'second']) {
        const made = provisioner.renderAside(kind, request())
        t.ok(made instanceof Promise, `${kind}/${name} goes aside`)
        t.same(told(await made), told(atOnce), `${kind}/${name}, the ${time} time`)
      }
      t.same(told(provisioner.render(kind, request())), told(atOnce))
    }
  }
  t.same(crashes, [])
})

t.test('what is short is made at once, and what is decided before is decided once', t => {
  const store = new MemoryStore({ groups: [group], profiles: [makeProfile({ id: 'p', genericId: 'short', ignitionId: 'gone' })], configs: { generic: { short: '{{.name}}' } } })
  let asked = 0
  const provisioner = createProvisioner({ store, aside: { make: async () => { asked++; return { body: undefined } } } })
  t.match(provisioner.renderAside('generic', request()), { body: Buffer.from('n\u00e4me') })
  t.match(provisioner.renderAside('ignition', request()), { error: { code: 'config_missing' } })
  for (const kind of ['metadata', 'ipxe', 'grub'] satisfies DocumentKind[]) t.notOk(provisioner.renderAside(kind, request()) instanceof Promise, kind)
  t.equal(asked, 0)
  t.end()
})

const rendering = (client: string, name = 'loop'): LongRendering => ({
  kind: 'generic', file: { kind: 'generic', name, content: Buffer.from('{{.name}}') }, group, request: request(client), shared: new MemoryStore().snapshot.shared, ownSnippets: undefined
})

t.test('so many wait of one address and in all; the addresses take turns', async t => {
  const { long } = start(t)
  const order: string[] = []
  const ask = (client: string): Promise<unknown> => long.make(rendering(client)).then(() => { order.push(client) })
  // The first is under way.
  const all = Array.from({ length: 1 + mostWaiting.each }, () => ask('greedy'))
  await t.rejects(long.make(rendering('greedy')), { code: 'render_busy', message: /generic\/loop takes long to render.*8 of greedy, 8 in all/ })
  all.push(ask('innocent'))
  for (let n = 0; n < mostWaiting.all - mostWaiting.each - 1; n++) all.push(ask(`address ${n}`))
  t.equal(long.count, 1 + mostWaiting.all)
  await t.rejects(long.make(rendering('latecomer')), { code: 'render_busy' })
  await Promise.all(all)
  t.same(order.slice(0, 3), ['greedy', 'greedy', 'innocent'])
  t.equal(long.count, 0)
})

function program (t: Test, source: string): URL {
  const file = join(t.testdir(), 'thread.mjs')
  writeFileSync(file, source)
  return pathToFileURL(file)
}

t.test('a thread that ends takes one rendering with it', async t => {
  const entry = program(t, `import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ file: { name } }) => { if (name === 'bad') process.exit(7); else parentPort.postMessage({ made: { report: [], isFile: true } }) })`)
  const { long, crashes } = start(t, { entry })
  const [bad, good] = [long.make(rendering('a', 'bad')), long.make(rendering('a', 'good'))]
  await t.rejects(bad, { code: 'render_failed', message: /ended with status 7/ })
  t.equal((await good).body?.toString(), '{{.name}}')
  t.match(crashes, [/status 7/])
})

t.test('no thread can be begun: each is refused at once, and made when one can', async t => {
  const crashes: string[] = []
  const options = { clock: new FakeClock(), onCrash: (error: Error) => { crashes.push(error.message) }, entry: new URL('http://nowhere/') }
  const long = new LongRenderings(options)
  t.teardown(() => long.close())
  const all = ['a', 'a', 'b'].map(client => long.make(rendering(client)))
  for (const made of all) await t.rejects(made, { code: 'render_failed', message: /^no thread can be begun for renderings: .*TasksMax=/ })
  t.equal(long.count, 0)
  t.equal(crashes.length, 3)

  options.entry = program(t, "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { parentPort.postMessage({ made: { report: [], isFile: true } }) })")
  t.equal((await long.make(rendering('a'))).body?.toString(), '{{.name}}')
})

t.test('a thread that throws is told of in its own words, whatever it throws', async t => {
  for (const [thrown, message] of [["new Error('odd')", 'odd'], ["'a text'", 'a text']] as const) {
    const { long, crashes } = start(t, {
      entry: program(t, `import { parentPort } from 'node:worker_threads'
      parentPort.on('message', () => { throw ${thrown} })`)
    })
    await t.rejects(long.make(rendering('a')), { code: 'render_failed', message })
    t.same(crashes, [message])
  }
})

t.test('those who wait when a thread ends and no other can be begun are told too', async t => {
  const { long, crashes, own } = start(t, {
    entry: program(t, `import { parentPort } from 'node:worker_threads'
    parentPort.on('message', () => { process.exit(7) })`)
  })
  const [first, ...others] = ['a', 'a', 'b'].map(client => long.make(rendering(client)))
  own.entry = noThread
  await t.rejects(first!, { message: /ended with status 7/ })
  for (const each of others) await t.rejects(each, { code: 'render_failed', message: /URL must be of scheme file/ })
  t.same([long.count, crashes.length], [0, 3])
})

/** How many threads this process has. */
const threads = (): number => readdirSync('/proc/self/task').length

t.test('what is closed has ended: its thread, who is under way and who waits', async t => {
  const entry = program(t, 'import { parentPort } from \'node:worker_threads\'\nparentPort.on(\'message\', () => {})')
  const before = threads()
  const { long } = start(t, { entry })
  const made = ['a', 'a', 'b'].map(client => long.make(rendering(client)))
  t.equal(threads(), before + 1)
  const closed = long.close()
  for (const each of made) await t.rejects(each, { code: 'render_failed', message: 'the service ends' })
  await closed
  t.same([threads(), long.count], [before, 0])
  await t.rejects(long.make(rendering('a')), { code: 'render_busy', message: /0 of a, 0 in all/ })
})

t.test('what all templates share goes to the thread once, and again when it changed', async t => {
  const entry = program(t, `import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ shared }) => { parentPort.postMessage({ made: { report: [], isFile: true, warning: String(shared?.snippets.length) } }) })`)
  const { long } = start(t, { entry })
  const files = (names: readonly string[]) => new Map(names.map(name => [name, { kind: 'snippets' as const, name, content: Buffer.from('') }]))
  const none = new MemoryStore().snapshot.shared
  const [two, three] = [{ ...none, snippets: files(['a', 'b']) }, { ...none, snippets: files(['a', 'b', 'c']) }]
  const told = async (more: Partial<LongRendering>): Promise<unknown> => (await long.make({ ...rendering('a'), ...more })).warning
  t.equal(await told({ shared: two }), '2')
  t.equal(await told({ shared: two }), 'undefined')
  t.equal(await told({ shared: three }), '3')
  t.equal(await told({ shared: two }), '2')
  t.equal(await told({ shared: { ...two, files: new Map() } }), '2', 'other files')
  t.equal(await told({ shared: two, ownSnippets }), '2', 'and those of before, with snippets of our own')
  t.equal(await told({ shared: two, ownSnippets }), 'undefined')
  t.equal(await told({ shared: two }), '2', 'without them')
})

t.test('a file goes to the thread under one name for as long as it is the same', async t => {
  const entry = program(t, `import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ file }) => { parentPort.postMessage({ made: { report: [], isFile: true, warning: file.id + ' ' + Buffer.from(file.content) } }) })`)
  const { long } = start(t, { entry })
  const file = (content: string) => ({ kind: 'generic' as const, name: 'a', content: Buffer.from(content) })
  const told = async (own: ReturnType<typeof file>): Promise<unknown> => (await long.make({ ...rendering('a'), file: own })).warning
  const [one, two] = [file('one'), file('two')]
  t.same([await told(one), await told(two), await told(one), await told(file('one'))], ['0 one', '1 two', '0 one', '2 one'])
})

t.test('a rendering that does not come to its end is given up, and an idle thread is ended', async t => {
  const clock = new FakeClock()
  const entry = program(t, `import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ file: { name } }) => { if (name === 'bad') for (;;); else parentPort.postMessage({ made: { report: [], isFile: true } }) })`)
  const { long, crashes } = start(t, { entry, clock })
  const [bad, good] = [long.make(rendering('a', 'bad')), long.make(rendering('a', 'good'))]
  clock.advance(longestRendering)
  await t.rejects(bad, { code: 'render_failed', message: 'generic/bad was not rendered within 30 s' })
  t.match(await good, { report: [] })
  t.equal(crashes.length, 1)
  t.equal(clock.pending, 1)
  const before = threads()
  clock.advance(59_999)
  t.equal(clock.pending, 1)
  clock.advance(1)
  t.equal(clock.pending, 0)
  await until('the thread ended', () => threads() < before)
  t.match(await long.make(rendering('a')), { report: [] }, 'started anew')
  await long.close()
  t.equal(clock.pending, 0)
  await t.rejects(long.make(rendering('a')), { code: 'render_busy' })
})

t.test('over HTTP: others are answered meanwhile, and too many get 503', async t => {
  const { long } = start(t)
  const store = new MemoryStore({ groups: [group], profiles: [makeProfile({ id: 'p', genericId: 'loop' })], configs })
  const { port } = await listen(t, { store, aside: long })
  const url = (path: string): string => `http://127.0.0.1:${port}${path}`
  const order: string[] = []
  const looping = Array.from({ length: mostWaiting.each + 2 }, async (_, n) => {
    const { status } = await fetch(url(`/generic?mac=52:54:00:00:00:01&n=${n}`))
    order.push(`loop ${status}`)
  })
  // The last of them is refused, and with it all have come.
  while (!order.includes('loop 503')) await new Promise(resolve => { setImmediate(resolve) })
  order.push(`health ${(await fetch(url('/healthz'))).status}`)
  await Promise.all(looping)
  t.same(order.slice(0, 2), ['loop 503', 'health 200'])
  t.same(order.slice(2), Array.from({ length: mostWaiting.each + 1 }, () => 'loop 200'))
})
