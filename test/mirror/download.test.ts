// One large file onto the disk, against publishers that send all of it, break off, send parts, or send something else the second time.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { download, downloadOnce, type DownloadOptions } from '../../src/mirror/download.js'
import { HttpClient } from '../../src/mirror/http-client.js'

interface Sent { readonly status?: number, readonly headers?: Readonly<Record<string, string | number>>, readonly body?: Buffer, readonly breaks?: boolean }

const [first, second] = [randomBytes(300_000), randomBytes(300_000)]
const size = first.length
const tagged = { etag: '"one"', 'content-length': size }
const whole: Sent = { headers: tagged, body: first }
const cut: Sent = { ...whole, body: first.subarray(0, 100_000), breaks: true }
const part = (from: number, to: number, more: Sent['headers'] = {}): Sent =>
  ({ status: 206, headers: { etag: '"one"', 'content-length': to - from, 'content-range': `bytes ${from}-${to - 1}/${size}`, ...more }, body: first.subarray(from, to) })

/** Answers one after the other; the last one again and again. */
async function publisher (t: Test, answers: readonly Sent[]): Promise<{ readonly url: string, readonly asked: IncomingHttpHeaders[] }> {
  const asked: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    const { status = 200, headers = {}, body = Buffer.alloc(0), breaks = false } = answers[Math.min(asked.length, answers.length - 1)]!
    asked.push(request.headers)
    response.writeHead(status, headers)
    if (breaks) response.write(body, () => { request.socket.end() })
    else response.end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`, asked }
}

const timeout = 60_000
/** Pauses are over at once. */
const clock: Clock = { ...systemClock, after: (milliseconds, fire) => systemClock.after(milliseconds === timeout ? timeout : 0, fire) }

function options (more: Partial<DownloadOptions> = {}): DownloadOptions {
  const { signal } = new AbortController()
  return { client: new HttpClient({ env: {}, timeout, clock, signal }), clock, timeout, maxSize: 2 ** 20, signal, onProgress: () => {}, ...more }
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

t.test('whatever the publisher does, the file is whole or is not there, and nothing else is left', async t => {
  const rows: ReadonlyArray<readonly [what: string, answers: readonly Sent[], asked: readonly string[], resumed: boolean, content?: Buffer]> = [
    ['all at once', [whole], [''], false],
    ['of a size that it does not tell', [{ headers: { etag: '"one"' }, body: first }], [''], false],
    ['nothing at all', [{ headers: { 'content-length': 0 } }], [''], false, Buffer.alloc(0)],
    ['broken off, and the rest', [cut, part(100_000, size)], ['', '100000 "one"'], true],
    ['broken off twice', [cut, { ...part(100_000, size), body: first.subarray(100_000, 200_000), breaks: true }, part(200_000, size)], ['', '100000 "one"', '200000 "one"'], true],
    ['parts of what was asked for', [cut, part(100_000, 200_000), part(200_000, size)], ['', '100000 "one"', '200000 "one"'], true],
    ['of a size that nobody tells, and broken off', [{ ...cut, headers: { etag: '"one"' } }, part(100_000, size, { 'content-range': `bytes 100000-${size - 1}/*` })], ['', '100000 "one"'], true],
    ['another file the second time', [cut, { headers: { etag: '"two"', 'content-length': size }, body: second }], ['', '100000 "one"'], true, second],
    ['another part than was asked for', [cut, part(50_000, size), whole], ['', '100000 "one"', ''], true],
    ['no such part', [cut, { status: 416 }, whole], ['', '100000 "one"', ''], true],
    ['busy in between', [cut, { status: 503 }, part(100_000, size)], ['', '100000 "one"', '100000 "one"'], true],
    ['by its date', [{ ...cut, headers: { 'last-modified': 'Sat, 28 Nov 2026 10:00:00 GMT', 'content-length': size } }, part(100_000, size)], ['', '100000 Sat, 28 Nov 2026 10:00:00 GMT'], true],
    ['with a weak tag, which tells no octets', [{ ...cut, headers: { etag: 'W/"one"', 'content-length': size } }, whole], ['', ''], true],
    ['with nothing that tells it', [{ ...cut, headers: { 'content-length': size } }, whole], ['', ''], true]
  ]
  for (const [what, answers, ranges, resumed, content = first] of rows) {
    const folder = t.testdir()
    const { url, asked } = await publisher(t, answers)
    const result = await download(url, join(folder, 'file'), options())
    t.same(readdirSync(folder), ['file'], what)
    t.equal(digest(readFileSync(join(folder, 'file'))), digest(content), what)
    t.same(result, { resumed }, what)
    t.same(asked.map(({ range = '', 'if-range': condition = '' }) => `${range.replace(/^bytes=(\d+)-$/, '$1')} ${condition}`.trim()), ranges, what)
  }
})

t.test('what is given up, and what is kept of it for the next time', async t => {
  const rows: ReadonlyArray<readonly [what: string, answers: readonly Sent[], error: object, asked: number, left: readonly string[]]> = [
    ['it has no such file', [{ status: 404 }], { message: /the publisher does not have it/ }, 1, []],
    ['larger than may be, as it says', [{ headers: { 'content-length': 2 ** 20 + 1 }, body: Buffer.alloc(2 ** 20 + 1) }], { code: 'image_too_large' }, 1, []],
    ['larger than may be, as it comes', [{ body: Buffer.alloc(2 ** 20 + 1) }], { code: 'image_too_large' }, 1, []],
    ['broken off always in the same place', [cut, { ...part(100_000, size), body: Buffer.alloc(0), breaks: true }], { message: /the connection broke|ended after/ }, 4, ['file.part', 'file.part.json']],
    ['a few octets at a time', [cut, part(100_000, 104_095), part(104_095, 108_190), part(108_190, 112_285)], { message: /it sends 4095 bytes where 191810 are asked for/ }, 4, ['file.part', 'file.part.json']]
  ]
  for (const [what, answers, error, count, left] of rows) {
    const folder = t.testdir()
    const { url, asked } = await publisher(t, answers)
    t.match(await download(url, join(folder, 'file'), options()).catch((error: unknown) => error), error, what)
    t.equal(asked.length, count, what)
    t.same(readdirSync(folder).sort(), left, what)
  }
})

t.test('the largest that may be is taken, and progress is told of', async t => {
  const folder = t.testdir()
  const content = randomBytes(2 ** 20)
  const { url } = await publisher(t, [{ headers: { 'content-length': content.length }, body: content }])
  const told: Array<readonly [number, number | undefined]> = []
  await download(url, join(folder, 'file'), options({ onProgress: (received, total) => { told.push([received, total]) } }))
  t.same([told[0], told.at(-1)], [[0, 2 ** 20], [2 ** 20, 2 ** 20]])
  t.equal(digest(readFileSync(join(folder, 'file'))), digest(content))
})

t.test('a part of an earlier run is taken up, of another URL it is not; in one try nothing is', async t => {
  const folder = t.testdir()
  const path = join(folder, 'file')
  const stop = new AbortController()
  const { url, asked } = await publisher(t, [cut, part(100_000, size)])
  const giveUp = options({ signal: stop.signal, onProgress: received => { if (received === 100_000) stop.abort() } })
  await t.rejects(download(url, path, giveUp))
  t.same(readdirSync(folder).sort(), ['file.part', 'file.part.json'])
  t.same(await download(url, path, options()), { resumed: true })
  t.equal(asked[1]?.range, 'bytes=100000-')

  const { url: begun, asked: askedRest } = await publisher(t, [part(1, size)])
  writeFileSync(join(folder, 'one.part'), first.subarray(0, 1))
  writeFileSync(join(folder, 'one.part.json'), JSON.stringify({ url: begun, validator: '"one"', total: size }))
  t.same(await download(begun, join(folder, 'one'), options()), { resumed: true })
  t.equal(askedRest[0]?.range, 'bytes=1-', 'one octet is a part')
  t.equal(digest(readFileSync(join(folder, 'one'))), digest(first))
  rmSync(join(folder, 'one'))

  const { url: other, asked: askedOther } = await publisher(t, [cut, whole])
  await t.rejects(downloadOnce(other, join(folder, 'once'), options()))
  t.equal(askedOther.length, 1)
  t.ok(existsSync(join(folder, 'once.part')))
  await downloadOnce(other, join(folder, 'once'), options())
  t.same([askedOther.length, askedOther[1]?.range], [2, undefined])
  t.same(readdirSync(folder).sort(), ['file', 'once'])
})
