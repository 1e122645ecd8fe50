// Who gets in and who does not, and what the log says of it: over sockets, with each TLS version and kind of key.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { type ConnectionOptions, type SecureVersion, connect as connectTls } from 'node:tls'
import { status } from '@grpc/grpc-js'
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import type { HandshakeReason } from '../../src/grpc/handshake.js'
import { TlsReloader } from '../../src/tls/reload.js'
import { renewCertificates, initCertificates } from '../../src/tls/certs.js'
import { parseSubjectAltNames } from '../../src/tls/names.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { type Appliance, rawClient, startAppliance, tlsCredentials } from '../helpers/grpc-appliance.js'
import { type Pair, clientNamed, makeAuthority, makeCertificate, makePki } from '../helpers/pki.js'

const pki = makePki()

interface Line { readonly level: string, readonly msg: string, readonly peer?: string, readonly reason?: string, readonly err?: string }

/** A server whose log can be read and whose failed handshakes can be awaited. */
async function watched (): Promise<{ app: Appliance, port: number, failure: () => Promise<HandshakeReason>, lines: Line[] }> {
  const lines: Line[] = []
  const waiting: Array<(reason: HandshakeReason) => void> = []
  const failures: HandshakeReason[] = []
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(...chunk.toString().trim().split('\n').map(line => JSON.parse(line) as Line))
      done()
    }
  })
  const app = await startAppliance({
    pki,
    log: createLog({ level: 'debug', pretty: false, destination }),
    onHandshakeFailure: reason => {
      const next = waiting.shift()
      if (next === undefined) failures.push(reason)
      else next(reason)
    }
  })
  const failure = async (): Promise<HandshakeReason> => failures.shift() ?? await new Promise(resolve => { waiting.push(resolve) })
  return { app, port: app.server.address.port, failure, lines }
}

/** What the client saw: the error it got, or the protocol it agreed on before it hung up. */
async function handshake (port: number, options: ConnectionOptions): Promise<{ from: number, seen: string }> {
  const socket = connectTls({ port, host: '127.0.0.1', ca: pki.ca.cert, servername: 'localhost', ALPNProtocols: ['h2'], ...options })
  let seen = ''
  let from = 0
  socket.on('error', error => { seen = error.message })
  socket.once('connect', () => { from = socket.localPort ?? 0 })
  socket.once('secureConnect', () => { seen = `${String(socket.alpnProtocol)} ${socket.getProtocol() ?? ''}` })
  socket.resume()
  await new Promise(resolve => socket.once('close', resolve))
  return { from, seen }
}

const versions: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3']

