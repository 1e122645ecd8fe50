// What publishers answer, by tables: which status is tried again and after how long, where a redirect leads, who is told a password.
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { AppError } from '../../src/base/errors.js'
import { broken, HttpClient, type HttpClientOptions, MissingError, shown } from '../../src/mirror/http-client.js'
import { TransientError } from '../../src/mirror/patience.js'

interface Answer { readonly status: number, readonly headers?: Readonly<Record<string, string>>, readonly body?: string }

async function publisher (t: Test, answer: (path: string) => Answer): Promise<{ readonly url: string, readonly asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    const { status, headers = {}, body = '' } = answer(request.url ?? '')
    response.writeHead(status, headers).end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const now = Date.parse('2026-11-28T10:00:00Z')
const timeout = 60_000

/** A client for which every pause is over at once, and what they were. */
function client (options: Partial<HttpClientOptions> = {}): { readonly http: HttpClient, readonly pauses: number[] } {
  const pauses: number[] = []
  const clock: Clock = {
    ...systemClock,
    now: () => now,
    after: (milliseconds, fire) => {
      if (milliseconds === timeout) return systemClock.after(milliseconds, fire)
      pauses.push(milliseconds)
      return systemClock.after(0, fire)
    }
  }
  return { http: new HttpClient({ env: {}, timeout, clock, signal: new AbortController().signal, ...options }), pauses }
}

t.test('which status is tried again, after what pauses, and what is said of it', async t => {
  const usual = [500, 2000, 5000]
  const seconds = (count: number): string => new Date(now + count * 1000).toUTCString()
  const rows: ReadonlyArray<readonly [status: number, retryAfter: string | undefined, pauses: readonly number[], said: RegExp]> = [
    [204, undefined, [], /answered 204$/],
    [206, undefined, [], /answered 206$/],
    [304, undefined, [], /answered 304$/],
    [400, undefined, [], /answered 400$/],
    [401, undefined, [], /answered 401: it wants other credentials, or none/],
    [402, undefined, [], /answered 402$/],
    [403, undefined, [], /answered 403: it wants other credentials, or none/],
    [404, undefined, [], /answered 404: the publisher does not have it$/],
    [405, undefined, [], /answered 405$/],
    [408, undefined, usual, /answered 408$/],
    [409, undefined, [], /answered 409$/],
    [410, undefined, [], /answered 410: the publisher does not have it$/],
    [411, undefined, [], /answered 411$/],
    [425, undefined, usual, /answered 425$/],
    [429, undefined, usual, /answered 429$/],
    [499, undefined, [], /answered 499$/],
    [500, undefined, usual, /answered 500$/],
    [503, undefined, usual, /answered 503$/],
    [503, '1', [1000, 2000, 5000], /answered 503$/],
    [503, '300', [300_000, 300_000, 300_000], /answered 503$/],
    [503, '301', [], /answered 503, and asks to be left alone for 5 minutes$/],
    [429, seconds(10), [10_000, 10_000, 10_000], /answered 429$/],
    [429, seconds(-10), usual, /answered 429$/],
    [429, seconds(7200), [], /answered 429, and asks to be left alone for 120 minutes$/],
    [429, 'soon', usual, /answered 429$/]
  ]
  for (const [status, retryAfter, expected, said] of rows) {
    const { url, asked } = await publisher(t, () => ({ status, headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter } }))
    const { http, pauses } = client()
    const error = await http.text(`${url}/file`).then(() => undefined, (error: unknown) => error as AppError)
    const row = `${status} ${retryAfter ?? ''}`
    t.match(error, { code: 'image_download_failed', message: said }, row)
    t.equal(error instanceof MissingError, status === 404 || status === 410, row)
    t.same(pauses, expected, row)
    t.equal(asked.length, 1 + expected.length, row)
  }
})

t.test('what goes well at the last try has gone well', async t => {
  let tries = 0
  const { url } = await publisher(t, () => ++tries < 4 ? { status: 503 } : { status: 200, body: 'here' })
  t.equal(await client().http.text(`${url}/file`), 'here')
})

