// What doctor says of the service, on its page: real processes in doctor's place, which leave a line for each time they are asked.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openSelfDiagnosis } from '../../src/wiring/self-diagnosis.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { until } from '../helpers/until.js'

interface Told { readonly ready?: readonly string[], readonly warnings?: readonly string[], readonly then?: string }

function site (t: Test, found: string, { ready = [], warnings = [], then = '' }: Told = {}) {
  const file = join(t.testdir(), 'asked')
  const script = `require('node:fs').appendFileSync(process.argv[1], 'x'); console.log(JSON.stringify({ findings: ${found} })); ${then}`
  const clock = new FakeClock()
  const closers: Array<() => Promise<void>> = []
  const health = openSelfDiagnosis({
    doctor: [process.execPath, '-e', script, file],
    env: {},
    clock,
    readiness: { ready: () => ready, warnings: () => warnings },
    onClose: closer => { closers.push(closer) }
  })
  return { health, clock, file, asked: () => existsSync(file) ? readFileSync(file, 'utf8').length : 0, close: async () => { for (const closer of closers) await closer() } }
}

t.test('the first page waits for it; within a minute its word is taken, and after that the word before while it is asked again', async t => {
  const { health, clock, asked } = site(t, '[{ level: "warning", about: "tftp", text: "slow", fix: "faster" }, { level: "ok", about: "ready", text: "doctor\'s" }]')
  const first = clock.now()
  const shown = { checks: [{ about: 'ready', level: 'ok', text: 'everything that is configured does its work' }, { level: 'warning', about: 'tftp', text: 'slow', fix: 'faster' }], at: first }
  const both = await Promise.all([health(), health()])
  t.match(both, [shown, shown])
  t.same(both.map(({ checks }) => checks.length), [2, 2], 'that it is ready it says itself')
  t.equal(asked(), 1, 'two that look ask once')
  clock.advance(59_999)
  t.match(await health(), shown)
  t.equal(asked(), 1)
  clock.advance(1)
  t.match(await health(), shown, 'at once')
  await until('it is asked again', () => asked() === 2)
  await until('and says it', async () => (await health()).at !== first)
  t.equal(asked(), 2)
  t.equal(clock.pending, 0)
})

t.test('a page does not wait for ever, and what the service says of itself stands there at once', async t => {
  const { health, clock, close, asked } = site(t, '[]', { then: 'setInterval(() => {}, 1000)', ready: ['DHCP is deaf'], warnings: ['a key ends'] })
  const page = health()
  await until('it is asked', () => asked() === 1)
  clock.advance(3000)
  t.same(await page, {
    checks: [{ level: 'problem', about: 'ready', text: 'DHCP is deaf' }, { level: 'warning', about: 'configuration', text: 'a key ends' }], at: undefined
  })
  await close()
  await health()
  t.equal(asked(), 1, 'what is ended asks nobody')
})

t.test('two hundred findings are shown, and how many more there are', async t => {
  for (const [count, last] of [[200, { text: 'n199' }], [201, { about: 'doctor', level: 'note', text: '1 more finding: core-provisioner doctor tells all' }]] as const) {
    const { health } = site(t, `Array.from({ length: ${count} }, (_, n) => ({ level: "note", about: "x", text: "n" + n }))`)
    const { checks } = await health()
    t.equal(checks.length, 1 + count, 'its own word too')
    t.match(checks.at(-1), last)
  }
})
