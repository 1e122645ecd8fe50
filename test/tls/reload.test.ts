// Certificates that change under a running server, with the clock wound by hand.
import { createPrivateKey } from 'node:crypto'
import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type TlsEvent, type ServerTlsFiles, TlsReloader } from '../../src/tls/reload.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { type Pair, makeCertificate, makePki } from '../helpers/pki.js'

const pki = makePki()
const names = [{ dns: 'localhost' }]
const day = 86_400_000
const next = makeCertificate(pki.ca, { cn: 'next', use: 'serverAuth', names })

function setUp (dir: string, pair: Pair = pki.server): { files: ServerTlsFiles & { readonly caFile: string }, put: (name: 'crt' | 'key' | 'ca', text: string | Buffer) => void } {
  const files = { caFile: join(dir, 'ca.crt'), certFile: join(dir, 'server.crt'), keyFile: join(dir, 'server.key') }
  const paths = { crt: files.certFile, key: files.keyFile, ca: files.caFile }
  const put = (name: 'crt' | 'key' | 'ca', text: string | Buffer): void => {
    writeFileSync(`${paths[name]}.new`, text, { mode: 0o600 })
    renameSync(`${paths[name]}.new`, paths[name])
  }
  put('ca', pki.ca.cert)
  put('crt', pair.cert)
  put('key', pair.key)
  return { files, put }
}

const derOf = (pem: string): Buffer => Buffer.from(pem.replace(/-----.*-----|\s/g, ''), 'base64')

async function open (files: ServerTlsFiles): Promise<{ reloader: TlsReloader, events: TlsEvent[], clock: FakeClock }> {
  const events: TlsEvent[] = []
  const clock = new FakeClock(Date.now())
  const reloader = await TlsReloader.open(files, { clock, advertise: 'localhost', onEvent: event => { events.push(event) } })
  return { reloader, events, clock }
}

t.test('a new pair comes into force once both files are there', async t => {
  const { files, put } = setUp(t.testdir())
  const { reloader, events, clock } = await open(files)
  t.same(reloader.identity, { ca: pki.ca.cert, ...pki.server })
  t.same(reloader.warnings(), [])
  put('crt', next.cert)
  await reloader.poll()
  t.same(events, [], 'files that just changed are left to settle')
  put('key', next.key)
  await reloader.poll()
  await reloader.poll()
  t.match(events, [{ what: 'reloaded', subject: 'CN=next', warnings: [] }])
  t.equal(reloader.identity.cert, next.cert)
  await reloader.poll()
  t.equal(events.length, 1, 'files that stay the same are not read again')
  await reloader.close()
  t.equal(clock.pending, 0)
})

t.test('the timer is what polls', async t => {
  const { files, put } = setUp(t.testdir())
  const clock = new FakeClock(Date.now())
  const reloaded = new Promise<TlsEvent>(resolve => {
    void TlsReloader.open(files, { clock, advertise: '', onEvent: resolve }).then(async reloader => {
      put('crt', next.cert)
      put('key', next.key)
      clock.advance(3000)
      t.teardown(() => reloader.close())
    })
  })
  t.match(await reloaded, { what: 'reloaded' })
})

