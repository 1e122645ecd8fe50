// What a machine that asks to reboot may call its group and itself: both are written to disk.
import fastify from 'fastify'
import t from 'tap'
import { updateRoutes } from '../../src/http/update-routes.js'

t.test('a group and an id of 128 characters, and not one more', async t => {
  const locked: string[] = []
  const reboots = { lock: async (group: string, id: string) => { locked.push(`${group.length} ${id.length}`) } }
  const app = fastify()
  updateRoutes(app, { updates: {} as never, reboots: reboots as never, origin: () => '', onRefused: () => {} })
  t.teardown(() => app.close())
  const ask = async (group: unknown, id: unknown): Promise<number> => (await app.inject({
    method: 'POST', url: '/fleetlock/v1/pre-reboot', payload: JSON.stringify({ client_params: { group, id } }), headers: { 'fleet-lock-protocol': 'true' }
  })).statusCode
  const long = 'x'.repeat(128)
  t.equal(await ask(long, long), 200)
  for (const [group, id] of [['g', `${long}x`], [`${long}x`, 'i'], ['g', ''], ['g', 1], [undefined, 'i'], ['g h', 'i']]) t.equal(await ask(group, id), 400, `${group} ${id}`)
  t.same(locked, ['128 128'])
})
