// What installed machines ask for, and how each protocol says no: behind the routes stands whatever the test wants to happen.
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { AppError } from '../../src/base/errors.js'
import { updateRoutes, type UpdateRoutesOptions } from '../../src/http/update-routes.js'
import { omahaRequest } from '../helpers/update-nodes.js'

interface Behind {
  answerApp?: (app: object, address: string, origin: string) => Promise<object>
  answerGraph?: (query: object, address: string) => Promise<object | undefined>
  lock?: (group: string, id: string, address: string) => Promise<object | undefined>
  unlock?: (group: string, id: string, address: string) => Promise<void>
}

function served (t: Test, hear?: UpdateRoutesOptions['hear']) {
  const behind: Behind = {}
  const refused: string[] = []
  const app = fastify()
  updateRoutes(app, { updates: behind as never, reboots: behind as never, origin: client => `http://here-for-${client}`, onRefused: (...told) => { refused.push(told.join(' ')) }, ...hear && { hear } })
  t.teardown(() => app.close())
  const ask = async (method: 'GET' | 'POST', url: string, payload?: string, headers: Record<string, string> = {}) => {
    const { statusCode, headers: { 'content-type': type }, body } = await app.inject({ method, url, ...payload !== undefined && { payload }, headers, remoteAddress: '::ffff:10.0.0.9' })
    return { status: statusCode, type, body }
  }
  return { behind, refused, ask }
}

const away = async (): Promise<never> => { throw new AppError('etcd_away', 'etcd is away') }
const broken = async (): Promise<never> => { throw new Error('a fault of ours') }

t.test('a group and an id of 128 characters, and not one more', async t => {
  const { behind, ask } = served(t)
  const locked: string[] = []
  behind.lock = async (group, id) => { locked.push(`${group.length} ${id.length}`) }
  const lock = async (group: unknown, id: unknown): Promise<number> =>
    (await ask('POST', '/fleetlock/v1/pre-reboot', JSON.stringify({ client_params: { group, id } }), { 'fleet-lock-protocol': 'true' })).status
  const long = 'x'.repeat(128)
  t.equal(await lock(long, long), 200)
  for (const [group, id] of [['g', `${long}x`], [`${long}x`, 'i'], ['g', ''], ['g', 1], [undefined, 'i'], ['g h', 'i']]) t.equal(await lock(group, id), 400, `${group} ${id}`)
  t.same(locked, ['128 128'])
})

t.test('Omaha: each app is answered, and what is no request is refused for good', async t => {
  const { behind, refused, ask } = served(t)
  const asked: unknown[] = []
  behind.answerApp = async (app, ...from) => {
    asked.push([(app as { machineId: string }).machineId, ...from])
    return { appId: 'a', status: 'ok', ping: true, events: 0, updateCheck: 'noupdate' }
  }
  const one = omahaRequest({ version: '1.2.3', track: 'workers', machineId: 'm1', check: true })
  const two = one.replace('</request>', `${/<app[^]*<\/app>/.exec(one)?.[0].replace('m1', 'm2')}</request>`)
  for (const [path, type] of [['/v1/update', 'text/xml'], ['/v1/update/', 'application/json']] as const) {
    t.match(await ask('POST', path, two, { 'content-type': type }), { status: 200, type: 'text/xml; charset=utf-8', body: /<app [^]*<app / }, path)
  }
  t.same(asked.slice(0, 2), ['m1', 'm2'].map(id => [id, '10.0.0.9', 'http://here-for-10.0.0.9']))
  const plain = 'text/plain; charset=utf-8'
  t.match(await ask('POST', '/v1/update/'), { status: 400, type: plain, body: /no request of the Omaha protocol/ })
  t.match(await ask('POST', '/v1/update/', '<request', { 'content-type': 'text/xml' }), { status: 400, type: plain })
  t.match(await ask('POST', '/v1/update/', ' '.repeat(64 * 1024 + 1), { 'content-type': 'text/xml' }), { status: 400, type: plain, body: /too large/ })
  t.match(refused, [/^omaha \w+ 10\.0\.0\.9$/, /^omaha \w+ 10\.0\.0\.9$/, 'omaha too_large 10.0.0.9'])
  behind.answerApp = away
  t.match(await ask('POST', '/v1/update/', one, { 'content-type': 'text/xml' }), { status: 503, type: plain, body: 'etcd is away\n' })
  behind.answerApp = broken
  t.equal((await ask('POST', '/v1/update/', one, { 'content-type': 'text/xml' })).status, 500)
  t.equal(refused.length, 3, 'a fault of ours is nothing that was refused')
})