t.test('where a redirect leads', async t => {
  const elsewhere = await publisher(t, path => ({ status: 200, body: `elsewhere ${path}` }))
  const { url } = await publisher(t, path => {
    const [, status, to = ''] = /^\/to\/(\d+)\/?(.*)$/.exec(path) ?? []
    return status === undefined ? { status: 200, body: `here ${path}` } : { status: Number(status), ...to !== '' && { headers: { location: decodeURIComponent(to) } } }
  })
  const to = (status: number, location: string): Promise<string> => client().http.text(`${url}/to/${status}/${encodeURIComponent(location)}`)
  for (const status of [301, 302, 303, 307, 308]) t.equal(await to(status, '/there?a=b'), 'here /there?a=b', `${status}`)
  t.equal(await to(302, `${elsewhere.url}/x`), 'elsewhere /x')
  for (const status of [300, 305]) await t.rejects(to(status, '/there'), { message: new RegExp(`answered ${status}$`) })
  for (const location of ['ftp://a/b', 'file:///etc/passwd']) await t.rejects(to(302, location), { message: /which is not followed/ }, location)
  for (const location of ['', 'http://[']) await t.rejects(to(302, location), { message: /redirects to nowhere/ }, location)
  t.match(await client({ follow: false }).http.get(`${url}/to/302/x`).then(({ statusCode, body }) => {
    body.destroy()
    return statusCode
  }), 302)
})

t.test('a password is for its origin alone, and never shown', async t => {
  const elsewhere = await publisher(t, () => ({ status: 200 }))
  const own = await publisher(t, path => path === '/away' ? { status: 302, headers: { location: `${elsewhere.url}/x` } } : { status: 200 })
  const { http } = client({ authorization: { origin: own.url, value: 'Basic dTpw' } })
  await http.text(`${own.url}/away`)
  await http.text(`${own.url}/file`)
  t.same(own.asked.map(({ headers }) => headers.authorization), ['Basic dTpw', 'Basic dTpw'])
  t.same(elsewhere.asked.map(({ headers }) => headers.authorization), [undefined])
  for (const [url, expected] of [
    ['https://user:secret@a.test:8443/b/c?signature=secret#d', 'https://a.test:8443/b/c?...'],
    ['http://a.test/b', 'http://a.test/b'],
    ['ftp://user:secret@a.test/b', 'ftp:...'],
    ['no URL', 'no URL']
  ] as const) t.equal(shown(url), expected)
})

t.test('what cut a request is said in words, and tried again unless a certificate is at fault', async t => {
  const url = 'https://name:secret@a.example/b'
  const failed = (code: string, message = 'as Node says it'): Error => Object.assign(new Error(message), { code })
  for (const [error, words, isTransient] of [
    [failed('ECONNREFUSED'), 'nobody listens there', true],
    [failed('EPIPE'), 'the connection broke', true],
    [failed('ENOTFOUND'), 'its name is not known', true],
    [failed('EOTHER'), 'as Node says it', true],
    [failed('EOTHER', ''), 'EOTHER', true],
    ['a text', 'a text', true],
    [failed('ERR_TLS_CERT_ALTNAME_INVALID'), 'its certificate is not good: as Node says it', false],
    [failed('CERT_HAS_EXPIRED'), 'its certificate is not good: as Node says it', false],
    ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT'].map(code =>
      [failed(code), new RegExp(`its certificate is by an authority that is not trusted here \\(${code}\\); images\\.ca_file names`), false] as const)
  ] as const) {
    const said = broken(url, error)
    t.match(said, { code: 'image_download_failed', message: words })
    t.match(said.message, /^https:\/\/a\.example\/b: /)
    t.equal(said instanceof TransientError, isTransient, said.message)
  }
  const ours = new AppError('image_too_large', 'x')
  t.equal(broken(url, ours), ours)
})
