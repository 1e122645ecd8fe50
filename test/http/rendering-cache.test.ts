import t from 'tap'
import { type CacheLimits, type MachineDocument, RenderingCache } from '../../src/http/rendering-cache.js'
import { makeGroup } from '../helpers/memory-store.js'

const made = (bytes: number, matched = true): MachineDocument => ({
  labels: new Map(),
  rendering: { mac: undefined, group: matched ? makeGroup({ id: 'g' }) : undefined, profile: undefined, boot: undefined, body: Buffer.alloc(bytes), error: undefined, problem: undefined, report: [], bootedAs: undefined, startsFromDisk: false, personal: false }
})

/** Asks for a document as the server does: what is not there is made and kept. */
function ask (cache: RenderingCache, key: string, version: object, bytes = 100): boolean {
  const known = cache.get(key, version)
  if (known === undefined) cache.put(key, made(bytes))
  return known !== undefined
}

const limits: CacheLimits = { once: 30_000, again: 30_000, key: 100, body: 10_000 }

t.test('what was made is there until the version changes', t => {
  const cache = new RenderingCache()
  const [before, after] = [{}, {}]
  t.equal(ask(cache, 'ipxe?mac=1', before), false)
  const first = cache.get('ipxe?mac=1', before)
  t.equal(cache.get('ipxe?mac=1', before), first)
  t.equal(ask(cache, 'grub?mac=1', before), false, 'another document')
  t.equal(ask(cache, 'ipxe?mac=1', after), false)
  t.ok(cache.bytes < 2000, 'and all of the old version is gone')
  t.equal(ask(cache, 'ipxe?mac=1', after), true)
  t.end()
})

t.test('what is not worth its place is not kept', t => {
  const cache = new RenderingCache(limits)
  const version = {}
  cache.get('', version)
  cache.put('unmatched', made(10, false))
  cache.put('k'.repeat(101), made(10))
  cache.put('large', made(10_001))
  const { labels, rendering } = made(10)
  cache.put('personal', { labels, rendering: { ...rendering, personal: true } })
  cache.put('talkative', { labels, rendering: { ...rendering, report: ['x'.repeat(5000), 'x'.repeat(4991)] } })
  cache.put('large without a body', { labels, rendering: { ...rendering, body: undefined, report: ['x'.repeat(10_001)] } })
  t.equal(cache.bytes, 0)
  for (const [key, bytes] of [['k'.repeat(100), 10], ['large', 10_000]] as const) {
    const before = cache.bytes
    cache.put(key, made(bytes))
    t.ok(cache.bytes - before >= bytes + 2 * key.length, key)
    t.ok(cache.get(key, version), key)
  }
  cache.put('both', { labels, rendering: { ...rendering, body: undefined, report: ['x'.repeat(10_000)] } })
  t.ok(cache.get('both', version))
  cache.get('both', {})
  t.equal(cache.bytes, 0)
  t.end()
})

t.test('queries that never come back do not push out those that do, and nothing grows beyond its limit', t => {
  const cache = new RenderingCache(limits)
  const version = {}
  const machines = Array.from({ length: 20 }, (_, i) => `ipxe?mac=${i}`)
  for (const machine of [...machines, ...machines]) ask(cache, machine, version)
  for (let i = 0; i < 5000; i++) {
    ask(cache, `ipxe?x=${i}`, version, i % 5000)
    if (cache.bytes > limits.once + limits.again) t.fail('too much is held')
  }
  for (const machine of machines) t.equal(ask(cache, machine, version), true, machine)
  t.end()
})

t.test('of those that come back, the ones used last stay', t => {
  const cache = new RenderingCache({ ...limits, once: 0 })
  const version = {}
  t.equal(ask(cache, 'a', version), false)
  t.equal(ask(cache, 'a', version), false, 'there is no room for what was asked for once')

  const roomy = new RenderingCache({ ...limits, once: 3000, again: 3000 })
  for (const key of ['a', 'a', 'b', 'b', 'c', 'c']) ask(roomy, key, version)
  t.equal(ask(roomy, 'a', version), true, 'what was pushed out had another chance')
  for (let i = 0; i < 10; i++) ask(roomy, `x${i}`, version)
  t.equal(ask(roomy, 'a', version), true)
  t.equal(ask(roomy, 'b', version), false, 'the one used longest ago is gone')
  t.end()
})
