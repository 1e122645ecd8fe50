// What this server does otherwise than Matchbox on purpose, what it tells of requests, and what it refuses.
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { memoryFile } from '../../src/disk/open-file.js'
import type { RequestEvent } from '../../src/http/machine-log.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { parseMac } from '../../src/net/mac.js'
import { openFileStore } from '../../src/store/file-store.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { listen } from '../helpers/http-app.js'
import { logLines } from '../helpers/log-lines.js'
import { exchange } from '../helpers/matchbox-fixture.js'
import { MemoryStore, makeGroup, makeProfile } from '../helpers/memory-store.js'

const get = (path: string, headers = '', method = 'GET'): Buffer =>
  Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${headers}\r\n`)

const mac = '52:54:00:00:00:01'
const store = (): MemoryStore => new MemoryStore({
  groups: [
    makeGroup({ id: 'node', profile: 'node', selector: { mac }, metadata: { who: 'n1' } }),
    makeGroup({ id: 'list', profile: 'node', selector: { mac: '52:54:00:00:00:02, 52-54-00-00-00-03' } }),
    makeGroup({ id: 'blank', profile: 'blank', selector: { k: 'blank' } }),
    makeGroup({ id: 'nowhere', profile: 'gone', selector: { k: 'nowhere' } }),
    makeGroup({ id: 'tough', profile: 'node', selector: { k: 'tough' }, metadata: { boot_resilient: 'true' } })
  ],
  profiles: [
    makeProfile({ id: 'node', boot: { kernel: '/assets/vmlinuz', initrd: ['--name main http://10.0.0.1:8080/assets/a.img'], args: [] }, genericId: 'big' }),
    makeProfile({ id: 'blank', ignitionId: 'blank.ign' })
  ],
  configs: { generic: { big: `{{.request.raw_query}}${'x'.repeat(5000)}` }, ignition: { 'blank.ign': 'not Ignition at all' } }
})

t.test('every body has a Content-Length, also where Go sends chunks', async t => {
  const { port } = await listen(t, { store: store() })
  for (const [method, path] of [['GET', `/generic?mac=${mac}`], ['HEAD', `/generic?mac=${mac}`], ['GET', '/nope'], ['HEAD', '//ipxe']] as const) {
    const { headers } = await exchange(port, get(path, '', method))
    t.match(headers['Content-Length'], /^\d+$/, `${method} ${path}`)
    t.equal(headers['Transfer-Encoding'], undefined)
  }
})

t.test('GRUB, which compares letters, finds the length', async t => {
  const { port } = await listen(t, { store: store(), assetsPath: t.testdir({ vmlinuz: 'a kernel' }) })
  for (const path of [`/generic?mac=${mac}`, '/assets/vmlinuz']) {
    const answer = await new Promise<IncomingMessage>(resolve => { httpGet({ port, path }, resolve) })
    answer.resume()
    t.equal(answer.rawHeaders.filter(name => name === 'Content-Length').length, 1, path)
    t.equal(answer.rawHeaders.filter(name => /^content-length$/i.test(name)).length, 1, path)
  }
})

t.test('an asset says its length before it is fetched', async t => {
  const { port } = await listen(t, { store: store(), assetsPath: t.testdir({ 'initrd.img': Buffer.alloc(70_000) }) })
  const { status, headers, body } = await exchange(port, get('/assets/initrd.img', '', 'HEAD'))
  t.same([status, headers['Content-Length'], body.length], [200, '70000', 0])
})

t.test('what is no Ignition goes out all the same, and is told', async t => {
  const events: RequestEvent[] = []
  const { port, log } = await listen(t, { store: store(), onRequest: e => { events.push(e) } })
  const { status, body } = await exchange(port, get('/ignition?k=blank'))
  t.equal(status, 200)
  t.equal(body.toString(), 'not Ignition at all')
  t.match(events, [{ kind: 'ignition', group: 'blank', status: 200, problem: "ignition/blank.ign:1:1: served as it is, but not JSON: invalid character 'n' looking for beginning of value" }])
  t.match(log, [{ level: 40, msg: 'http.ignition', problem: /not JSON/ }])
})

t.test('any address of a list selects', async t => {
  const { port } = await listen(t, { store: store() })
  for (const address of ['52:54:00:00:00:02', '52-54-00-00-00-03']) {
    t.equal((await exchange(port, get(`/ipxe?mac=${address}`))).status, 200)
  }
  t.match((await exchange(port, get('/metadata?mac=52-54-00-00-00-03'))).body.toString(), /^MAC=52:54:00:00:00:03$/m)
})

t.test('each request is told of, and named after what it was to the machine', async t => {
  const assets = t.testdir({ vmlinuz: 'kernel', 'a.img': 'initrd', other: 'x' })
  const events: RequestEvent[] = []
  const { port, log } = await listen(t, { store: store(), assetsPath: assets, onRequest: e => { events.push(e) } })
  for (const path of ['/boot.ipxe', `/ipxe?mac=${mac}`, '/assets/vmlinuz', '/assets/a.img?x', '/assets/other', '/ipxe?mac=52-54-00-00-00-99&x=<y>', '/ipxe?k=nowhere']) {
    await exchange(port, get(path))
  }
  t.match(events.map(({ kind, mac, ip, group, profile, status, bytes }) => ({ kind, mac, ip, group, profile, status, bytes })), [
    { kind: 'boot', mac: undefined, status: 200, bytes: 104 },
    { kind: 'script', mac, ip: '127.0.0.1', group: 'node', profile: 'node', status: 200 },
    { kind: 'kernel', mac, group: 'node', profile: 'node', status: 200, bytes: 6 },
    { kind: 'initrd', mac, group: 'node', profile: 'node', status: 200, bytes: 6 },
    { kind: 'asset', mac: undefined, group: undefined, status: 200, bytes: 1 },
    { kind: 'script', mac: '52:54:00:00:00:99', group: undefined, status: 404 },
    { kind: 'script', group: 'nowhere', profile: 'gone', status: 404 }
  ])
  t.ok(events.every(e => e.ms >= 0))
  t.match(log, [
    { level: 30, msg: 'http.boot', ip: '127.0.0.1', status: 200, bytes: 104 },
    { level: 30, msg: 'http.ipxe', mac, ip: '127.0.0.1', group: 'node', profile: 'node', status: 200 },
    { level: 30, msg: 'http.kernel', mac, bytes: 6 },
    { level: 30, msg: 'http.initrd', mac },
    { level: 20, msg: 'http.asset' },
    { level: 40, msg: 'http.unmatched', mac: '52:54:00:00:00:99', labels: { mac: '52:54:00:00:00:99', x: '<y>' } },
    { level: 40, msg: 'http.ipxe', group: 'nowhere', problem: 'group nowhere names a profile that is not there: "gone"' }
  ])
  t.notOk(JSON.stringify(log).includes('kernel /assets'), 'no document gets into the log')
})

t.test('resilient scripts, for all or for one group', async t => {
  const plain = await listen(t, { store: store() })
  t.notMatch((await exchange(plain.port, get(`/ipxe?mac=${mac}`))).body.toString(), 'goto')
  t.match((await exchange(plain.port, get('/ipxe?k=tough'))).body.toString(), 'initrd=main || goto kernel_failed')
  const all = await listen(t, { store: store(), resilient: true })
  t.match((await exchange(all.port, get(`/ipxe?mac=${mac}`))).body.toString(), 'initrd=main || goto kernel_failed')
  t.match((await exchange(all.port, get('/boot.ipxe'))).body.toString(), '&& exit || goto script_failed')
})

t.test('what was rendered before is told as the first time, and never outlives the store that it was made of', async t => {
  const root = t.testdir({
    groups: { 'n.json': JSON.stringify({ id: 'n', profile: 'p', selector: { mac }, metadata: { who: 'first' } }) },
    profiles: { 'p.json': JSON.stringify({ id: 'p', generic_id: 'g', ignition_id: 'bad.ign' }) },
    generic: { g: '{{.who}}' },
    ignition: { 'bad.ign': 'not Ignition at all' }
  })
  const clock = new FakeClock()
  const silent = createLog({ level: 'error', pretty: false, destination: logLines().stream })
  const files = await openFileStore({ dataPath: root, tombstoneMs: 30_000, clock, log: silent, watch: false })
  t.teardown(() => files.close())
  const events: RequestEvent[] = []
  const { port, log } = await listen(t, { store: files, onRequest: e => { events.push(e) } })
  const read = async (): Promise<string> => (await exchange(port, get(`/generic?mac=${mac}`))).body.toString()
  const twice = async (): Promise<readonly string[]> => [await read(), await read()]
  t.same(await twice(), ['first', 'first'])
  t.match(events.map(({ group, mac, labels }) => ({ group, mac, query: labels.get('mac') })), [{ group: 'n', mac, query: mac }, { group: 'n', mac, query: mac }])
  for (let i = 0; i < 2; i++) await exchange(port, get(`/ignition?mac=${mac}`))
  t.equal(log.filter(line => line.msg === 'http.ignition' && line['problem'] !== undefined).length, 2, 'a problem is told each time')
  t.same((await exchange(port, get(`/generic?mac=${mac}`, 'Range: bytes=1-2\r\n'))).body.toString(), 'ir', 'a range is of the same document')

  await files.putConfig('generic', 'g', Buffer.from('second {{.who}}'))
  t.same(await twice(), ['second first', 'second first'])
  await files.putGroup(makeGroup({ id: 'n', profile: 'p', selector: { mac }, metadata: { who: 'new' } }))
  t.same(await twice(), ['second new', 'second new'])
  await files.deleteGroup('n')
  t.same(await twice(), ['second new', 'second new'], 'a machine still reads what was deleted just now')
  await clock.advance(29_000)
  t.equal(await read(), 'second new')
  await clock.advance(2000)
  t.same(await twice(), ['404 page not found\n', '404 page not found\n'])
})

t.test('where it counts, an address says who asks when the query does not', async t => {
  const holders = new Map([['127.0.0.1', parseMac(mac)!]])
  const { port, log } = await listen(t, { store: store(), identify: ip => holders.get(ip) })
  const ask = async (path: string, headers = ''): Promise<string> => (await exchange(port, get(path, headers))).body.toString()
  t.match(await ask('/metadata'), `MAC=${mac}\nREQUEST_QUERY_MAC=${mac}\nREQUEST_RAW_QUERY=\n`)
  t.match(await ask('/metadata?'), `MAC=${mac}`)
  t.match(await ask('/metadata?uuid=&mac=&serial='), `MAC=${mac}`, "iPXE's variables may all be empty")
  t.match(await ask('/metadata?mac=nonsense'), `MAC=${mac}`, 'what is no address is no label')
  t.match(log.filter(line => line.msg === 'http.metadata'), Array.from({ length: 4 }, () => ({ mac, group: 'node' })))
  t.equal(await ask('/metadata?mac=52-54-00-00-00-99'), '404 page not found\n', 'a machine that says who it is is believed')
  t.equal(await ask('/metadata?os=installed'), '404 page not found\n', 'any label is one')
  holders.delete('127.0.0.1')
  t.equal(await ask('/metadata', 'X-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n'), '404 page not found\n')
  holders.set('127.0.0.1', parseMac('52:54:00:00:00:02')!)
  t.match(await ask('/metadata'), 'MAC=52:54:00:00:00:02\n', 'the next holder of the address is another machine')
  holders.set('10.9.8.7', parseMac(mac)!)
  t.match(await ask('/metadata', 'X-Forwarded-For: 10.9.8.7\r\n'), 'MAC=52:54:00:00:00:02\n', 'and only the address of the connection counts')

  const off = await listen(t, { store: store() })
  t.equal((await exchange(off.port, get('/metadata'))).status, 404)
})

t.test('of several provisioners: no document is made before it is known whom another one gave the address', async t => {
  const files = store()
  await files.putGroup(makeGroup({ id: 'guarded', profile: 'node', selector: { mac }, metadata: { ignition_guard: 'true' } }))
  const [known, asked]: [string[], unknown[]] = [[], []]
  const { port } = await listen(t, {
    store: files,
    identify: ip => known.includes(`undefined ${ip}`) ? parseMac(mac)! : undefined,
    guard: { mint: () => 'T', take: () => undefined, isAddressOf: (machine, address) => known.includes(`${machine} ${address}`), isOwn: () => true },
    hear: async (machine, ip) => {
      asked.push(machine)
      known.push(`${machine} ${ip}`)
    }
  })
  const status = async (path: string): Promise<number | null> => (await exchange(port, get(path))).status
  t.same([await status(`/generic?mac=${mac}&guard=T`), await status('/metadata')], [200, 200])
  t.same(asked, [mac, undefined])
})

t.test("pxe_coreos' ways where an address says who asks: another's document, and a comment for who is nobody", async t => {
  const files = store()
  await files.putProfile({ ...makeProfile({ id: 'c' }), cloudId: 'c.yaml' })
  await files.putConfig('cloud', 'c.yaml', Buffer.from('#cloud-config\n# {{.who}}\n'))
  const others = ['52:54:00:00:00:51', '52:54:00:00:00:52']
  for (const [n, address] of others.entries()) {
    await files.putGroup(makeGroup({ id: `c${n}`, profile: 'c', selector: { mac: address }, metadata: { who: `number ${n}`, ...n === 1 && { ignition_guard: 'true' } } }))
  }
  const holders = new Map(others.map((address, n) => [`10.0.0.${n}`, parseMac(address)!]))
  const told: RequestEvent[] = []
  const { port } = await listen(t, { store: files, identify: ip => holders.get(ip), onRequest: event => { told.push(event) } })
  const ask = async (path: string, on = port): Promise<{ status: number | null, text: string }> => {
    const { status, body } = await exchange(on, get(path))
    return { status, text: body.toString() }
  }
  t.same(await ask('/cloud'), { status: 404, text: '#cloud-config\n\n#Please add 127.0.0.1: no lease, reservation or group is of that address.\n' })
  t.same(await ask('/cloud?override_ipv4=10.0.0.0'), { status: 200, text: '#cloud-config\n# number 0\n' })
  t.same(await ask('/cloud?override_ipv4=10.0.0.0&mac='), { status: 200, text: '#cloud-config\n# number 0\n' })
  t.match(told.at(-1), { kind: 'other', status: 200 }, 'which is no stage of that machine')
  t.match(await ask('/cloud?override_ipv4=10.0.0.9'), { status: 404, text: /Please add 10\.0\.0\.9:/ })
  t.match(await ask('/cloud?override_ipv4=%0a-%20evil:'), { status: 404, text: /Please add 127\.0\.0\.1:/ }, 'what is no address is none')
  t.match(await ask('/cloud?override_ipv4=10.0.0.0&mac=52-54-00-00-00-99'), { status: 404, text: '404 page not found\n' }, 'who says who it is is believed')
  t.match(await ask('/cloud?override_ipv4=10.0.0.1'), { status: 403 }, 'never through a guard')
  holders.set('127.0.0.1', parseMac(others[1]!)!)
  t.match(await ask('/cloud?override_ipv4=10.0.0.1'), { status: 403 }, 'not even by the machine itself without its token')
  t.match(await ask('/ignition?override_ipv4=10.0.0.9'), { status: 404, text: '404 page not found\n' }, 'the comment is one of cloud-configs')

  const off = await listen(t, { store: files })
  t.same(await ask('/cloud?override_ipv4=10.0.0.0', off.port), { status: 404, text: '404 page not found\n' }, 'nothing of it where it is off')
})

t.test('alive and ready', async t => {
  const reasons: string[] = []
  const { port } = await listen(t, { store: store(), ready: () => reasons })
  const origin = `http://127.0.0.1:${port}`
  t.equal(await (await fetch(`${origin}/healthz`)).text(), 'ok\n')
  t.equal((await fetch(`${origin}/readyz`)).status, 200)
  reasons.push('store: groups/a.json: 1:1: unexpected end of JSON input')
  const unready = await fetch(`${origin}/readyz`)
  t.equal(unready.status, 503)
  t.equal(await unready.text(), `${reasons[0]}\n`)
  t.equal((await fetch(`${origin}/healthz`, { method: 'POST' })).status, 404)
})

