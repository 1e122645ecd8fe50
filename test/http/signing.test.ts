// Every recorded request to a Matchbox 0.9.0 that signs, sent over a socket; GnuPG judges the signatures.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { openKeyRing } from '../../src/openpgp/key-ring.js'
import { armor, Signer } from '../../src/openpgp/sign.js'
import { openFileStore } from '../../src/store/file-store.js'
import type { DetachedSigner } from '../../src/http/signatures.js'
import { Gpg } from '../helpers/gpg.js'
import { listen, type TestApp } from '../helpers/http-app.js'
import { type Answered, exchange, layOutVariant, type Recorded, requestOf } from '../helpers/matchbox-fixture.js'
import { needs } from '../helpers/tools.js'

interface RecordedSignature {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly request_headers: Readonly<Record<string, string>>
  readonly nondeterministic?: boolean
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly content_length_present: boolean
    readonly body_bytes: number
    readonly body?: string
    readonly verifies_over_content_of?: string
    readonly gpg_verifies_content_crlf?: boolean
    readonly gpg_verifies_content_no_final_newline?: boolean
    readonly gpg_verifies_content_plus_trailing_space?: boolean
    readonly packets?: readonly string[]
    readonly armor_first_lines?: readonly string[]
    readonly signed_content_base64?: string | null
  }
}

const fixture = join(import.meta.dirname, '../fixtures/matchbox')
const { cases } = JSON.parse(readFileSync(join(fixture, 'signing-0.9.0.json'), 'utf8')) as { cases: readonly RecordedSignature[] }
const passphrase = readFileSync(join(fixture, 'signing/passphrase.txt'), 'utf8').trim()

async function recordedSigner (): Promise<DetachedSigner> {
  const signer = new Signer(await openKeyRing(join(fixture, 'signing/secring.gpg'), passphrase), systemClock)
  return { sign: content => signer.sign(content), armor }
}

async function serve (t: Test, signer: DetachedSigner | undefined): Promise<TestApp> {
  const { dataPath, assetsPath } = layOutVariant('base', t.testdir())
  const store = await openFileStore({ dataPath, tombstoneMs: 0, clock: systemClock, log: pino({ level: 'silent' }), watch: false })
  t.teardown(() => store.close())
  return listen(t, { store, assetsPath, signer })
}

const ask = (port: number, method: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answered> =>
  exchange(port, requestOf({ method, path, request_headers: headers, request_version: 'HTTP/1.1' } as Recorded))

/** Without what a signature's time and value change. */
const fieldsOf = (packets: readonly string[]): string[] => packets
  .map(line => line.replace(/\(sig created .*\)/, '').replace(/created \d+/, 'created').replace(/begin of digest .*/, '').replace(/\d+ bits/, 'bits'))

const withoutFinalNewline = (content: Buffer): Buffer => content.at(-1) === 0x0a ? content.subarray(0, content.at(-2) === 0x0d ? -2 : -1) : content
const spaced = (content: Buffer): Buffer => Buffer.from(content.toString('latin1').replace(/\r?\n/g, ' $&'), 'latin1')
const crlf = (content: Buffer): Buffer => Buffer.from(content.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1')

t.test('as Matchbox 0.9.0 signs', async t => {
  const gpg = needs(t, 'gpg', 'gpgconf') ? new Gpg(t) : undefined
  await gpg?.run(['--import', join(fixture, 'signing/pubring.gpg')])
  const { port } = await serve(t, await recordedSigner())
  for (const { name, method, path, request_headers: headers, nondeterministic, response } of cases) {
    const answered = await ask(port, method, path, headers)
    t.equal(answered.status, response.status, `${name}: status`)
    for (const header of ['Content-Type', 'X-Content-Type-Options', 'Content-Range', 'Last-Modified', 'Accept-Ranges', 'Etag']) {
      t.equal(answered.headers[header], response.headers[header], `${name}: ${header}`)
    }
    t.equal(answered.headers['Content-Length'] !== undefined, response.content_length_present, `${name}: Content-Length`)
    if (response.body !== undefined) t.equal(answered.body.toString(), response.body, `${name}: body`)
    const { verifies_over_content_of: signedPath, packets } = response
    if (signedPath === undefined || packets === undefined) {
      t.equal(answered.body.length, response.body_bytes, `${name}: length`)
      continue
    }
    const { body: content } = await ask(port, 'GET', signedPath, headers)
    if (typeof response.signed_content_base64 === 'string') {
      t.equal(content.toString('base64'), response.signed_content_base64, `${name}: what is signed`)
    }
    if (response.armor_first_lines !== undefined) {
      t.same(answered.body.toString().split('\n').slice(0, 2), response.armor_first_lines.slice(0, 2), `${name}: armour`)
    }
    t.equal(answered.body.length, response.body_bytes, `${name}: length`)
    if (gpg === undefined) continue
    t.same(fieldsOf(await gpg.packets(answered.body)), fieldsOf(packets), `${name}: packet`)
    t.ok(await gpg.verifies(answered.body, content), `${name}: verifies`)
    if (nondeterministic === true) continue
    const expectations = [
      ['crlf', crlf, response.gpg_verifies_content_crlf],
      ['no final newline', withoutFinalNewline, response.gpg_verifies_content_no_final_newline],
      ['trailing space', spaced, response.gpg_verifies_content_plus_trailing_space]
    ] as const
    for (const [change, change_, expected] of expectations) {
      t.equal(await gpg.verifies(answered.body, change_(content)), expected, `${name}: with ${change}`)
    }
  }
})

t.test('without a key ring there is nothing to fetch', async t => {
  const { port } = await serve(t, undefined)
  for (const { path, method } of cases.filter(({ response }) => response.verifies_over_content_of !== undefined)) {
    const { status, body } = await ask(port, method, path)
    t.same([status, body.toString()], [404, '404 page not found\n'], `${method} ${path}`)
  }
})

t.test('the signature of equal content is made once', async t => {
  let made = 0
  const { port, log } = await serve(t, { sign: content => Promise.resolve(Buffer.from(`${++made} ${content.length}`)), armor: bytes => bytes })
  const bodies = await Promise.all(['/boot.ipxe.sig', '/boot.ipxe.asc', '/boot.ipxe.0.sig?a=b'].map(async path => (await ask(port, 'GET', path)).body.toString()))
  t.equal(new Set(bodies).size, 1)
  t.equal(made, 1)
  await ask(port, 'GET', '/generic.sig?t=everything')
  t.equal(made, 2)
  for (let index = 0; index < 1025; index++) await ask(port, 'GET', `/metadata.sig?n=${index}`)
  await ask(port, 'GET', '/boot.ipxe.sig')
  t.equal(made, 1028, 'what was not asked for in a long time is forgotten')
  t.match(log.find(({ msg }) => msg === 'http.generic.sig'), { status: 200 }, 'is told of as a signature, not as a stage of a boot')
})

t.test('a signature that cannot be made is a failure of that request alone', async t => {
  let fail = true
  const { port } = await serve(t, { sign: content => fail ? Promise.reject(new Error('no entropy')) : Promise.resolve(content), armor: bytes => bytes })
  t.equal((await ask(port, 'GET', '/boot.ipxe.sig')).status, 500)
  fail = false
  t.equal((await ask(port, 'GET', '/boot.ipxe.sig')).status, 200, 'the failure is not kept')
})
