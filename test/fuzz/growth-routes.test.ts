// The work of an answer grows with what was asked and not with its square: queries, bodies and headers of what people and machines ask
// beside Matchbox's own routes, each through its server. The readers themselves: growth.test.ts.
import fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { Pace } from '../../src/base/pace.js'
import { buildControlApp } from '../../src/control/control-app.js'
import { discoveryRoutes } from '../../src/http/discovery-routes.js'
import { updateRoutes } from '../../src/http/update-routes.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { parseMac } from '../../src/net/mac.js'
import { Access } from '../../src/ui/access.js'
import { buildUiApp } from '../../src/ui/ui-app.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { json, range, type RouteRow, tooSlowAwaited } from '../helpers/worst-octets.js'

const clock = new FakeClock()
const registry = new MachineRegistry([], { note: () => {} })
registry.record({ mac: parseMac('52:54:00:00:00:01')!, stage: 'discover', at: 0 })
const shower = { registry, now: clock.now, pace: new Pace() }

const reached = new Set<string>()
const reach = <T>(what: string, value: T): T => {
  reached.add(what)
  return value
}
const dayTwo = {
  updates: {
    approve: async () => reach('approve', undefined),
    answerGraph: async () => reach('graph', { nodes: [], edges: [] })
  },
  reboots: { holders: new Map([['g', [{ id: 'a' }]]]), groups: new Map(), lock: async () => reach('lock', undefined) },
  now: clock.now
}
const control = buildControlApp({
  ...shower,
  addressClaims: { hear: () => undefined, isAddressOf: () => true },
  onInstalled: () => {},
  adopt: async () => reach('adopt', { refusal: 'no' }),
  setInstalled: () => { reach('installed', undefined) },
  leases: () => [],
  releaseLease: async () => false,
  dayTwo: dayTwo as never
})
const machines = fastify()
updateRoutes(machines, { updates: dayTwo.updates as never, reboots: dayTwo.reboots as never, origin: () => '', onRefused: () => {} })
const answered = { status: 404, index: 1, body: {} }
discoveryRoutes(machines, {
  discovery: { list: () => answered, size: () => answered, member: () => answered, putMember: async () => reach('member', answered), newToken: async () => reach('token', 'a') } as never,
  origin: () => ''
})
const page = buildUiApp({
  source: { ...shower, clock, problems: () => [] } as never,
  access: new Access([{ address: '127.0.0.0', length: 8 }], () => undefined, () => 0),
  names: new Set(['localhost']),
  filePath: name => new URL(`../../assets/ui/${name}`, import.meta.url).pathname
})
t.teardown(() => Promise.all([control, machines, page].map(app => app.close())))

/** What Node.js takes of a request's head, and a little less than the least that a route takes of its body. */
const mostHead = 16_000
const mostBody = 60_000

const query = (app: FastifyInstance, url: string): RouteRow =>
  ({ read: input => app.inject(url + encodeURI(input).replaceAll('#', '%23')), parts: ['a', ' ', '%', '&', ';', '=', ',', '"', '\u00e9', 'a=b&', '[a]=', '__proto__=a&'], heads: ['', 'a&'], most: mostHead })
/** The router lets nothing longer than 100 characters in a path come to a handler. */
const named = (app: FastifyInstance, method: 'GET' | 'POST', before: string, after: string): RouteRow =>
  ({ read: input => app.inject({ method, url: before + encodeURIComponent(input) + after }), parts: ['a', ' ', '.', '-', ':', '52:', '1.', '\u00e9', '"'], most: 5_000 })
/** `end` closes what the last of the heads opens, so that it is read on behind its parser as well. */
const body = (app: FastifyInstance, url: string, { parts, heads, headers = {}, most = mostBody, end = '' }: { readonly parts: readonly string[], readonly heads: readonly string[], readonly headers?: Readonly<Record<string, string>>, readonly most?: number, readonly end?: string }, method: 'POST' | 'PUT' = 'POST'): RouteRow =>
  ({ read: input => app.inject({ method, url, payload: input.slice(0, most - end.length) + end, headers: { 'fleet-lock-protocol': 'true', ...headers } }), parts, heads: ['', ...heads], most })
