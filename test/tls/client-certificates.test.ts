// Certificates for one person or pipeline each, and taking them away again, held against OpenSSL's own judgement.
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { initCertificates, issueClient, revokeClients, showCertificates } from '../../src/tls/certs.js'
import { readCrl } from '../../src/tls/crl.js'
import { parseSubjectAltNames } from '../../src/tls/names.js'
import { makePki } from '../helpers/pki.js'

const now = Date.now()
const day = 86_400_000
const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const read = (dir: string, file: string): string => readFileSync(join(dir, file), 'utf8')

/** A set that was made once, in a folder of the test's own. */
const issuedOnce = join(t.testdir(), 'issued')
const issued = initCertificates({ dir: issuedOnce, names: parseSubjectAltNames('DNS:matchbox.example.com'), force: false, now })
async function issuedIn (dir: string): Promise<void> {
  await issued
  cpSync(issuedOnce, dir, { recursive: true })
}

t.test('what is issued to servers and people is no authority', async t => {
  const dir = t.testdir()
  await issuedIn(dir)
  await issueClient({ dir, name: 'ada@example.com', now })
  for (const [name, isAuthority] of [['ca', true], ['server', false], ['client', false], ['ada@example.com', false]] as const) {
    t.equal(new X509Certificate(read(dir, `${name}.crt`)).ca, isAuthority, name)
  }
})

t.test('a certificate for one person or pipeline', async t => {
  const dir = t.testdir()
  await t.rejects(issueClient({ dir, name: 'ada', now }), { code: 'config_missing', message: /ca\.crt is missing/ })
  await issuedIn(dir)
  for (const name of ['', '.ada', '-ada', '@ada', 'a/b', '..', 'ä', 'a b', 'x'.repeat(65), 'ca', 'server', 'client', 'crl']) {
    await t.rejects(issueClient({ dir, name, now }), { code: 'usage', message: /is no name for a client/ }, name)
  }
  const before = readdirSync(dir).sort()
  for (const name of ['x'.repeat(64), '_a.b-c@d']) {
    t.match(await issueClient({ dir, name, now }), { subject: `CN=${name}` })
    t.equal(statSync(join(dir, `${name}.key`)).mode & 0o777, 0o600)
    t.match(openssl('verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', join(dir, 'ca.crt'), join(dir, `${name}.crt`)), /OK/)
    await t.rejects(issueClient({ dir, name, now }), { code: 'certificate_exists' })
  }
  t.equal(readdirSync(dir).length, before.length + 4)
  const [authority] = await showCertificates(dir, '', now)
  t.equal((await issueClient({ dir, name: 'late', now: now + 3600 * day })).notAfter, authority?.notAfter, 'none outlives the authority')
  mkdirSync(join(dir, 'taken.key'))
  await t.rejects(issueClient({ dir, name: 'taken', now }), { code: 'write_failed' })
  t.notOk(existsSync(join(dir, 'taken.crt')), 'no certificate without its key')
  const end = authority!.notAfter
  t.equal((await issueClient({ dir, name: 'last', now: end })).notAfter, end)
  await t.rejects(issueClient({ dir, name: 'later', now: end + 1 }), { code: 'certificate_invalid', message: /the authority in ca\.crt has ended/ })
  t.notOk(readdirSync(dir).some(name => name.startsWith('later')), 'and nothing is written')
})

t.test('certificates that are taken away: by name, by file, by serial number, once', async t => {
  const dir = t.testdir()
  await issuedIn(dir)
  const serialOf = async (name: string): Promise<string> => (await issueClient({ dir, name, now })).serial.replaceAll(':', '').toLowerCase()
  const [ada, bob, eve] = [await serialOf('ada'), await serialOf('bob'), await serialOf('eve')]
  const revoke = async (clients: readonly string[], at = now): Promise<readonly string[]> => (await revokeClients({ dir, clients, now: at })).map(({ serial }) => serial)
  t.same(await revoke([]), [], 'a list of none')
  t.same(await revoke(['ada']), [ada.replace(/^0+/, '')])
  t.same(await revoke([join(dir, 'bob.crt'), 'ada'], now + day), [ada, bob].map(serial => serial.replace(/^0+/, '')))
  t.same(await revoke([eve.toUpperCase(), eve]), [ada, bob, eve].map(serial => serial.replace(/^0+/, '')))
  t.same(readCrl(read(dir, 'crl.pem'), 'crl.pem').map(({ at }) => Math.floor(at / 1000)), [now, now + day, now].map(at => Math.floor(at / 1000)), 'each at its own time, which stays')
  const before = read(dir, 'crl.pem')
  const foreign = join(dir, 'foreign.crt')
  writeFileSync(foreign, makePki().client.cert)
  for (const [client, code, message] of [
    ['ca', 'certificate_invalid', /is the certificate of an authority/], [foreign, 'certificate_invalid', /was not issued by the authority in/],
    ['nobody', 'config_missing', /is neither a certificate in .*, nor a file, nor a serial number in hex/],
    ['1234567', 'config_missing', /is neither/], [`${'a'.repeat(41)}`, 'config_missing', /is neither/], [`${eve}g`, 'config_missing', /is neither/]
  ] as const) await t.rejects(revokeClients({ dir, clients: ['ada', client], now }), { code, message }, client)
  t.equal(read(dir, 'crl.pem'), before, 'nothing is taken away by halves')
  for (const serial of ['12345678', 'b'.repeat(40)]) t.equal((await revoke([serial])).includes(serial), true, serial)
  writeFileSync(join(dir, 'crl.pem'), 'nothing')
  await t.rejects(revoke(['ada']), { code: 'certificate_invalid', message: /crl\.pem holds no list/ })
  t.equal(read(dir, 'crl.pem'), 'nothing')
})