t.test('more routes can be added, with parameters and bodies as usual; what is told of them is what was sent', async t => {
  const events: RequestEvent[] = []
  const { port } = await listen(t, {
    store: store(),
    onRequest: event => { events.push(event) },
    routes: app => {
      app.get('/v1/machines/:mac', (request, reply) => reply.send({ params: request.params, query: request.query }))
      app.post('/v1/installed', (request, reply) => reply.send({ body: request.body }))
      app.get('/v1/broken', () => { throw new Error('out of order') })
    }
  })
  const origin = `http://127.0.0.1:${port}`
  const got = await (await fetch(`${origin}/v1/machines/52%3A54?wait=installed`)).text()
  t.same(JSON.parse(got), { params: { mac: '52:54' }, query: { wait: 'installed' } })
  const posted = await fetch(`${origin}/v1/installed`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' })
  t.same(await posted.json(), { body: { a: 1 } })
  t.equal((await fetch(`${origin}/v1//machines/x`, { redirect: 'manual' })).headers.get('location'), '/v1/machines/x')
  const broken = await fetch(`${origin}/v1/broken`)
  t.same([broken.status, await broken.text()], [500, '500 Internal Server Error\n'])
  while (events.length < 4) await new Promise(resolve => { setImmediate(resolve) })
  t.match(events, [
    { kind: 'other', path: '/v1/machines/52:54', status: 200, bytes: got.length, finished: true },
    { path: '/v1/installed', status: 200, bytes: '{"body":{"a":1}}'.length },
    { path: '/v1//machines/x', status: 301 },
    { path: '/v1/broken', status: 500, bytes: '500 Internal Server Error\n'.length }
  ])
})

t.test('what goes wrong in an answer to a machine is answered, and ends nothing', async t => {
  const provisioner = createProvisioner({ store: store() })
  const broken = { ...provisioner, renderAside: () => { throw new Error('out of order') } }
  const { port, log } = await listen(t, { store: store(), provisioner: broken, loaders: { open: async () => ({ ...memoryFile('x', Buffer.alloc(9)), get size (): number { throw new Error('gone') } }) } })
  for (const path of ['/ipxe', '/boot/x']) {
    const { status, body } = await exchange(port, get(path))
    t.same([status, body.toString()], [500, '500 Internal Server Error\n'], path)
  }
  t.same(log.filter(({ msg }) => msg === 'http.failed').map(({ err }) => err), ['out of order', 'gone'])
  t.equal((await exchange(port, get('/'))).status, 200)
})

t.test('who asks while the server closes is answered, and told not to ask again', async t => {
  let begun = (): void => {}
  const closing = new Promise<void>(resolve => { begun = resolve })
  const { app, port } = await listen(t, {
    store: store(),
    routes: app => {
      app.addHook('preClose', done => {
        begun()
        done()
      })
    }
  })
  const answers = await new Promise<string>(resolve => {
    let text = ''
    let closed: Promise<undefined> | undefined
    // Half a request keeps the connection from being idle.
    const socket = connect(port, '127.0.0.1', () => { socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n') })
    socket.on('data', async data => {
      text += data.toString()
      if (closed !== undefined) return
      closed = app.close()
      await closing
      socket.write('\r\n')
    })
    socket.on('close', () => { resolve(text) })
  })
  t.same(answers.match(/^Connection: \S+/gmi), ['Connection: keep-alive', 'connection: close'])
})

t.test('what a stranger can send is bounded', async t => {
  const { port } = await listen(t, { store: store() })
  const status = async (request: string | Buffer): Promise<number | null> => (await exchange(port, Buffer.from(request))).status
  t.equal(await status(get(`/ipxe?x=${'y'.repeat(1_000_000)}`)), 431, 'a query of 1 MB')
  t.equal(await status(get('/ipxe', `X-A: ${'y'.repeat(1_100_000)}\r\n`)), 431, 'a long header')
  t.equal(await status(get('/ipxe', 'X-A: y\r\n'.repeat(300_000))), 431, 'very many headers')
  t.equal(await status(get(`/ipxe?${'a=%41&'.repeat(4095)}a=1`)), 404, 'very many labels are read')
  t.equal(await status(get(`/ipxe?${'a=%41&'.repeat(4096)}a=1`)), 431, 'one more')
  t.equal(await status(get(`/ipxe?a=${'%41'.repeat(300_000)}`)), 404, 'a long one is read')
  t.equal(await status('FOO /ipxe HTTP/1.1\r\n\r\n'), 400, 'no host')
  t.equal(await status('\0\x01\x02\r\n\r\n'), 400)
  t.equal(await status('GET /é\x01 HTTP/1.1\r\nHost: a\r\n\r\n'), 400)
  t.equal(await status('POST /ipxe HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n'), 404, 'a body that never comes is not waited for')
  t.equal(await status('get /é?ü=ß HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), 404, 'an unknown method and bytes beyond ASCII')
})

t.test('a client that does not get on with its request is cut off', async t => {
  const { port } = await listen(t, { store: store(), limits: { headersTimeout: 100, requestTimeout: 200 } })
  for (const start of ['GET /ipxe HTTP/1.1\r\nHost:', 'POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{']) {
    t.equal((await exchange(port, Buffer.from(start))).status, 408, start.slice(0, 20))
  }
})

t.test('requests that follow an odd one on its connection are answered too', async t => {
  const { port } = await listen(t, { store: store() })
  const requests = ['FOO / HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /é HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n']
  const answers = await new Promise<string>(resolve => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => { socket.write(requests.shift()!) })
    socket.on('data', data => {
      text += data.toString()
      if (requests.length > 0) socket.write(requests.shift()!)
    })
    socket.on('close', () => { resolve(text) })
  })
  t.same(answers.match(/^HTTP\/1\.1 \d+/gm), ['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200'])
})

t.test('a large asset arrives whole, in parts too', async t => {
  const folder = t.testdir()
  const image = Buffer.alloc(5_000_000, 'abcdefghij')
  writeFileSync(join(folder, 'image'), image)
  const { port } = await listen(t, { store: store(), assetsPath: folder })
  t.ok((await exchange(port, get('/assets/image'))).body.equals(image))
  const part = await exchange(port, get('/assets/image', 'Range: bytes=1500000-3999999\r\n'))
  t.equal(part.status, 206)
  t.ok(part.body.equals(image.subarray(1_500_000, 4_000_000)))
  const several = await exchange(port, get('/assets/image', 'Range: bytes=0-1,3000000-4500000\r\n'))
  t.match(several.headers['Content-Type'], /^multipart\/byteranges; boundary=[0-9a-f]{60}$/)
  t.equal(String(several.body.length), several.headers['Content-Length'])
})

t.test('a download that is broken off is told of, and its file closed', async t => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'image'), Buffer.alloc(50_000_000))
  const told = new Promise<RequestEvent>(resolve => {
    void listen(t, { store: store(), assetsPath: folder, onRequest: resolve }).then(({ port }) => {
      const socket = connect(port, '127.0.0.1', () => { socket.write(get('/assets/image')) })
      socket.once('data', () => { socket.destroy() })
    })
  })
  const { finished, bytes, status, ip } = await told
  t.equal(finished, false)
  t.equal(status, 200)
  t.ok(bytes < 50_000_000)
  t.equal(ip, '127.0.0.1')
  const isOpen = (): boolean => readdirSync('/proc/self/fd').some(fd => {
    try { return readlinkSync(`/proc/self/fd/${fd}`) === join(folder, 'image') } catch { return false }
  })
  for (let turns = 0; isOpen() && turns < 10_000; turns++) await new Promise(resolve => setImmediate(resolve))
  t.notOk(isOpen())
})

