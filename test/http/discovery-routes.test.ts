// etcd discovery over HTTP, through the program: as curl, Go's client and strangers ask.
import { readFileSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { discoveryWaiters } from '../../src/http/discovery-routes.js'
import { httpSite } from '../helpers/http-site.js'
import type { Program } from '../helpers/program.js'

async function appliance (t: Test): Promise<{ url: string, folder: string, program: Program }> {
  const { url, folder, start } = await httpSite(t)
  return { url, folder, program: await start() }
}

const text = async (url: string, init?: RequestInit): Promise<[number, string]> => {
  const answer = await fetch(url, init)
  return [answer.status, await answer.text()]
}
const form = (method: string, body: string): RequestInit => ({ method, body, headers: { 'content-type': 'application/x-www-form-urlencoded' } })

t.test('a token is had by GET, PUT and POST, and its size by query or form', async t => {
  const { url } = await appliance(t)
  for (const [init, query, size] of [
    [{}, '', '3'], [{ method: 'PUT' }, '?size=5', '5'], [{ method: 'POST' }, '?size=1', '1'], [form('POST', 'size=7'), '', '7'], [form('PUT', 'size=2'), '?size=9', '2']
  ] as const) {
    const [status, token] = await text(`${url}/etcd/new${query}`, init)
    t.match([status, token], [200, new RegExp(`^${url}/etcd/[0-9a-f]{32}$`)])
    t.match(JSON.parse((await text(`${token}/_config/size`))[1]), { node: { value: size } })
  }
  for (const size of ['0', '-3', 'three', '101', '1e2']) t.match(await text(`${url}/etcd/new?size=${size}`), [400, /from 1 to 100/], size)
})

t.test("the words that etcd's client says, with what it reads of the answers", async t => {
  const { url } = await appliance(t)
  const [, token] = await text(`${url}/etcd/new?size=2`)
  const listed = await fetch(`${token}?quorum=false&recursive=false&sorted=false`)
  t.equal(listed.headers.get('content-type'), 'application/json')
  const index = Number(listed.headers.get('x-etcd-index'))
  const put = await fetch(`${token}/a1?prevExist=false`, form('PUT', 'value=m1%3Dhttp%3A%2F%2F192.0.2.1%3A2380%2Cm1%3Dhttp%3A%2F%2F192.0.2.2%3A2380'))
  t.match([put.status, await put.json()], [201, { action: 'create', node: { value: 'm1=http://192.0.2.1:2380,m1=http://192.0.2.2:2380', createdIndex: index + 1 } }])
  t.match(await text(`${token}/a1?prevExist=false`, form('PUT', 'value=x')), [412, /"errorCode":105/])
  t.match(await text(`${token}/a1?recursive=false&wait=true&waitIndex=${index + 1}`), [200, /"action":"create"/])
  t.match(await text(`${token}`, { method: 'DELETE' }), [403, /"errorCode":102/])
  t.match(await text(`${url}/etcd/${'f'.repeat(32)}/_config/size`), [404, /"errorCode":100,"message":"Key not found"/])
  t.match(await text(`${token}/_config/size`, form('PUT', 'value=4')), [200, /"value":"4"/])
  t.equal((await fetch(token, { method: 'HEAD' })).status, 200)
  t.match(await text(`${token}/a1`, { method: 'DELETE' }), [200, /"action":"delete"/])
})

t.test('a wait holds its answer, has its head at once, and ends when the service does', async t => {
  const { url, program } = await appliance(t)
  const [, token] = await text(`${url}/etcd/new?size=2`)
  const wait = async (): Promise<IncomingMessage> => {
    const request = get(`${token}?recursive=true&wait=true&waitIndex=5`)
    request.on('error', () => {})
    return (await once(request, 'response') as [IncomingMessage])[0]
  }
  const [first, second] = [await wait(), await wait()]
  t.same([first.statusCode, first.headers['x-etcd-index']], [200, '4'])
  await fetch(`${token}/a1?prevExist=false`, form('PUT', 'value=m1'))
  let told = ''
  for await (const piece of first) told += String(piece)
  t.match(JSON.parse(told), { action: 'create', node: { value: 'm1' } })
  second.resume()
  const third = get(`${token}?recursive=true&wait=true&waitIndex=99`)
  const [held] = await once(third, 'response') as [IncomingMessage]
  held.resume()
  const ended = once(held, 'end')
  const { status } = await program.end('SIGTERM')
  await ended
  t.equal(status, 0, 'orderly, however long somebody would wait')
})

t.test('strangers: names, bodies, waits beyond their share', async t => {
  const { url } = await appliance(t)
  const [, token] = await text(`${url}/etcd/new?size=2`)
  for (const id of ['_hidden', 'a%2Fb', '%00', '%3Cscript%3E', 'x'.repeat(129)]) {
    const [status] = await text(`${token}/${id}`, form('PUT', 'value=1'))
    t.ok(status >= 400 && status < 500, `${id}: ${status}`)
  }
  t.match(await text(`${token}/a1?prevExist=maybe`, form('PUT', 'value=1')), [400, /"errorCode":209/])
  t.match(await text(`${token}/a1`, form('PUT', `value=${'x'.repeat(5000)}`)), [400, /"errorCode":209/])
  t.match(await text(`${token}/a1`, form('PUT', `value=${'x'.repeat(2049)}`)), [400, /2048 octets/])
  t.match(await text(`${token}?wait=true&waitIndex=never`), [400, /waitIndex/])
  const [status, body] = await text(`${token}/a1`, form('PUT', 'value=%22%3C%2Fscript%3E%00%ff'))
  t.match([status, JSON.parse(body)], [201, { node: { value: /^"<\/script>/ } }])

  const requests = await Promise.all(Array.from({ length: discoveryWaiters.perAddress }, async () => {
    const request = get(`${token}?recursive=true&wait=true`, { agent: false })
    const [answer] = await once(request, 'response') as [IncomingMessage]
    return { request, answer }
  }))
  t.equal(new Set(requests.map(({ answer }) => answer.statusCode)).size, 1)
  t.match(await text(`${token}?recursive=true&wait=true`), [500, /too many wait/])
  t.equal((await fetch(`${url}/readyz`)).status, 200)
  t.match((await text(`${url}/metrics`))[1], new RegExp(`discovery_members_waiting ${discoveryWaiters.perAddress}\\b`))
  for (const { request } of requests) request.destroy()
})

t.test('a group names its cluster: its templates are told the URL, and a machine installed anew loses its old entry', async t => {
  const { url, folder, program } = await appliance(t)
  const put = (name: string, content: unknown): void => { writeFileSync(join(folder, 'data', name), typeof content === 'string' ? content : JSON.stringify(content)) }
  put('generic/e', 'discovery {{.etcd_discovery}}')
  put('profiles/p.json', { id: 'p', generic_id: 'e' })
  put('groups/g.json', { id: 'g', profile: 'p', metadata: { etcd_cluster: { name: 'main', size: 3 } } })
  await program.logged('discovery.token')
  const [status, told] = await text(`${url}/generic`)
  t.match([status, told], [200, new RegExp(`^discovery ${url}/etcd/[0-9a-f]{32}$`)])
  t.match(await text(`${url}/metadata`), [200, /ETCD_DISCOVERY=http/])
  put('groups/g.json', { id: 'g', profile: 'p', metadata: { etcd_cluster: '{"name":"main","size":"5"}' } })
  const token = told.slice('discovery '.length)
  await program.logged('discovery.size')
  t.match((await text(`${token}/_config/size`))[1], /"value":"5"/)
  t.equal((await text(`${url}/generic`))[1], told)
  t.match(readFileSync(join(folder, 'state/discovery.jsonl'), 'utf8'), /"cluster":"main"/)
})