t.test('what does not fit leaves the old pair in force, and is told once', async t => {
  const { files, put } = setUp(t.testdir())
  const { reloader, events } = await open(files)
  t.teardown(() => reloader.close())
  const cases: ReadonlyArray<readonly [string, () => void, RegExp]> = [
    ['a key of another certificate', () => { put('key', next.key) }, /server\.key does not belong/],
    ['no key', () => { rmSync(files.keyFile) }, /cannot read the server key.*no such file/],
    ['text', () => { put('key', pki.server.key); put('crt', 'hello') }, /holds no certificate/],
    ['half a certificate', () => { put('crt', pki.server.cert.slice(0, 400)) }, /holds no certificate: it is cut off/],
    ['a chain that is cut off', () => { put('crt', pki.server.cert + pki.ca.cert.slice(0, 400)) }, /server\.crt is cut off: a certificate in it has no end/],
    ['DER', () => { put('crt', derOf(pki.server.cert)) }, /server\.crt holds no certificate: it is DER, which openssl x509 -inform der -in \S+server\.crt/],
    ['PKCS #12', () => { put('crt', Buffer.from('3082042c0201033082', 'hex')) }, /server\.crt holds no certificate: it is PKCS #12, of which openssl pkcs12 /],
    ['the key in its place', () => { put('crt', pki.server.key) }, /server\.crt holds no certificate: it holds (?:RSA )?PRIVATE KEY;/],
    ['UTF-16', () => { put('crt', Buffer.from(pki.server.cert, 'utf16le')) }, /server\.crt holds no certificate: it is UTF-16/],
    ['an authority that is empty', () => { put('crt', pki.server.cert); put('ca', '') }, /ca\.crt holds no certificate: it is empty/],
    ['a key as DER', () => { put('ca', pki.ca.cert); put('key', derOf(pki.server.key)) }, /server\.key holds no private key that can be read: it is DER, which openssl pkey -inform der/],
    ['half a key', () => { put('key', pki.server.key.slice(0, 200)) }, /server\.key holds no private key that can be read: it is cut off/],
    ['a certificate as key', () => { put('key', pki.server.cert) }, /server\.key holds no private key that can be read: it holds CERTIFICATE;/],
    ['a chain that begins with the authority', () => { put('key', pki.server.key); put('crt', `${pki.ca.cert}${pki.server.cert}`) }, /does not belong to the first certificate in \S+server\.crt, but to one behind it/],
    ['one that ended', () => {
      const old = makeCertificate(pki.ca, { use: 'serverAuth', names, notBefore: Date.UTC(2020, 0), notAfter: Date.UTC(2021, 0) })
      put('ca', pki.ca.cert)
      put('crt', old.cert)
      put('key', old.key)
    }, /ended on 2021-01-01/],
    ['one that OpenSSL refuses', () => {
      const weak = makeCertificate(pki.ca, { use: 'serverAuth', names, bits: 512 })
      put('crt', weak.cert)
      put('key', weak.key)
    }, /key too small/]
  ]
  for (const [name, change, reason] of cases) {
    events.length = 0
    change()
    for (let i = 0; i < 4; i++) await reloader.poll()
    t.match(events, [{ what: 'kept', reason }], name)
    t.equal(events.length, 1, 'told once')
    t.match(reloader.kept, reason, 'and for as long as it is so')
    t.equal(reloader.identity.cert, pki.server.cert)
  }
  t.equal(await reloader.reload(), false, 'SIGHUP tries again')
  put('crt', next.cert)
  put('key', next.key)
  t.equal(await reloader.reload(), true, 'and takes what fits at once')
  t.equal(reloader.identity.cert, next.cert)
  t.equal(reloader.kept, undefined)
})

t.test('one that begins later is taken when it begins', async t => {
  const { files, put } = setUp(t.testdir())
  const { reloader, events, clock } = await open(files)
  t.teardown(() => reloader.close())
  const later = makeCertificate(pki.ca, { cn: 'later', use: 'serverAuth', names, notBefore: clock.now() + 10_000, notAfter: clock.now() + 300 * day })
  put('crt', later.cert)
  put('key', later.key)
  t.equal(await reloader.reload(), false)
  t.match(events, [{ what: 'kept', reason: /server\.crt begins only on \S+, and is taken then/ }])
  await reloader.poll()
  t.equal(events.length, 1)
  clock.advance(10_000)
  await reloader.poll()
  t.match(events.slice(1), [{ what: 'reloaded', subject: 'CN=later' }])
})

t.test('lines as Windows has them, and more than one block in a file', async t => {
  const { files, put } = setUp(t.testdir())
  const windows = (text: string): string => text.replaceAll('\n', '\r\n')
  put('crt', windows(`${pki.server.cert}${pki.ca.cert}`))
  put('key', windows(`${pki.server.cert}${pki.server.key}`))
  put('ca', windows(`a comment\n${pki.ca.cert}${next.cert}`))
  const { reloader } = await open(files)
  t.teardown(() => reloader.close())
  t.match(reloader.warnings(), [/^CN=next in \S+ca\.crt is no authority/])
  t.equal(reloader.isOutOfTime, false)
})

t.test('that the time runs out is told while the files stay as they are', async t => {
  const ending = makeCertificate(pki.ca, { use: 'serverAuth', names, notAfter: Date.now() + 30 * day + 600_000 })
  const { files } = setUp(t.testdir(), ending)
  const { reloader, events, clock } = await open(files)
  t.teardown(() => reloader.close())
  t.same(reloader.warnings(), [])
  await reloader.poll()
  t.same(events, [])
  clock.advance(3_600_000)
  await reloader.poll()
  t.match(events, [{ what: 'aged', warnings: [/^the server certificate in \S+server\.crt ends on \S+, in 29 days/] }])
  await reloader.poll()
  t.equal(events.length, 1, 'once an hour')
  clock.advance(-3_600_000)
  await reloader.poll()
  t.equal(events.length, 2, 'by a clock that was set back too')
})

t.test('an authority and a certificate that are not valid yet', async t => {
  const { files } = setUp(t.testdir())
  const { reloader, clock } = await open(files)
  t.teardown(() => reloader.close())
  clock.advance(-20 * 365 * 86_400_000)
  t.match(reloader.warnings(), [/^the server certificate in \S+server\.crt begins only on .*clock$/, /^the authority CN=.* begins only on .*: its clients are refused until then/])
  t.equal(reloader.isOutOfTime, true, 'which the log has as an error')
})

t.test('a folder swapped behind a link, as Kubernetes mounts secrets', async t => {
  const dir = t.testdir({ one: {}, two: {} })
  setUp(join(dir, 'one'))
  setUp(join(dir, 'two'), next)
  symlinkSync('one', join(dir, 'current'))
  const { reloader, events } = await open({
    caFile: join(dir, 'current/ca.crt'), certFile: join(dir, 'current/server.crt'), keyFile: join(dir, 'current/server.key')
  })
  t.teardown(() => reloader.close())
  symlinkSync('two', join(dir, 'next'))
  renameSync(join(dir, 'next'), join(dir, 'current'))
  await reloader.poll()
  await reloader.poll()
  t.match(events, [{ what: 'reloaded', subject: 'CN=next' }])
})

t.test('at the start, every wrong file is named', async t => {
  const { files, put } = setUp(t.testdir())
  const rejects = async (reason: RegExp): Promise<void> => { await t.rejects(open(files), { code: 'certificate_invalid', message: reason }) }
  put('key', next.key)
  await rejects(/server\.key does not belong to the certificate in .*server\.crt/)
  rmSync(files.keyFile)
  await rejects(/server key from .*server\.key: there is no such file .*certs init/)
  rmSync(files.certFile)
  await rejects(/server certificate from .*server\.crt: there is no such file/)
  rmSync(files.caFile)
  await rejects(/authority from .*ca\.crt: there is no such file/)
})

t.test('at the start, a certificate that ended is a warning', async t => {
  const old = makeCertificate(pki.ca, { use: 'serverAuth', names, notBefore: Date.UTC(2020, 0), notAfter: Date.UTC(2021, 0) })
  const { files } = setUp(t.testdir(), old)
  const { reloader } = await open(files)
  t.teardown(() => reloader.close())
  t.match(reloader.warnings(), [/ended on 2021-01-01/])
  t.equal(reloader.notAfter, Date.UTC(2021, 0))
})

t.test('an encrypted key is called that, and an authority that ended is told', async t => {
  const { files, put } = setUp(t.testdir())
  for (const type of ['pkcs8', 'pkcs1'] as const) {
    put('key', createPrivateKey(pki.server.key).export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }).toString())
    await t.rejects(open(files), { code: 'certificate_invalid', message: /server\.key is encrypted, and nobody is there to type its passphrase/ })
  }
  put('key', pki.server.key)
  const ended = makeCertificate(undefined, { cn: 'old authority', authority: true, notBefore: Date.now() - 3e9, notAfter: Date.now() - 1e9 })
  put('ca', `${pki.ca.cert}\n${ended.cert}`)
  const { reloader } = await open(files)
  t.match(reloader.warnings(), [/^the authority CN=old authority in .*ca\.crt ended on \d{4}-\d\d-\d\d: its clients are refused; /])
  await reloader.close()
})
