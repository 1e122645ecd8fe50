// Files and requests that mean harm, through the store on disk and the real socket: each a bounded, clear refusal, after
// which the server answers as before. Long queries and floods of headers are in http-server.test.ts.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLog } from '../../src/base/log.js'
import { openFileStore } from '../../src/store/file-store.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { listen } from '../helpers/http-app.js'
import { logLines } from '../helpers/log-lines.js'
import { exchange } from '../helpers/matchbox-fixture.js'
import { MemoryStore } from '../helpers/memory-store.js'

const get = (path: string): Buffer => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 'latin1')

t.test('no way of writing a path leads out of the assets, or to a hidden one', async t => {
  const folder = t.testdir({ secret: 'SECRET', assets: { a: 'open', sub: { b: 'open' } } })
  const { port } = await listen(t, { store: new MemoryStore(), assetsPath: join(folder, 'assets') })
  const parents = ['..', '%2e%2e', '%2E.', '.%2e', '..%00', '%c0%ae%c0%ae', '%252e%252e', '..;', '\u00c0\u00ae\u00c0\u00ae', '....', '..\\', '%uff0e%uff0e']
  const slashes = ['/', '%2f', '%2F', '\\', '%5c', '//', '/./', '%c0%af', '%252f', '/sub/../']
  let asked = 0
  for (const parent of parents) {
    for (const slash of slashes) {
      for (const path of [`/assets${slash}${parent}${slash}secret`, `/assets/sub/${parent}${slash}${parent}${slash}secret`, `/assets/a${slash}${parent}${slash}${parent}${slash}secret`]) {
        const { status, body } = await exchange(port, get(path))
        asked++
        if (status === 200 || body.includes('SECRET')) t.fail(`${path}: ${status} ${body.toString()}`)
      }
    }
  }
  t.equal(asked, 360)
  for (const path of ['/assets/%00', '/assets/a%00', '/assets/a%00.txt', '/a\0b', '/assets/\0']) {
    t.ok([400, 404, 500].includes((await exchange(port, get(path))).status ?? 0), JSON.stringify(path))
  }
  t.equal((await exchange(port, get('/assets/sub/../a'))).status, 301, 'what stays inside is redirected')
  t.equal((await exchange(port, get('/assets/a'))).body.toString(), 'open')
})

t.test('hostile configs are 404 with a reason in the log', async t => {
  const bomb = `a: &a0 [x,x]\n${Array.from({ length: 30 }, (_, i) => `b${i}: &a${i + 1} [*a${i}, *a${i}]\n`).join('')}docker: {flags: *a30}\n`
  const big = 'x'.repeat(17 * 2 ** 20)
  const configs: Readonly<Record<string, readonly [kind: 'ignition' | 'cloud' | 'generic', content: string | Buffer]>> = {
    'clc-bomb.yaml': ['ignition', bomb],
    'butane-bomb.bu': ['ignition', `variant: fcos\nversion: 1.5.0\n${bomb}kernel_arguments: {should_exist: *a30}\n`],
    'deep.yaml': ['ignition', '['.repeat(200_000)],
    'deep-ready.ign': ['ignition', '['.repeat(200_000)],
    'nul.yaml': ['ignition', 'storage: \0'],
    'no-text.yaml': ['ignition', Buffer.from([0xff, 0xfe, 0xfd, 0x80, 0xc0])],
    'large.yaml': ['ignition', `storage: {files: [{path: "/${big}"}]}`],
    'large-cloud': ['cloud', `#cloud-config\nhostname: ${big}\n`],
    'deep-cloud': ['cloud', `#cloud-config\nhostname: ${'['.repeat(200_000)}\n`],
    'endless-template': ['generic', '{{define "t"}}{{template "t" .}}{{end}}{{template "t" .}}'],
    'growing-template': ['generic', `{{define "t"}}{{template "u" .}}{{template "u" .}}{{end}}${Array.from({ length: 30 }, (_, i) => `{{define "u${i}"}}{{template "u${i + 1}" .}}{{template "u${i + 1}" .}}{{end}}`).join('')}{{define "u"}}{{template "u0" .}}{{end}}{{define "u30"}}xxxxxxxx{{end}}{{template "t" .}}`],
    'deep-template': ['generic', '{{if true}}'.repeat(100_000)],
    'deep-pipeline': ['generic', `{{${'('.repeat(100_000)}}}`],
    'large-template': ['generic', `{{.nope}}${big}`]
  }
  const { port, log } = await listen(t, { store: await stored(t, configs) })
  for (const [name, [kind]] of Object.entries(configs)) {
    const { status, body } = await exchange(port, get(`/${kind}?name=${name}`))
    // A ready config is never changed; what is wrong with it is told.
    t.equal(status, name.endsWith('.ign') ? 200 : 404, name)
    t.ok(name.endsWith('.ign') || body.length < 100, `${name}: nothing of it gets out`)
    const line = log.findLast(({ msg }) => msg === `http.${kind}`)
    t.equal(line?.level, 40, `${name}: ${String(line?.['problem']).slice(0, 150)}`)
    t.ok(String(line?.['problem']).length < 2000, 'in few words')
    t.equal((await exchange(port, get('/healthz'))).status, 200)
  }
})

t.test('ten megabytes of what is fine are served', async t => {
  const text = `${'x'.repeat(10 * 2 ** 20)}{{.name}}`
  const { port } = await listen(t, { store: await stored(t, { large: ['generic', text] }) })
  const { status, body } = await exchange(port, get('/generic?name=large'))
  t.equal(status, 200)
  t.equal(body.length, 10 * 2 ** 20 + 5)
})

/** A store of one group and profile for each config; `?name=` selects it. */
async function stored (t: Test, configs: Readonly<Record<string, readonly [kind: 'ignition' | 'cloud' | 'generic', content: string | Buffer]>>): ReturnType<typeof openFileStore> {
  const dataPath = t.testdir({ groups: {}, profiles: {}, ignition: {}, cloud: {}, generic: {} })
  for (const [name, [kind, content]] of Object.entries(configs)) {
    mkdirSync(join(dataPath, kind), { recursive: true })
    writeFileSync(join(dataPath, kind, name), content)
    writeFileSync(join(dataPath, `profiles/${name}.json`), JSON.stringify({ id: name, [`${kind}_id`]: name }))
    writeFileSync(join(dataPath, `groups/${name}.json`), JSON.stringify({ id: name, profile: name, selector: { name } }))
  }
  const store = await openFileStore({ dataPath, tombstoneMs: 0, clock: new FakeClock(), log: createLog({ level: 'error', pretty: false, destination: logLines().stream }), watch: false })
  t.teardown(() => store.close())
  return store
}