t.test('a path that is not UTF-8 is not there, and two Host headers are one too many', async t => {
  const { port } = await listen(t, { store: store() })
  const odd = await exchange(port, get('/ff%ff'))
  t.match(odd, { status: 404, headers: { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' } })
  t.equal(odd.body.toString(), '404 page not found\n')
  const twice = await exchange(port, get(`/ipxe?mac=${mac}`, 'hOST: b\r\n'))
  t.match(twice, { status: 400 })
  t.equal(twice.body.toString(), '400 Bad Request: too many Host headers')
})

t.test('without a Host header, or with one that is none, a request is refused in words, with their length', async t => {
  const { port } = await listen(t, { store: store() })
  const words = [['', 'missing required'], ['Host: a b\r\n', 'malformed'], ['Host: a/b\r\n', 'malformed']]
  for (const [header, problem] of words) {
    const { status, headers, body } = await exchange(port, Buffer.from(`GET /ipxe?mac=${mac} HTTP/1.1\r\nConnection: close\r\n${header}\r\n`))
    t.equal(status, 400)
    t.equal(body.toString(), `400 Bad Request: ${problem} Host header`)
    t.match(headers, { 'Content-Length': String(body.length), 'Content-Type': 'text/plain; charset=utf-8' })
    t.notOk('Transfer-Encoding' in headers)
  }
  t.match(await exchange(port, Buffer.from('GET / HTTP/1.0\r\n\r\n')), { status: 200 }, 'HTTP/1.0 has none')
})
