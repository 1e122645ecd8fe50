// Files of an update that have no signature: what the publisher's own Omaha tells of them over TLS is taken for proof, and nothing else is.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openSource } from '../../src/mirror/catalog.js'
import { justBefore } from '../../src/mirror/update-server.js'
import { decodeOmahaRequest, isOsApp } from '../../src/updates/omaha-request.js'
import { encodeOmahaResponse, type OmahaUpdate, type UpdatePackage } from '../../src/updates/omaha-response.js'
import { sourceConfig, TestMirror } from '../helpers/mirror.js'
import { makePki } from '../helpers/pki.js'
import { makeKey, Publisher } from '../helpers/publisher.js'

const key = await makeKey('publisher')
const pki = makePki()
const appId = '{e96281a6-d1af-4bde-9a0a-97b76e56dc57}'
const [system, oem] = ['flatcar_production_update.gz', 'oem-vmware.gz'] as const
const payload = (): Buffer => Buffer.concat([Buffer.from('CrAU'), randomBytes(50_000)])

const packageOf = (name: string, content: Buffer): UpdatePackage => ({
  name,
  bytes: content.length,
  sha1: createHash('sha1').update(content).digest('base64'),
  sha256: createHash('sha256').update(content).digest('base64')
})

/** A publisher's update server; `answer` is what it says, and `asked` what it was asked. */
async function updateServer (t: Test): Promise<{ readonly url: string, readonly asked: Buffer[], answer: string }> {
  const state = { url: '', asked: [] as Buffer[], answer: '' }
  const server = createServer(pki.server, async (request, response) => {
    state.asked.push(await buffer(request))
    response.writeHead(request.method === 'POST' && request.headers['content-type'] === 'text/xml' ? 200 : 405).end(state.answer)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  state.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/v1/update/`
  return state
}

/** A publisher with a release whose payloads nobody signed, a mirror of it, and what tells of them. */
async function site (t: Test, version = '4230.2.2') {
  const publisher = await Publisher.start()
  t.teardown(() => publisher.close())
  await publisher.flatcar(version, key)
  const files = new Map([system, oem].map(name => [name, publisher.put(`/amd64-usr/${version}/${name}`, payload())]))
  const omaha = await updateServer(t)
  const folder = t.testdir({})
  writeFileSync(join(folder, 'ca.crt'), pki.ca.cert)
  const mirror = new TestMirror([{ os: 'flatcar', base_url: publisher.url, updates: true, update_files: [oem], update_server: omaha.url }],
    { folder, keys: [key], caFile: join(folder, 'ca.crt') })
  const told = (change: Partial<OmahaUpdate> = {}): string => encodeOmahaResponse([{
    appId,
    status: 'ok',
    ping: false,
    events: 0,
    updateCheck: { version, codebase: 'https://elsewhere.example/', packages: [packageOf(system, files.get(system)!), packageOf(oem, files.get(oem)!)], ...change }
  }])
  return { publisher, omaha, mirror, files, told, version }
}

t.test('what the update server tells of this very version is proof', async t => {
  const { omaha, mirror, files, told, version, publisher } = await site(t)
  omaha.answer = told()
  const [first] = await mirror.sync()
  t.match(first, { outcome: 'published' })
  for (const name of [system, oem]) t.ok(first?.unproven?.includes(`${name}: not signed; its digest is what ${omaha.url} tells`), name)
  for (const [name, content] of files) t.same(mirror.seen('flatcar').get(`${version}/${name}`), content)
  for (const asked of omaha.asked) {
    const [app] = decodeOmahaRequest(asked)
    t.match(app, { version: '4230.2.1', track: 'stable', board: 'amd64-usr', updateCheck: true, ping: false, events: [] })
    t.ok(isOsApp(app?.appId ?? ''))
  }
  t.match(await mirror.mirror.verify(), [{ problems: [] }])
  t.match(await mirror.sync(), [{ outcome: 'present' }])

  // One that was signed before and is not now is no such file.
  await publisher.flatcar('4230.2.3', key)
  for (const name of [system, oem]) await publisher.putSigned(`/amd64-usr/4230.2.3/${name}`, payload(), key)
  t.match(await mirror.sync(), [{ outcome: 'published' }])
  await publisher.flatcar('4230.2.4', key)
  for (const name of [system, oem]) publisher.put(`/amd64-usr/4230.2.4/${name}`, payload())
  t.match(await mirror.sync(), [{ error: { code: 'image_signature_missing', text: /has no signature, and that of 4230\.2\.3 had one/ } }])
})

t.test('nothing is published that it does not prove', async t => {
  const { omaha, mirror, files, told } = await site(t)
  const [payloadFile, oemFile] = [files.get(system)!, files.get(oem)!]
  const noUpdate = told().replace(/<updatecheck[^]*<\/updatecheck>/, '<updatecheck status="noupdate"></updatecheck>')
  const padded = (octets: number): string => told().replace('<response', `<!--${'x'.repeat(octets - Buffer.byteLength(told()) - 7)}--><response`)
  const cases: ReadonlyArray<readonly [what: string, answer: string, text: RegExp]> = [
    ['another version', told({ version: '4230.2.3' }), /has no signature, and https:\S+ tells of 4230\.2\.3, not of 4230\.2\.2, so nothing proves it/],
    ['no update', noUpdate, /answers noupdate, so nothing proves it/],
    ['an unknown app', '<response protocol="3.0"><app appid="x" status="error-unknownApplication"></app></response>', /answers error-unknownApplication/],
    ['nothing', '<response protocol="3.0"></response>', /answers nothing/],
    ['another payload', told({ packages: [packageOf(system, payload()), packageOf(oem, oemFile)] }), /update server tells of 50004 and [0-9a-f]{64}$/],
    ['the size of another', told({ packages: [{ ...packageOf(system, payloadFile), bytes: 7 }, packageOf(oem, oemFile)] }), /it has 50004 bytes .* tells of 7 and/],
    ['no digest of the OEM\'s', told({ packages: [packageOf(system, payloadFile), { ...packageOf(oem, oemFile), sha256: '' }] }), /oem-vmware\.gz has no signature, and .* does not tell of it/],
    ['hexadecimal for base64', told({ packages: [{ ...packageOf(system, payloadFile), sha256: createHash('sha256').update(payloadFile).digest('hex') }, packageOf(oem, oemFile)] }), /does not tell of it/],
    ['no XML', 'hello', /answers what is no Omaha/],
    ['a page', '<!DOCTYPE html><html></html>', /answers what is no Omaha/],
    ['half of it', told().slice(0, 400), /answers what is no Omaha/],
    ['elements inside one another', told().replace('</response>', `${'<a>'.repeat(16)}${'</a>'.repeat(16)}</response>`), /answers what is no Omaha/],
    ['an octet more than it may have', padded(256 * 1024 + 1), /answers what is no Omaha/]
  ]
  for (const [what, answer, text] of cases) {
    omaha.answer = answer
    t.match(await mirror.sync(), [{ outcome: 'failed', error: { text } }], what)
    t.same([...mirror.seen('flatcar').keys()], [], what)
  }
  omaha.answer = padded(256 * 1024)
  t.match(await mirror.sync(), [{ outcome: 'published' }], 'as large as it may be')
})

t.test('without a server to ask it says what to do; one that nobody vouches for is not asked', async t => {
  const publisher = await Publisher.start()
  t.teardown(() => publisher.close())
  await publisher.flatcar('4230.2.2', key)
  publisher.put(`/amd64-usr/4230.2.2/${system}`, payload())
  const mirror = new TestMirror([{ os: 'flatcar', base_url: publisher.url, updates: true }], { folder: t.testdir({}), keys: [key] })
  t.match(await mirror.sync(), [{ error: { code: 'image_signature_missing', text: /has no signature, and no update server tells its digest: name the publisher's in update_server/ } }])
  const source = (more: object) => openSource(sourceConfig({ os: 'flatcar', updates: true, ...more }))
  t.match(source({}), { updateServer: 'https://public.update.flatcar-linux.net/v1/update/' })
  t.equal(source({ base_url: 'http://mirror.example' }).updateServer, undefined)
  t.throws(() => source({ update_server: 'http://mirror.example/v1/update/' }), { code: 'config_invalid', message: /https: what it tells is taken for proof/ })
  t.throws(() => source({ updates: false, update_server: 'https://mirror.example/' }), { message: /with updates: true/ })
})

t.test('the version before a release, whichever part of it counts', t => {
  for (const [version, before] of [['4230.2.2', '4230.2.1'], ['4230.2.0', '4230.1.9999'], ['4230.0.0', '4229.9999.9999'], ['0.0.0', '0.9999.9999'], ['odd', '0.9999.9999']] as const) {
    t.equal(justBefore(version), before)
  }
  t.end()
})
