// How many may watch, and how many machines a page has.
import t, { type Test } from 'tap'
import { Pace } from '../../src/base/pace.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { macFromBytes } from '../../src/net/mac.js'
import { Access } from '../../src/ui/access.js'
import { Boots, pageRows } from '../../src/ui/boots.js'
import { buildUiApp, type UiSource, watchers } from '../../src/ui/ui-app.js'
import { FakeClock } from '../helpers/fake-clock.js'

const source = (registry: MachineRegistry, clock = new FakeClock()): UiSource =>
  ({ registry, clock, now: clock.now, pace: new Pace(), problems: () => [] }) as unknown as UiSource

function page (t: Test) {
  const filePath = (name: string): string => new URL(`../../assets/ui/${name}`, import.meta.url).pathname
  const app = buildUiApp({ source: source(new MachineRegistry([], { note: () => {} })), access: new Access([{ address: '127.0.0.0', length: 8 }], () => undefined, () => 0), names: new Set(['localhost']), filePath })
  t.teardown(() => app.close())
  return app
}

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

t.test('so many machines are on a page, and the next has the others', async t => {
  const registry = new MachineRegistry([], { note: () => {} })
  const see = (n: number): void => { registry.record({ mac: macFromBytes(Buffer.from([2, 0, 0, 0, n >> 8, n & 255]))!, stage: 'script', at: n }) }
  for (let n = 0; n < pageRows; n++) see(n)
  const boots = new Boots(source(registry))
  const first = await boots.page('', 0)
  t.same([first.rows.length, first.more], [pageRows, false])
  see(pageRows)
  const again = await boots.page('', 0)
  t.same([again.rows.length, again.more], [pageRows, true])
  t.equal((await boots.page('', pageRows)).rows.length, 1)
})
