// How a publisher is reached: several addresses, proxies, TLS; against sockets on loopback.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import t, { type Test } from 'tap'
import { HttpClient, type HttpClientOptions } from '../../src/mirror/http-client.js'
import { systemClock } from '../../src/base/clock.js'
import { makePki } from '../helpers/pki.js'
import { Publisher } from '../helpers/publisher.js'
import { needs, needsRoot } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

const client = (options: Partial<HttpClientOptions> = {}): HttpClient =>
  new HttpClient({ env: {}, timeout: 5000, clock: systemClock, signal: new AbortController().signal, ...options })

async function listening<Kind extends Server> (t: Test, server: Kind): Promise<{ readonly server: Kind, readonly port: number }> {
  const sockets = new Set<Socket>()
  server.on('connection', socket => { sockets.add(socket) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => { server.close(resolve) })
  })
  return { server, port: (server.address() as AddressInfo).port }
}

/** A proxy that only tunnels; `asked` has the head of each request. */
async function tunnel (t: Test, status = 200): Promise<{ readonly port: number, readonly asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = []
  const { server, port } = await listening(t, createServer((request, response) => {
    asked.push(request)
    response.end(`by the proxy: ${request.url ?? ''}`)
  }))
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push(request)
    socket.on('error', () => {})
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} No\r\n\r\n`)
      return
    }
    const on = connectTcp(Number(request.url?.split(':').pop()), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(on).pipe(socket)
    })
    on.on('error', () => { socket.destroy() })
  })
  return { port, asked }
}

t.test('a name with several addresses: those that can not be reached cost nothing but time', async t => {
  const server = await Publisher.start()
  t.teardown(() => server.close())
  server.put('/file', 'here')
  const { port } = new URL(server.url)
  const resolve = async () => [{ address: '::ffff:0:1', family: 6 }, { address: '127.0.0.1', family: 4 }, { address: '127.0.0.2', family: 4 }]
  t.equal(await client({ resolve }).text(`http://publisher.example:${port}/file`), 'here')
  await t.rejects(client({ resolve: async () => [] }).get(`http://publisher.example:${port}/file`), { message: /its name is not known/ })
})

t.test('an address that is silent, in a network of its own, is waited for beside the next one', t => {
  if (!needsRoot(t) || !needs(t, 'unshare', 'ip')) {
    t.end()
    return
  }
  // What is sent to 192.0.2.99 reaches an interface that is not meant.
  const network = 'ip link set lo up; ip link add d0 type veth peer name d1; ip address add 192.0.2.1/24 dev d0; ip link set d0 up; ' +
    'ip link set d1 up; ip neighbour add 192.0.2.99 lladdr 02:00:00:00:00:99 dev d0'
  const script = join(import.meta.dirname, '../helpers/silent-address.ts')
  const { stdout, stderr } = spawnSync('unshare', ['-n', 'sh', '-c', `${network}; exec "${process.execPath}" ${typescript} "${script}"`], { encoding: 'utf8' })
  t.match(JSON.parse(stdout || '{}'), {
    silentFirst: '200',
    noWay: '200',
    noWayFirst: '200',
    // Given up after the time for connections, not after the 250 ms that Node gives an address.
    onlySilent: /it can not be reached/
  }, stderr)
  t.end()
})

t.test('over a proxy: what is encrypted through a tunnel, what is not by asking for all of the URL', async t => {
  const { ca, server: pair } = makePki()
  const server = await Publisher.start(pair)
  t.teardown(() => server.close())
  server.put('/file', 'here')
  const { port, asked } = await tunnel(t)
  const env = { https_proxy: `user:p%40ss@127.0.0.1:${port}`, http_proxy: `http://127.0.0.1:${port}` }
  t.equal(await client({ env, secureContext: () => createSecureContext({ ca: ca.cert }) }).text(`${server.url}/file`), 'here')
  t.match(asked[0], { method: 'CONNECT', url: server.url.replace('https://', ''), headers: { 'proxy-authorization': `Basic ${Buffer.from('user:p@ss').toString('base64')}` } })
  t.equal(await client({ env }).text('http://publisher.invalid/a?b=c'), 'by the proxy: http://publisher.invalid/a?b=c')

  const closed = await tunnel(t, 407)
  await t.rejects(client({ env: { https_proxy: `127.0.0.1:${closed.port}` } }).get(`${server.url}/file`), { message: /the proxy 127\.0\.0\.1:\d+ does not let through .* 407/ })
  await t.rejects(client({ env: { https_proxy: 'socks5://127.0.0.1:1' } }).get(`${server.url}/file`), { code: 'config_invalid' })
})

const plain = async (t: Test): Promise<string> => `http://127.0.0.1:${(await listening(t, createServer())).port}/`

t.test('TLS: only by a certificate that is trusted', async t => {
  const { ca, otherCa, server: pair } = makePki()
  const server = await Publisher.start(pair)
  t.teardown(() => server.close())
  server.put('/file', 'here')
  t.equal(await client({ secureContext: () => createSecureContext({ ca: [otherCa.cert, ca.cert] }) }).text(`${server.url}/file`), 'here')
  await t.rejects(client({ secureContext: () => createSecureContext({ ca: otherCa.cert }) }).get(`${server.url}/file`), { code: 'image_download_failed' })
  await t.rejects(client().get(`${server.url}/file`), { code: 'image_download_failed' })
  await t.rejects(client().get((await plain(t)).replace('http:', 'https:')), { message: /it does not speak TLS/ })
})

t.test('silence at each step, and being given up', async t => {
  const closed: Array<Promise<unknown>> = []
  const { port } = await listening(t, createTcpServer(socket => {
    closed.push(new Promise(resolve => { socket.once('close', resolve) }))
    socket.on('error', () => {}).resume()
  }))
  const url = `http://127.0.0.1:${port}/file`
  await t.rejects(client({ timeout: 50 }).get(url), { message: /it does not answer/ })
  await t.rejects(client({ timeout: 50 }).get(url.replace('http:', 'https:')), { message: /it can not be reached/ })
  await t.rejects(client({ timeout: 50, env: { https_proxy: `127.0.0.1:${port}` } }).get('https://publisher.example/'), { message: /it can not be reached/ })
  const stopping = new AbortController()
  const waiting = client({ signal: stopping.signal }).get(url)
  stopping.abort()
  await t.rejects(waiting, { code: 'image_download_failed' })
  await t.rejects(client({ signal: stopping.signal }).get(url), { code: 'image_download_failed' })
  t.equal(closed.length, 3, 'all but the name that was never known, and what was given up before it began')
  await Promise.all(closed)
})
