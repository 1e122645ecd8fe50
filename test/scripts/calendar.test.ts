// On which days and in which places the tests run besides today's and here's.
import t from 'tap'
import { isTouched, nextLeapDay, surroundingsOf, variantOfDay, variants } from '../../scripts/lib/calendar.js'
import { needs, runTool } from '../helpers/tools.js'

const day = 86_400_000

t.test('each day has its variant, and five days have all', t => {
  const start = Date.UTC(2026, 10, 28)
  t.same(new Set(variants.map((_, n) => variantOfDay(start + n * day).name)), new Set(variants.map(({ name }) => name)))
  t.equal(variantOfDay(start), variantOfDay(start + day - 1))
  t.end()
})

t.test('the next leap day', t => {
  const cases = [['2026-11-28T23:00Z', 2028], ['2028-02-28T23:59Z', 2028], ['2028-02-29T00:00Z', 2032], ['2096-03-01T00:00Z', 2104]] as const
  for (const [now, year] of cases) t.equal(nextLeapDay(Date.parse(now)), Date.UTC(year, 1, 29), now)
  t.end()
})

t.test('each variant has the tests that know of what it changes', t => {
  const sources: Readonly<Record<string, string>> = {
    'test/tls/reload.test.ts': 'const pki = makePki()',
    'test/ui/machine-page.test.ts': 'render()',
    'src/ui/machine-page.ts': 'const shown = new Date(at).toISOString()',
    'test/cli/usage.test.ts': "await new Program(['help']).end()",
    'test/dhcp/leases.test.ts': 'leases.expire(now)'
  }
  const touched = Object.fromEntries(variants.map(variant => [variant.name, Object.keys(sources).filter(file => file.startsWith('test/') &&
    isTouched(file, variant, path => sources[path])).map(file => file.slice('test/'.length, -'.test.ts'.length))]))
  t.same(touched, {
    'year-ahead': ['tls/reload', 'ui/machine-page'],
    'leap-day': ['tls/reload', 'ui/machine-page'],
    kolkata: ['ui/machine-page'],
    german: ['ui/machine-page'],
    'bundled-node': ['tls/reload', 'ui/machine-page', 'cli/usage']
  })
  const withEtcd = variants.filter(variant => isTouched('test/a.test.ts', variant, () => 'const now = Date.now()\nawait startEtcd(t, { tls: files })'))
  t.ok(withEtcd.length > 0 && withEtcd.every(({ daysAhead }) => daysAhead === undefined), 'the clock of an etcd stays')
  t.ok(variants.every(variant => isTouched('test/cli/serve.test.ts', variant, () => '')), 'and all have the program as a whole')
  t.end()
})

t.test('what a child sees', async t => {
  // The clock that the child's offset counts from, also where this test runs on another day itself.
  const now = Date.now() - Number(/^\+(\d+)d$/.exec(process.env['FAKETIME'] ?? '')?.[1] ?? 0) * day
  const seen = async (name: string): Promise<string> => {
    const variant = variants.find(candidate => candidate.name === name)!
    const words = Object.entries(surroundingsOf(variant, now)).map(([key, value]) => `${key}=${value}`)
    const { stdout } = await runTool('env', [...words, process.execPath, '-p', 'const d = new Date(); [d.getUTCMonth() + 1, d.getUTCDate(), d.getTimezoneOffset(), (0.5).toLocaleString()].join()'])
    return stdout.toString().trim()
  }
  t.match(await seen('kolkata'), /,-330,/)
  t.match(await seen('german'), /,0,5$/)
  if (!needs(t, 'faketime')) return
  t.match(await seen('leap-day'), /^2,29,/)
  const { stdout } = await runTool('env', [...Object.entries(surroundingsOf(variants[0]!, now)).map(([key, value]) => `${key}=${value}`), process.execPath, '-p', 'Date.now()'])
  t.ok(Number(stdout) > now + 399 * day, 'a year ahead')
})
