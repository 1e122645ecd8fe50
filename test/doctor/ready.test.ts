// Ready: what the service says of itself, and what is around it, until there is no problem or no time.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { fine, type Finding, problem } from '../../src/doctor/finding.js'
import { untilReady, type Wait } from '../../src/doctor/ready.js'
import { systemClock } from '../../src/base/clock.js'

const serving = async (t: Test, statuses: readonly number[]): Promise<{ port: number, asked: () => number }> => {
  let asked = 0
  const server: Server = createServer((_, response) => { response.writeHead(statuses[Math.min(asked++, statuses.length - 1)] ?? 200).end('not yet') })
  t.teardown(() => { server.close() })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  return { port: (server.address() as AddressInfo).port, asked: () => asked }
}
const configured = (port: number) => loadConfig({ file: undefined, env: {}, set: [`http.address=127.0.0.1:${port}`, 'control_socket=/nowhere/c'] }).config

t.test('what is around is looked at when the service is well, and again until that is too', async t => {
  const { port, asked } = await serving(t, [503, 503, 200])
  const looks: Array<readonly Finding[]> = [[problem('dhcp', 'nothing answers')], [fine('dhcp', 'answered')]]
  let looked = 0
  const around: Wait['around'] = async () => looks[Math.min(looked++, 1)] ?? []
  t.match(await untilReady(configured(port), { seconds: 60, clock: systemClock, health: '/readyz', around }), [{ level: 'ok', about: 'ready' }, { level: 'ok', about: 'dhcp' }])
  t.equal(looked, 2)
  t.equal(asked(), 4)
})

t.test('when there is no time left it tells what was in the way last', async t => {
  const { port } = await serving(t, [503])
  const none = { seconds: 0, clock: systemClock, health: '/readyz' } as const
  t.match(await untilReady(configured(port), { ...none, around: async () => { throw new Error('not asked') } }), [{ level: 'problem', text: /\/readyz: not yet$/ }])
  const well = await serving(t, [200])
  t.match(await untilReady(configured(well.port), { ...none, around: async () => [problem('dhcp', 'nothing answers')] }), [{ level: 'ok' }, { level: 'problem', text: 'nothing answers' }])
})
