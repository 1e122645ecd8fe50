import { once } from 'node:events'
import { type IncomingMessage, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { AppError } from '../../src/base/errors.js'
import { Pace } from '../../src/base/pace.js'
import { registerMachineRoutes } from '../../src/control/machine-routes.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { parseMac, type Mac } from '../../src/net/mac.js'

const mac = parseMac('52:54:00:00:00:01') as Mac
const at = Date.UTC(2026, 0, 1)

/** `heard`: what others gave, which is known once it was asked for. */
async function start (t: Test, leased: Record<string, string> = {}, heard: Readonly<Record<string, string>> = {}) {
  const disk: { kept: () => Promise<void> } = { kept: async () => {} }
  const registry = new MachineRegistry([], { note: () => {}, kept: () => disk.kept(), kindOf: ({ group }) => group === 'anybody' ? 'stranger' : 'known' })
  const installed: Array<readonly [Mac, string]> = []
  const app = fastify()
  const arrived: string[] = []
  const held: string[] = []
  let news: (told: object) => void = () => {}
  app.addHook('onRequest', async request => { app.server.emit('arrived', arrived.push(request.url)) })
  registerMachineRoutes(app, {
    registry,
    now: () => at + 3_600_000,
    pace: new Pace(),
    addressClaims: { hear: async () => { Object.assign(leased, heard) }, isAddressOf: (machine, address) => leased[machine] === address },
    onInstalled: (machine, address) => { installed.push([machine, address]) },
    onNews: listener => { news = listener },
    hold: ({ url = '' }) => { held.push(url) }
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const get = async (path: string): Promise<{ status: number, body: unknown }> => {
    const answer = await fetch(url + path)
    return { status: answer.status, body: await answer.json() }
  }
  const requests = async (count: number): Promise<void> => { while (arrived.length < count) await once(app.server, 'arrived') }
  return { app, disk, registry, installed, url, get, requests, held, tell: (told: object) => { news(told) } }
}

t.test('a wait ends although memory is collected meanwhile', async t => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const { get, requests } = await start(t)
  const waiting = get(`/v1/machines/${mac}?wait=installed&timeout=1`)
  await requests(1)
  for (let times = 0; times < 20; times++) {
    await turn()
    collect()
  }
  t.match(await waiting, { status: 408 })
})

t.test('what has been seen of a machine', async t => {
  const { registry, get } = await start(t)
  registry.record({ mac, stage: 'discover', at, program: 'pxe', architecture: 'x64 UEFI' })
  registry.record({ mac, stage: 'loader', at: at + 1500, detail: 'snponly.efi' })
  const expected = {
    mac,
    stage: 'loader',
    boots: 1,
    architecture: 'x64 UEFI',
    firstSeen: '2026-01-01T00:00:00.000Z',
    lastSeen: '2026-01-01T00:00:01.500Z',
    timeline: [{ stage: 'discover', ms: 0 }, { stage: 'loader', ms: 1500, detail: 'snponly.efi', at: '2026-01-01T00:00:01.500Z' }]
  }
  t.match(await get('/v1/machines'), { status: 200, body: [expected] })
  t.match(await get('/v1/machines/52-54-00-00-00-01'), { status: 200, body: expected })
  t.match(await get('/v1/machines/52:54:00:00:00:02'), { status: 404, body: { error: /has been seen/ } })
  t.match(await get('/v1/machines/nonsense'), { status: 404, body: { error: /"nonsense" is not a hardware address, and no machine of that name/ } })
})

t.test('an answer is held until the stage is reached, or the time is over', async t => {
  const { registry, get } = await start(t)
  const waiting = get(`/v1/machines/${mac}?wait=script&timeout=30`)
  registry.record({ mac, stage: 'script', at })
  t.match(await waiting, { status: 200, body: { stage: 'script' } })
  t.match(await get(`/v1/machines/${mac}?wait=installed&timeout=0.01`), { status: 408, body: { error: /is not installed after 0\.01 s; it is script/ } })
  t.match(await get(`/v1/machines/${mac}?wait=lunch`), { status: 400, body: { error: /discover, offer/ } })
  for (const seconds of ['never', '-1', '3600.1', '3601']) t.match(await get(`/v1/machines/${mac}?wait=script&timeout=${seconds}`), { status: 400, body: { error: 'timeout takes seconds, 0 to 3600' } }, seconds)
  t.match(await get(`/v1/machines/${mac}?wait=script&timeout=3600`), { status: 200 })
  t.match(await get(`/v1/machines/${mac}?wait=installed&timeout=0`), { status: 408 })
  t.match(await get('/v1/machines/52:54:00:00:00:02?wait=installed&timeout=0'), { status: 408, body: { error: /it is not seen/ } })
})

t.test('who waits or listens is held on to, until he has his answer, and no longer counted then', async t => {
  const { app, registry, held } = await start(t)
  registry.record({ mac, stage: 'script', at })
  const wait = `/v1/machines/${mac}?wait=script`
  t.equal((await app.inject(`/v1/machines/${mac}`)).statusCode, 200)
  t.same(held, [], 'not who is answered at once')
  // More than may wait at once.
  for (let times = 0; times < 501; times++) t.equal((await app.inject(wait)).statusCode, 200)
  t.same([held.length, held[0]], [501, wait])
})

t.test('closing ends those who wait and those who listen, however many, and nobody is warned of them', async t => {
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => { warnings.push(warning) }
  process.on('warning', onWarning)
  t.teardown(() => { process.off('warning', onWarning) })
  const { app, url, requests } = await start(t)
  const waiting = Array.from({ length: 20 }, () => fetch(`${url}/v1/machines/${mac}?wait=installed&timeout=600`))
  const listening = await fetch(`${url}/v1/events`)
  await requests(21)
  const closed = app.close()
  for (const one of waiting) t.equal((await one).status, 408)
  t.match(await listening.text(), /^: machines/)
  await closed
  t.same(warnings.filter(({ name }) => name === 'MaxListenersExceededWarning'), [])
})

t.test('one event for each new line of a timeline', async t => {
  const { registry, url } = await start(t)
  const request = httpRequest(`${url}/v1/events`).end()
  const [answer] = await once(request, 'response') as [IncomingMessage]
  t.equal(answer.headers['content-type'], 'text/event-stream')
  let text = ''
  answer.setEncoding('utf8').on('data', chunk => { text += chunk })
  registry.record({ mac, stage: 'discover', at, program: 'pxe' })
  registry.record({ mac, stage: 'discover', at, program: 'pxe' })
  registry.record({ mac, stage: 'ack', at: at + 10, program: 'pxe', address: '10.0.0.1' })
  while (!text.includes('"ack"')) await once(answer, 'data')
  const events = text.split('\n').filter(line => line.startsWith('data: ')).map(line => JSON.parse(line.slice(6)) as unknown)
  t.same(events, [
    { mac, stage: 'discover', at: '2026-01-01T00:00:00.000Z' },
    { mac, stage: 'ack', at: '2026-01-01T00:00:00.010Z', address: '10.0.0.1' }
  ])
  request.destroy()
})

t.test('what an event tells beside the stage, what else is news, and what a reader missed', async t => {
  const { registry, url, tell } = await start(t)
  registry.record({ mac, stage: 'script', at, group: 'g', profile: 'p', failed: 'f', warning: 'w', detail: 'd' })
  tell({ update: 1 })
  const listen = async (last?: string) => {
    const request = httpRequest(`${url}/v1/events`, { headers: { ...last !== undefined && { 'last-event-id': last } } }).end()
    const [answer] = await once(request, 'response') as [IncomingMessage]
    const [first] = await once(answer.setEncoding('utf8'), 'data') as [string]
    request.destroy()
    return first
  }
  const nothing = await listen()
  const [, run = ''] = /^: machines\n\nid: ([0-9a-f]{32})-2\n\n$/.exec(nothing) ?? []
  t.not(run, '', nothing)
  const told = { mac, stage: 'script', at: '2026-01-01T00:00:00.000Z', detail: 'd', failed: 'f', warning: 'w', group: 'g', profile: 'p' }
  t.equal(await listen(`${run}-0`), `: machines\n\nid: ${run}-1\ndata: ${JSON.stringify(told)}\n\nid: ${run}-2\nevent: update\ndata: {"update":1}\n\nid: ${run}-2\n\n`)
})

t.test('a machine reports that it is installed', async t => {
  const { url, installed } = await start(t, { '52:54:00:00:00:09': '10.0.0.9', '52:54:00:00:00:01': '127.0.0.1' })
  const post = async (query: string, init: RequestInit = {}): Promise<number> => (await fetch(`${url}/v1/installed${query}`, { method: 'POST', ...init })).status
  t.equal(await post('?mac=52-54-00-00-00-01', { body: 'stage=installed', headers: { 'content-type': 'application/x-www-form-urlencoded' } }), 200)
  t.equal(await post('?mac=52-54-00-00-00-01', { body: '{broken', headers: { 'content-type': 'application/json' } }), 200)
  t.equal((await fetch(`${url}/v1/installed?mac=52:54:00:00:00:01`, { method: 'HEAD' })).status, 404, 'who only looks says nothing')
  t.equal((await fetch(`${url}/v1/installed?mac=52:54:00:00:00:01`)).status, 200, 'GET will do')
  t.same(installed.map(([machine]) => machine), [mac, mac, mac])
  t.equal(installed[0]?.[1], '127.0.0.1')
  t.equal(await post('?mac=52:54:00:00:00:09'), 403, 'another machine holds that lease')
  t.equal(await post('?mac=52:54:00:00:00:02'), 403, 'nothing is known of its address')
  t.equal(await post(''), 400)
  t.equal(await post('?mac=52:54:00:00:00:01', { body: 'x'.repeat(100_000) }), 413)
  t.equal(installed.length, 3)
})

t.test('of several provisioners: whoever reports itself may have its address of another one', async t => {
  const { get, installed } = await start(t, {}, { [mac]: '127.0.0.1' })
  t.match(await get(`/v1/installed?mac=${mac}`), { status: 200 })
  t.match(await get('/v1/installed?mac=52:54:00:00:00:02'), { status: 403 })
  t.same(installed, [[mac, '127.0.0.1']])
})

t.test('that a machine is installed is on disk before it is told so', async t => {
  const { disk, get, installed } = await start(t, { [mac]: '127.0.0.1' })
  const order: string[] = []
  disk.kept = async () => {
    await turn()
    order.push(`kept ${installed.length}`)
  }
  t.match(await get(`/v1/installed?mac=${mac}`).finally(() => order.push('answered')), { status: 200, body: { mac, installed: true } })
  t.same(order, ['kept 1', 'answered'])
  disk.kept = async () => { throw new AppError('disk_full', 'machines.jsonl could not be written: no space is left there') }
  t.match(await get(`/v1/installed?mac=${mac}`), { status: 503, body: { error: /no space is left/ } }, 'so that it says so again')
})

t.test('the list is filtered, and sent in pages that name the next', async t => {
  const { registry, url, get } = await start(t)
  const machineOf = (i: number): Mac => parseMac(`52:54:00:00:00:${i.toString(16).padStart(2, '0')}`) as Mac
  for (let i = 1; i <= 120; i++) registry.record({ mac: machineOf(i), stage: i % 2 === 0 ? 'script' : 'ignition', at: at + i, group: i <= 100 ? `g${i % 3}` : 'anybody' })
  registry.record({ mac: machineOf(121), stage: 'script', at, code: 'group_unmatched', failed: 'no group matches the labels' })
  const count = async (query: string): Promise<number> => ((await get(`/v1/machines${query}`)).body as unknown[]).length
  t.equal(await count(''), 121)
  t.equal(await count('?stage=ignition'), 60)
  t.equal(await count('?group=g1'), 34)
  t.equal(await count('?unknown=true'), 20)
  t.equal(await count('?stuck'), 61, 'those that only got their script, an hour ago')
  t.equal(await count('?since=2026-01-01T00:00:00.111Z'), 10)
  t.match((await get('/v1/machines?stuck=true&group=g0')).body, [{ trouble: { reason: /its kernel was not fetched/, look: /profile/ }, known: true }])
  t.match((await get(`/v1/machines/${machineOf(121)}`)).body, { trouble: { reason: 'no group matches', look: /a group whose selector names/ } })

  const seen: string[] = []
  let pages = 0
  for (let path: string | undefined = '/v1/machines?limit=50&stage=script'; path !== undefined; pages++) {
    const answer: Response = await fetch(url + path)
    for (const { mac: one } of await answer.json() as Array<{ mac: string }>) seen.push(one)
    path = /^<(.*)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1]
  }
  t.equal(pages, 2)
  t.equal(new Set(seen).size, 60)
  t.same(seen, [...seen].sort())
  for (const bad of ['stage=lunch', 'limit=0', 'limit=many', 'limit=1000000', 'limit=1x', 'after=x', 'since=yesterday']) t.equal((await get(`/v1/machines?${bad}`)).status, 400, bad)
})

t.test('each of the questions a list is asked with, at its edges', async t => {
  const { registry, url } = await start(t)
  const machineOf = (i: number): Mac => parseMac(`52:54:00:00:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 255).toString(16).padStart(2, '0')}`) as Mac
  const ask = async (query: string): Promise<{ readonly macs: readonly string[], readonly link: string | null }> => {
    const answer = await fetch(`${url}/v1/machines?${query}`)
    return { macs: (await answer.json() as Array<{ mac: string }>).map(({ mac }) => mac), link: answer.headers.get('link') }
  }
  t.same(await ask(''), { macs: [], link: null })
  t.same(await ask('limit=1'), { macs: [], link: null })
  for (let i = 0; i < 3; i++) registry.record({ mac: machineOf(i), stage: 'discover', at: at + i, group: i === 0 ? 'anybody' : 'g' })
  const all = [0, 1, 2].map(machineOf)
  t.same(await ask('limit=3'), { macs: all, link: null }, 'as many as there are')
  t.same(await ask('limit=999999'), { macs: all, link: null })
  t.same(await ask('limit=2&group='), { macs: [], link: null })
  t.same(await ask('limit=2'), { macs: all.slice(0, 2), link: `</v1/machines?${new URLSearchParams({ limit: '2', after: machineOf(1) }).toString()}>; rel="next"` })
  t.same(await ask(`limit=2&after=${machineOf(1)}`), { macs: all.slice(2), link: null })
  for (const [query, found] of [
    ['unknown', 1], ['unknown=1', 1], ['unknown=true', 1], ['unknown=0', 3], ['unknown=false', 3], ['stuck=0', 3], ['stuck=false', 3], ['stuck', 3],
    ['since=2026-01-01T00:00:00.002Z', 1], ['since=2026-01-01T00:00:00.003Z', 0], ['group=g&unknown', 0], ['group=g&stage=discover', 2]
  ] as const) t.equal((await ask(query)).macs.length, found, query)
  // Looked at by the five hundred, and made text by the twenty.
  for (const count of [20, 21, 499, 500, 501]) {
    for (let i = 0; i < count; i++) if (registry.get(machineOf(i)) === undefined) registry.record({ mac: machineOf(i), stage: 'discover', at, group: 'g' })
    t.equal(new Set((await ask('')).macs).size, count)
    t.same(await ask(`limit=${count}`).then(({ macs, link }) => [macs.length, link]), [count, null])
  }
})