t.test('who is refused, and the line that says why', async t => {
  const { app, port, failure, lines } = await watched()
  t.teardown(() => app.close())
  const refused: ReadonlyArray<readonly [string, HandshakeReason, RegExp]> = [
    ['client-otherca', 'wrong_authority', /not of the authority/],
    ['client-selfsigned', 'wrong_authority', /not of the authority/],
    ['client-expired', 'expired', /has ended/],
    ['client-servereku', 'wrong_purpose', /not meant for clients/],
    ['server', 'wrong_purpose', /not meant for clients/]
  ]
  for (const maxVersion of versions) {
    for (const [name, reason, text] of refused) {
      const [{ from }, told] = await Promise.all([handshake(port, { ...clientNamed(name, pki), maxVersion }), failure()])
      t.equal(told, reason, `${name} over ${maxVersion}`)
      t.match(lines.at(-1), { level: 'warn', msg: 'grpc.handshake', reason, peer: `127.0.0.1:${from}`, err: text })
    }
    const [none, told] = await Promise.all([handshake(port, { maxVersion }), failure()])
    t.equal(told, 'no_client_certificate', maxVersion)
    t.match(lines.at(-1), { level: 'warn', reason: 'no_client_certificate', peer: `127.0.0.1:${none.from}`, err: /client\.crt and client\.key/ })
    t.match(none.seen, /alert/, 'the client is told too')
    const [doubting, refusal] = await Promise.all([handshake(port, { ...pki.client, maxVersion, ca: makeAuthority('x').cert }), maxVersion === 'TLSv1.3' ? failure() : 'hung_up'])
    t.match(doubting.seen, /self-signed certificate/, 'a client that does not know the authority hangs up')
    t.equal(refusal, 'hung_up')
  }
  const young = makeCertificate(pki.ca, { use: 'clientAuth', notBefore: Date.now() + 86_400_000, notAfter: Date.now() + 2 * 86_400_000 })
  t.equal((await Promise.all([handshake(port, young as ConnectionOptions), failure()]))[1], 'not_yet_valid')
  const old = { ...pki.client, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  t.equal((await Promise.all([handshake(port, old), failure()]))[1], 'old_tls')
  const weak = { ...pki.client, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-SHA' } as const
  t.equal((await Promise.all([handshake(port, weak), failure()]))[1], 'no_shared_cipher')
  for (const protocols of [['http/1.1'], undefined]) {
    const options: ConnectionOptions = { ...pki.client }
    options.ALPNProtocols = protocols
    t.equal((await Promise.all([handshake(port, options), failure()]))[1], 'not_http2', String(protocols))
  }
})

t.test('plain text, noise, and a port that is only looked at', async t => {
  const { app, port, failure, lines } = await watched()
  t.teardown(() => app.close())
  for (const text of ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'hello\n']) {
    const socket = connect(port, '127.0.0.1', () => { socket.write(text) }).on('error', () => {}).resume()
    t.equal(await failure(), 'plain_text', JSON.stringify(text))
    t.match(lines.at(-1), { level: 'warn', err: /did not speak TLS/ })
    socket.destroy()
  }
  const socket = connect(port, '127.0.0.1', () => { socket.end() })
  t.equal(await failure(), 'hung_up')
  t.match(lines.at(-1), { level: 'debug' }, 'as a load balancer does every second: not worth a warning')
  await once(socket, 'close')
  const client = rawClient(app.address, tlsCredentials(pki, pki.client))
  t.match(await client.call('GroupList', {}), { response: {} }, 'and all goes on')
  client.close()
})

t.test('connections that say nothing give way to one that does', async t => {
  const { app, port } = await watched()
  t.teardown(() => app.close())
  const silent = await Promise.all(Array.from({ length: 150 }, async (_, i) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${1 + i % 6}` }).on('error', () => {}).resume()
    t.teardown(() => socket.destroy())
    await Promise.race([once(socket, 'connect'), once(socket, 'close')])
    return socket
  }))
  for (let call = 0; call < 12; call++) {
    const client = rawClient(app.address, tlsCredentials(pki, pki.client))
    t.match(await client.call('GroupList', {}), { response: {} })
    client.close()
  }
  t.ok(silent.filter(socket => !socket.destroyed).length <= 100)
})

t.test('the openssl client, as grpc-go would: ALPN h2, TLS 1.2 and 1.3', async t => {
  const dir = t.testdir({ 'ca.crt': pki.ca.cert, 'client.crt': pki.client.cert, 'client.key': pki.client.key })
  const { app, port } = await watched()
  t.teardown(() => app.close())
  for (const version of ['-tls1_2', '-tls1_3']) {
    const out = await outputOf('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, version, '-alpn', 'h2', '-verify_return_error',
      '-verify_hostname', 'localhost', '-CAfile', join(dir, 'ca.crt'), '-cert', join(dir, 'client.crt'), '-key', join(dir, 'client.key')])
    t.match(out, /ALPN protocol: h2/, version)
    t.match(out, /Verify return code: 0 \(ok\)/)
  }
})

async function outputOf (command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end()
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString() })
  await once(child, 'close')
  return out
}

t.test('keys of every kind and form, for the server and for the client', async t => {
  const dir = t.testdir()
  const openssl = (...args: string[]): void => { execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' }) }
  const pair = (key: string, cert: string): Pair => ({ key: readFileSync(join(dir, key), 'utf8'), cert: readFileSync(join(dir, cert), 'utf8') })
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=ec ca')
  const leaf = (name: string, newkey: string[], use: string): void => {
    openssl('req', '-newkey', ...newkey, '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`, '-addext', `extendedKeyUsage=${use}`, '-addext', 'subjectAltName=DNS:localhost')
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-out', `${name}.crt`, '-copy_extensions', 'copy')
  }
  const ec = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  leaf('ec', ec, 'serverAuth')
  leaf('ecc', ec, 'clientAuth')
  leaf('rsa', ['rsa:2048'], 'serverAuth')
  leaf('rsac', ['rsa:2048'], 'clientAuth')
  openssl('ec', '-in', 'ec.key', '-out', 'ec-sec1.key')
  openssl('rsa', '-in', 'rsa.key', '-traditional', '-out', 'rsa-pkcs1.key')
  const ca = pair('ca.key', 'ca.crt')
  const servers = { 'EC PKCS#8': pair('ec.key', 'ec.crt'), 'EC SEC1': pair('ec-sec1.key', 'ec.crt'), 'RSA PKCS#8': pair('rsa.key', 'rsa.crt'), 'RSA PKCS#1': pair('rsa-pkcs1.key', 'rsa.crt') }
  for (const [name, server] of Object.entries(servers)) {
    writeFileSync(join(dir, 'server.crt'), server.cert)
    writeFileSync(join(dir, 'server.key'), server.key)
    const reloader = await TlsReloader.open(
      { caFile: join(dir, 'ca.crt'), certFile: join(dir, 'server.crt'), keyFile: join(dir, 'server.key') },
      { clock: new FakeClock(), advertise: '', onEvent: () => {} })
    const app = await startAppliance({ pki, identity: () => reloader.identity })
    for (const client of [pair('ecc.key', 'ecc.crt'), pair('rsac.key', 'rsac.crt')]) {
      for (const max of versions) {
        const raw = rawClient(app.address, tlsCredentials({ ...pki, ca }, client, { max }), { 'grpc.ssl_target_name_override': 'localhost' })
        t.match(await raw.call('GroupList', {}), { response: {} }, `${name}, ${max}`)
        raw.close()
      }
    }
    await app.close()
    await reloader.close()
  }
})

t.test('renewed certificates are used for the next connection, and none that is open is cut', async t => {
  const dir = t.testdir()
  const names = parseSubjectAltNames('DNS:localhost,IP:127.0.0.1')
  await initCertificates({ dir, names, force: false, now: Date.now() })
  const read = (file: string): string => readFileSync(join(dir, file), 'utf8')
  const own = (): { pki: typeof pki, client: Pair } => ({
    pki: { ...pki, ca: { cert: read('ca.crt'), key: '' } }, client: { cert: read('client.crt'), key: read('client.key') }
  })
  const files = { caFile: join(dir, 'ca.crt'), certFile: join(dir, 'server.crt'), keyFile: join(dir, 'server.key') }
  const reloader = await TlsReloader.open(files, { clock: new FakeClock(Date.now()), advertise: '', onEvent: () => {} })
  const app = await startAppliance({ pki, identity: () => reloader.identity })
  t.teardown(async () => {
    await app.close()
    await reloader.close()
  })
  const served = async (): Promise<string> => {
    const { pki: { ca }, client } = own()
    const socket = connectTls({ port: (app.server.address as AddressInfo).port, host: '127.0.0.1', ca: ca.cert, ...client, ALPNProtocols: ['h2'], servername: 'localhost' })
    await once(socket, 'secureConnect')
    const { serialNumber } = socket.getPeerCertificate()
    socket.destroy()
    return serialNumber
  }
  const { pki: first, client } = own()
  const open = rawClient(app.address, tlsCredentials(first, client))
  t.match(await open.call('GroupList', {}), { response: {} })
  const before = await served()
  await renewCertificates({ dir, names: [], now: Date.now() })
  await reloader.poll()
  await reloader.poll()
  t.not(await served(), before, 'the new certificate')
  t.match(await open.call('GroupPut', { group: { id: 'g', profile: 'p' } }), { response: {} }, 'the open connection goes on')
  open.close()
  await initCertificates({ dir, names, force: true, now: Date.now() })
  t.equal(await reloader.reload(), true)
  const stranger = rawClient(app.address, tlsCredentials({ ...pki, ca: { cert: read('ca.crt'), key: '' } }, client))
  t.match(await stranger.call('GroupList', {}), { error: { code: status.UNAVAILABLE } }, 'a client of the old authority stays out')
  stranger.close()
})