const header = (app: FastifyInstance, url: string, name: string): RouteRow =>
  ({ read: input => app.inject({ url, headers: { host: 'localhost', [name]: input } }), parts: [...range.filter(part => /^[ -~]{2,}$/.test(part)), 'a', ' ', '\t', ',', ':', ':1', '[', 'gzip', 'gzip,', ';q=', '*/*,', 'a=b; '], heads: [name === 'authorization' ? 'Basic ' : ''], most: mostHead })

const asJson = { 'content-type': 'application/json' }
const mac = '52-54-00-00-00-01'

const rows: Readonly<Record<string, RouteRow>> = {
  'GET /v1/machines?...': query(control, '/v1/machines?'),
  'GET /v1/machines?since=...': query(control, '/v1/machines?since='),
  'GET /v1/machines?after=...': query(control, '/v1/machines?after='),
  'GET /v1/machines/MAC?wait=...': query(control, `/v1/machines/${mac}?wait=`),
  'GET /v1/machines/...': named(control, 'GET', '/v1/machines/', ''),
  'GET /v1/installed?mac=...': query(control, '/v1/installed?mac='),
  'POST /v1/installed': body(control, `/v1/installed?mac=${mac}`, { parts: json, heads: [], headers: { 'content-type': 'text/plain' } }),
  'POST /v1/machines/MAC/state': body(control, `/v1/machines/${mac}/state`, { parts: json, heads: ['{"state":"installed","a":"'], end: '"}', headers: asJson }),
  'POST /v1/machines/MAC/adopt': body(control, `/v1/machines/${mac}/adopt`, { parts: json, heads: ['{"name":"a","profile":"b","__proto__":', '{"profile":"b","name":"'], end: '"}', headers: asJson }),
  'POST /v1/leases/.../release': named(control, 'POST', '/v1/leases/', '/release'),
  'POST /v1/updates/GROUP/approve?version=...': { ...query(control, '/v1/updates/g/approve?version='), read: input => control.inject({ method: 'POST', url: `/v1/updates/g/approve?version=${encodeURIComponent(input)}` }) },
  'POST /v1/reboots/.../release': named(control, 'POST', '/v1/reboots/', '/release'),
  'GET /updates/v1/graph?...': query(machines, '/updates/v1/graph?stream=stable&basearch=x86_64&'),
  'POST /fleetlock/v1/pre-reboot': body(machines, '/fleetlock/v1/pre-reboot', { parts: json, heads: ['{"client_params":{"group":"g","id":"i"},"a":"'], end: '"}', headers: asJson, most: 4096 }),
  'POST /v1/update': body(machines, '/v1/update', { parts: ['a', '<', '<a>', '&lt;'], heads: ['<request protocol="3.0">'] }),
  'PUT /etcd/TOKEN/ID': body(machines, '/etcd/a/b', { parts: ['a', '&', '=', 'a=b&', '%', '%2', '+'], heads: ['value='], most: 4096 }, 'PUT'),
  'POST /etcd/new?...': query(machines, '/etcd/new?size=1&'),
  'GET /ui/?...': query(page, '/ui/?'),
  'GET /ui/?q=...': query(page, '/ui/?q='),
  'GET /ui/?after=...': query(page, '/ui/?after='),
  ...Object.fromEntries(['accept', 'accept-encoding', 'authorization', 'cookie', 'host', 'if-none-match']
    .map(name => [`${name} of GET /ui/`, header(page, '/ui/', name)])),
  'content-type of POST /v1/machines/MAC/state': {
    ...header(control, '', ''),
    read: input => control.inject({ method: 'POST', url: `/v1/machines/${mac}/state`, payload: '{}', headers: { 'content-type': input } }),
    heads: ['', 'application/json;', 'application/json; charset="']
  }
}

for (const [name, row] of Object.entries(rows)) {
  t.test(name, async t => {
    t.same(await tooSlowAwaited(row), [], 'times the work for eight times the octets')
  })
}

t.test('what reads on behind a route was reached', t => {
  t.same([...reached].sort(), ['adopt', 'approve', 'graph', 'installed', 'lock', 'member', 'token'])
  t.end()
})
