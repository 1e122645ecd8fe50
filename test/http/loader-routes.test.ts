import { createHash } from 'node:crypto'
import { symlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { Readers } from '../../src/disk/disk-file.js'
import { FileCache } from '../../src/disk/file-cache.js'
import { storedFiles } from '../../src/tftp/file-source.js'
import type { LoaderSource } from '../../src/http/loader-routes.js'
import type { RequestEvent } from '../../src/http/machine-log.js'
import { listen } from '../helpers/http-app.js'
import { exchange } from '../helpers/matchbox-fixture.js'
import { MemoryStore } from '../helpers/memory-store.js'

const loader = Buffer.alloc(850_528, 'MZ efi program ')
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

interface Served { readonly port: number, readonly events: readonly RequestEvent[], readonly clients: readonly string[] }

async function serve (t: Test): Promise<Served> {
  const folder = t.testdir({ 'ipxe.efi': loader, x64: { 'SNPONLY.EFI': loader, empty: '' }, 'notes.txt': 'hello\n', 'shimx64.img': loader, 'cd.iso': loader })
  symlinkSync('/etc/passwd', join(folder, 'passwd'))
  const files = storedFiles({ roots: [folder], cache: new FileCache({ memory: 0, clock: systemClock }), readers: new Readers(), clock: systemClock })
  const clients: string[] = []
  const loaders: LoaderSource = { open: async (name, client) => { clients.push(client); return await files.open(name, { client }) } }
  const events: RequestEvent[] = []
  const { port } = await listen(t, { store: new MemoryStore(), loaders, onRequest: event => { events.push(event) } })
  return { port, events, clients }
}

const request = (path: string, method = 'GET', headers = ''): Buffer =>
  Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: k\r\nConnection: close\r\n${headers}\r\n`)

t.test('a loader as firmware fetches it: its length first, then all of it', async t => {
  const { port, events, clients } = await serve(t)
  for (const path of ['/boot/ipxe.efi', '//boot/ipxe.efi', '/boot//ipxe.efi', '/boot/./x64/../ipxe.efi', '/boot/x64//SNPONLY.EFI', '/boot/ipxe%2Eefi?x=1']) {
    const head = await exchange(port, request(path, 'HEAD'))
    t.equal(head.status, 200, `HEAD ${path}`)
    t.equal(head.headers['Content-Length'], String(loader.length))
    t.equal(head.headers['Content-Type'], 'application/efi')
    t.equal(head.body.length, 0)
    const { status, headers, body } = await exchange(port, request(path))
    t.equal(status, 200, `GET ${path}`)
    t.equal(headers['Content-Length'], String(loader.length))
    t.equal(headers['Transfer-Encoding'], undefined)
    t.equal(headers['Location'], undefined)
    t.equal(digest(body), digest(loader))
    t.ok(Object.values(headers).every(value => value !== ''), 'edk2 hangs on an empty header')
  }
  for (const [name, type] of [['shimx64.img', 'application/vnd.efi-img'], ['cd.iso', 'application/vnd.efi-iso']]) {
    t.equal((await exchange(port, request(`/boot/${name}`, 'HEAD'))).headers['Content-Type'], type, 'which firmware mounts')
  }
  t.strictSame(new Set(clients), new Set(['127.0.0.1']))
  t.match(events.find(({ kind }) => kind === 'loader'), { path: '/boot/ipxe.efi', status: 200, bytes: loader.length, finished: true })
})

t.test('HEAD and GET over one connection, which stays open', async t => {
  const { port } = await serve(t)
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => { socket.destroy() })
  const parts: Buffer[] = []
  socket.write('HEAD /boot/notes.txt HTTP/1.1\r\nHost: k\r\n\r\nGET /boot/notes.txt HTTP/1.1\r\nHost: k\r\n\r\n')
  for await (const part of socket) {
    parts.push(part as Buffer)
    if (Buffer.concat(parts).toString().endsWith('hello\n')) break
  }
  const said = Buffer.concat(parts).toString()
  t.equal(said.match(/HTTP\/1\.1 200 OK/g)?.length, 2)
  t.notMatch(said, /connection: close/i)
})

t.test('what is not there, not to be had, or not asked for like that', async t => {
  const { port, events } = await serve(t)
  for (const [path, method, status] of [
    ['/boot/nope.efi', 'GET', 404], ['/boot/x64', 'GET', 404], ['/boot/x64/', 'GET', 404], ['/boot/', 'GET', 404], ['/boot', 'GET', 404],
    ['/boot/passwd', 'GET', 403], ['/boot/%2e%2e/%2e%2e/etc/passwd', 'GET', 301], ['/boot/..%2f..%2fetc/passwd', 'GET', 301],
    ['/boot/ipxe.efi%00', 'GET', 403], ['/boot/ipxe.efi', 'POST', 405], ['/boot/ipxe.efi', 'DELETE', 405]
  ] as const) {
    const { status: got, headers, body } = await exchange(port, request(path, method))
    t.equal(got, status, `${method} ${path}`)
    t.match(headers['Content-Length'], /^\d+$/)
    t.notMatch(body.toString(), 'root:')
  }
  t.match(events.find(({ path }) => path === '/boot/passwd')?.problem, /in none of the folders/)
  t.notOk(events.some(({ kind, status }) => kind === 'loader' && status === 200))
})

t.test('parts of a loader, for iPXE that goes on where it broke off', async t => {
  const { port } = await serve(t)
  const { status, headers, body } = await exchange(port, request('/boot/ipxe.efi', 'GET', 'Range: bytes=100000-300000\r\n'))
  t.equal(status, 206)
  t.equal(headers['Content-Range'], `bytes 100000-300000/${loader.length}`)
  t.equal(digest(body), digest(loader.subarray(100_000, 300_001)))
  t.equal((await exchange(port, request('/boot/x64/empty'))).headers['Content-Length'], '0')
})

t.test("without loaders the path is nobody's, and a doubled slash redirects as everywhere", async t => {
  const { port } = await listen(t, { store: new MemoryStore() })
  t.equal((await exchange(port, request('/boot/ipxe.efi'))).status, 404)
  t.equal((await exchange(port, request('/boot//ipxe.efi'))).status, 301)
})
