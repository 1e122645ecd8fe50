// What is remembered of a request once it is answered keeps nothing of the rest of it. V8 cuts no text: a label of sixteen letters kept the
// megabyte of the target that it stood in, for each of thousands of strangers. Over real sockets; what is kept is counted after a collection.
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { Discovery } from '../../src/cluster/discovery.js'
import { applyChange, type DiscoveryToken, firstIndex } from '../../src/cluster/discovery-store.js'
import { discoveryRoutes } from '../../src/http/discovery-routes.js'
import { updateRoutes } from '../../src/http/update-routes.js'
import type { Reboots } from '../../src/updates/reboots.js'
import type { Updates } from '../../src/updates/updates.js'
import { systemClock } from '../../src/base/clock.js'
import { listen } from '../helpers/http-app.js'
import { MemoryStore } from '../helpers/memory-store.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const held = (): number => {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const times = 12
const octets = 900_000
/** Of all requests together, beside what is remembered of them. */
const most = 4 * 2 ** 20

t.test('a name in a long request keeps only itself', async t => {
  const kept: unknown[] = []
  const tokens = new Map<string, DiscoveryToken>()
  let made = 0
  const discovery = new Discovery({
    store: { load: async () => ({ index: firstIndex, tokens }), put: async change => { applyChange(tokens, change); return true }, close: async () => {} },
    before: { index: firstIndex, tokens },
    clock: systemClock,
    makeToken: () => String(++made).padStart(32, '0'),
    macOf: () => undefined,
    onEvent: event => { kept.push(event) }
  })
  const updates = { answerGraph: async (...asked: unknown[]) => { kept.push(asked) }, answerApp: async (...asked: unknown[]) => { kept.push(asked); return { appId: '', status: 'ok' } } }
  const { port } = await listen(t, {
    store: new MemoryStore(),
    // As the record of a machine does, which cuts what is longer.
    onRequest: event => { kept.push(event.path, ...[...event.labels].filter(([, value]) => value.length < 256)) },
    routes: app => {
      discoveryRoutes(app, { discovery, origin: () => '' })
      updateRoutes(app, { updates: updates as unknown as Updates, reboots: {} as Reboots, origin: () => '', onRefused: () => {} })
    }
  })
  const ask = async (method: string, path: string, body?: string): Promise<number | undefined> => {
    const asked = request({ host: '127.0.0.1', port, agent: false, method, path })
    asked.end(body)
    const [answer] = await once(asked, 'response') as [IncomingMessage]
    answer.resume()
    await once(answer, 'end')
    return answer.statusCode
  }
  const token = await discovery.newToken(3, '192.0.2.1')
  const rest = 'a'.repeat(octets)
  const omaha = (name: string): string => `<request protocol="3.0"><app appid="${name}" machineid="${name}" machinealias="${'a'.repeat(60_000)}"><ping/></app></request>`
  const rows: Readonly<Record<string, (name: string) => Promise<unknown>>> = {
    'a label': async name => await ask('GET', `/ipxe?mac=02:00:00:00:00:01&hostname=${name}&${name}=b&rest=x&x=${rest}`),
    'a path': async name => await ask('GET', `/boot/${name}?${rest}`),
    'the same with letters that are none of ASCII': async name => await ask('GET', `/ipxe?hostname=${name}%c3%a9&x=${rest}`),
    'a member of discovery': async name => await ask('PUT', `/etcd/${token}/${name}?value=${name}=http://192.0.2.1:2380&x=${rest}`),
    'a node of Fedora': async name => await ask('GET', `/updates/v1/graph?stream=stable-and-long&basearch=x86_64-and-long&node_uuid=${name}&group=${name}&x=${rest}`),
    'a machine of Flatcar': async name => { for (let i = 0; i < 15; i++) await ask('POST', '/v1/update/', omaha(`${name}-${i}`)) }
  }
  for (const [what, once] of Object.entries(rows)) {
    await once('the-first-of-its-kind')
    const before = held()
    for (let i = 0; i < times; i++) await once(`a-machine-with-number-${i}`)
    const more = held() - before
    t.ok(more < most, `${what}: ${more} octets more`)
  }
  t.ok(kept.length > 6 * times)
})