t.test('Cincinnati: the query as Zincati writes it', async t => {
  const { behind, refused, ask } = served(t)
  const asked: unknown[] = []
  behind.answerGraph = async (...query) => {
    asked.push(query)
    return { nodes: [], edges: [] }
  }
  const graph = (query: string) => ask('GET', `/updates/v1/graph?${query}`)
  t.match(await graph(`stream=stable&stream=next&basearch=x86_64&oci=true&os_version=1&os_checksum=c&group=g&node_uuid=${'n'.repeat(600)}&platform=metal&rollout_wariness=0.5`), { status: 200, body: '{"nodes":[],"edges":[]}' })
  t.match(await graph('stream=stable&basearch=x86_64&oci=1'), { status: 200 })
  t.same(asked, [
    [{ stream: 'stable', basearch: 'x86_64', oci: true, version: '1', checksum: 'c', group: 'g', nodeId: 'n'.repeat(512), platform: 'metal', wariness: '0.5' }, '10.0.0.9'],
    [{ stream: 'stable', basearch: 'x86_64', oci: false, version: '', checksum: '', group: '', nodeId: '', platform: '', wariness: '' }, '10.0.0.9']
  ])
  for (const query of ['stream=stable', 'basearch=x86_64', 'stream=&basearch=x86_64', 'stream=stable&basearch=']) {
    t.match(await graph(query), { status: 400, body: /"kind":"invalid_scope"/ }, query)
  }
  t.same(refused.splice(0), Array(4).fill('cincinnati scope_missing 10.0.0.9'))
  behind.answerGraph = async () => undefined
  t.match(await graph('stream=odd&basearch=x86_64'), { status: 404, body: /"kind":"unknown_stream","value":"nothing is mirrored of the stream odd"/ })
  t.same(refused, ['cincinnati unknown_stream 10.0.0.9'])
  behind.answerGraph = away
  t.match(await graph('stream=s&basearch=x86_64'), { status: 503, body: '{"kind":"failed_state","value":"etcd is away"}' })
  behind.answerGraph = broken
  t.equal((await graph('stream=s&basearch=x86_64')).status, 500)
})

t.test('FleetLock: who may reboot, who has, and why not', async t => {
  const { behind, refused, ask } = served(t)
  const calls: unknown[] = []
  behind.lock = async (...call) => { calls.push(['lock', ...call.slice(0, 3)]) }
  behind.unlock = async (...call) => { calls.push(['unlock', ...call.slice(0, 3)]) }
  const body = JSON.stringify({ client_params: { group: 'g', id: 'i' } })
  const post = (path: string, payload = body, headers: Record<string, string> = { 'fleet-lock-protocol': 'true' }) => ask('POST', `/fleetlock/v1/${path}`, payload, headers)
  t.match(await post('pre-reboot'), { status: 200, body: '' })
  t.match(await post('steady-state'), { status: 200, body: '' })
  t.same(calls.splice(0), [['lock', 'g', 'i', '10.0.0.9'], ['unlock', 'g', 'i', '10.0.0.9']])
  const invalid = { status: 400, body: /"kind":"invalid_client_identity"/ }
  for (const headers of [{}, { 'fleet-lock-protocol': 'false' }]) t.match(await post('pre-reboot', body, headers), invalid)
  for (const odd of ['', 'null', '[]', '{"client_params":7}', '{broken']) t.match(await post('pre-reboot', odd), invalid, odd)
  t.same(refused.splice(0), Array(7).fill('fleetlock invalid_client_identity 10.0.0.9'))
  t.match(await post('pre-reboot', ' '.repeat(4097)), invalid)
  t.same([refused.splice(0), calls], [['fleetlock too_large 10.0.0.9'], []])
  for (const [refusal, status, said] of [
    [{ kind: 'unknown_group' }, 400, '"kind":"unknown_group"'],
    [{ kind: 'outside_window', window: 'Fri 12:00-13:00', opens: 0 }, 503, '"kind":"outside_window","value":"reboots of g may begin at 1970-01-01T00:00:00.000Z (Fri 12:00-13:00)"'],
    [{ kind: 'failed_lock_semaphore_full' }, 503, '"kind":"failed_lock_semaphore_full"']
  ] as const) {
    behind.lock = async () => refusal
    const { status: got, body } = await post('pre-reboot')
    t.same([got, body.includes(said)], [status, true], body)
  }
  for (const [path, kind] of [['pre-reboot', 'failed_lock'], ['steady-state', 'failed_unlock']] as const) {
    behind.lock = behind.unlock = away
    t.match(await post(path), { status: 500, body: `{"kind":"${kind}","value":"etcd is away"}` })
    behind.lock = behind.unlock = broken
    t.match(await post(path), { status: 500, body: /Internal Server Error/ })
  }
})

t.test('whose an address is is known before a request is answered that does not say it', async t => {
  const order: string[] = []
  const { behind, ask } = served(t, async (mac, address) => {
    await new Promise(setImmediate)
    order.push(`heard ${mac} ${address}`)
  })
  behind.answerApp = async (_, address) => { order.push(`omaha ${address}`); return { appId: 'a', status: 'ok', ping: true, events: 0 } }
  behind.answerGraph = async (_, address) => { order.push(`graph ${address}`); return { nodes: [], edges: [] } }
  behind.lock = async (_, __, address) => { order.push(`lock ${address}`) }
  behind.unlock = async (_, __, address) => { order.push(`unlock ${address}`) }
  const lock = JSON.stringify({ client_params: { group: 'g', id: 'i' } })
  await ask('POST', '/v1/update/', omahaRequest({ version: '1.2.3', track: 'workers', machineId: 'm1', check: true }))
  await ask('GET', '/updates/v1/graph?stream=stable&basearch=x86_64')
  for (const path of ['pre-reboot', 'steady-state']) t.equal((await ask('POST', `/fleetlock/v1/${path}`, lock, { 'fleet-lock-protocol': 'true' })).status, 200)
  t.same(order, ['omaha', 'graph', 'lock', 'unlock'].flatMap(what => ['heard undefined 10.0.0.9', `${what} 10.0.0.9`]))
})
