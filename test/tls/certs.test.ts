// Certificates made in a folder and held against OpenSSL's own judgement.
import { execFileSync } from 'node:child_process'
import { X509Certificate, generateKeyPairSync } from 'node:crypto'
import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { describeCertificate, serverWarnings } from '../../src/tls/certificate.js'
import { certificateFiles, initCertificates, renewCertificates, showCertificates } from '../../src/tls/certs.js'
import { parseSubjectAltNames } from '../../src/tls/names.js'
import { makeCertificate } from '../helpers/pki.js'

const names = parseSubjectAltNames('DNS:matchbox.example.com,IP:192.168.100.5,IP:fe80::1')
const now = Date.now()
const day = 86_400_000
const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const read = (dir: string, file: string): string => readFileSync(join(dir, file), 'utf8')

/** A set that was made once, in a folder of the test's own: three keys take most of what its assertions do. */
async function issuedIn (dir: string): Promise<void> {
  if (!existsSync(issuedOnce)) await initCertificates({ dir: issuedOnce, names, force: false, now })
  cpSync(issuedOnce, dir, { recursive: true })
}
const issuedOnce = join(t.testdir(), 'issued')

t.test('init makes a set that OpenSSL verifies', async t => {
  const dir = join(t.testdir(), 'new', 'folder')
  await initCertificates({ dir, names, force: false, now })
  t.same(readdirSync(dir).sort(), [...certificateFiles].sort())
  for (const file of certificateFiles.filter(f => f.endsWith('.key'))) t.equal(statSync(join(dir, file)).mode & 0o777, 0o600, file)
  for (const [role, purpose] of [['server', 'sslserver'], ['client', 'sslclient']] as const) {
    const file = join(dir, `${role}.crt`)
    const other = role === 'server' ? 'sslclient' : 'sslserver'
    t.match(openssl('verify', '-x509_strict', '-purpose', purpose, '-CAfile', join(dir, 'ca.crt'), file), /OK/)
    t.throws(() => openssl('verify', '-purpose', other, '-CAfile', join(dir, 'ca.crt'), file), `${role}.crt is of no use as ${other}`)
    t.match(read(dir, `${role}.key`), /^-----BEGIN RSA PRIVATE KEY-----/, 'PKCS#1, which every reader knows')
  }
  const text = openssl('x509', '-in', join(dir, 'server.crt'), '-noout', '-text')
  t.match(text, /DNS:matchbox\.example\.com, IP Address:192\.168\.100\.5, IP Address:FE80:0:0:0:0:0:0:1/)
  t.match(text, /Key Usage: critical\s+Digital Signature, Key Encipherment/)
  t.match(openssl('x509', '-in', join(dir, 'ca.crt'), '-noout', '-text'), /CA:TRUE, pathlen:0[\s\S]*Certificate Sign, CRL Sign/)
  t.match(openssl('verify', '-verify_hostname', 'matchbox.example.com', '-CAfile', join(dir, 'ca.crt'), join(dir, 'server.crt')), /OK/)
  t.match(openssl('verify', '-verify_ip', '192.168.100.5', '-CAfile', join(dir, 'ca.crt'), join(dir, 'server.crt')), /OK/)
})

t.test('nothing is overwritten without being told', async t => {
  const dir = t.testdir({ 'client.key': 'mine' })
  await t.rejects(initCertificates({ dir, names, force: false, now }), { code: 'certificate_exists', message: /client\.key/ })
  t.same(readdirSync(dir), ['client.key'])
  t.equal(read(dir, 'client.key'), 'mine')
  await initCertificates({ dir, names, force: true, now })
  t.not(read(dir, 'client.key'), 'mine')
})

t.test('what is kept elsewhere is renewed there, and stays a link', async t => {
  const folder = t.testdir()
  const [dir, kept] = [join(folder, 'certs'), join(folder, 'kept')]
  await issuedIn(dir)
  mkdirSync(kept)
  for (const file of ['server.key', 'server.crt', 'client.key']) {
    renameSync(join(dir, file), join(kept, file))
    symlinkSync(`../kept/${file}`, join(dir, file))
  }
  chmodSync(join(kept, 'server.key'), 0o640)
  const before = read(kept, 'server.key')
  await renewCertificates({ dir, names: [], now })
  for (const file of ['server.key', 'server.crt', 'client.key']) t.ok(lstatSync(join(dir, file)).isSymbolicLink(), file)
  t.not(read(kept, 'server.key'), before)
  t.equal(statSync(join(kept, 'server.key')).mode & 0o777, 0o640)
  t.same(readdirSync(kept).sort(), ['client.key', 'server.crt', 'server.key'])
  unlinkSync(join(kept, 'client.key'))
  const renewed = read(kept, 'server.key')
  await t.rejects(renewCertificates({ dir, names: [], now }), { code: 'write_failed', message: /certs\/client\.key is a link to \.\.\/kept\/client\.key, where there is nothing to replace/ })
  t.equal(read(kept, 'server.key'), renewed, 'and the rest of the set is as it was')
})

t.test('renew keeps the authority and the names', async t => {
  const dir = t.testdir()
  await issuedIn(dir)
  const before = Object.fromEntries(certificateFiles.map(file => [file, read(dir, file)]))
  await renewCertificates({ dir, names: [], now: now + 800 * day })
  for (const file of ['ca.crt', 'ca.key']) t.equal(read(dir, file), before[file], file)
  for (const file of ['server.crt', 'server.key', 'client.crt', 'client.key']) t.not(read(dir, file), before[file], file)
  const [, server] = await showCertificates(dir, 'matchbox.example.com', now + 801 * day)
  t.same(server?.names, names)
  t.same(server?.warnings, [])
  t.match(openssl('verify', '-partial_chain', '-no_check_time', '-CAfile', join(dir, 'ca.crt'), join(dir, 'server.crt')), /OK/)
  await renewCertificates({ dir, names: parseSubjectAltNames('DNS:other'), now })
  t.same((await showCertificates(dir, '', now))[1]?.names, [{ kind: 'DNS', value: 'other' }])
  await renewCertificates({ dir, names: [], now: now + 3600 * day })
  const reports = await showCertificates(dir, '', now)
  t.equal(reports[1]?.notAfter, reports[0]?.notAfter, 'none outlives the authority')
  await t.rejects(renewCertificates({ dir, names: [], now: now + 3651 * day }), { code: 'certificate_invalid', message: /ended/ })
})

t.test('renew with an authority that OpenSSL made, in PKCS#8', async t => {
  const dir = t.testdir()
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', join(dir, 'ca.key'), '-out', join(dir, 'ca.crt'), '-subj', '/O=Ünïcode/CN=own ca', '-utf8')
  t.match(read(dir, 'ca.key'), /BEGIN PRIVATE KEY/)
  await renewCertificates({ dir, names, now })
  t.match(openssl('verify', '-CAfile', join(dir, 'ca.crt'), join(dir, 'server.crt'), join(dir, 'client.crt')), /OK[\s\S]*OK/)
})

t.test('an authority that cannot issue is refused with the reason', async t => {
  const dir = t.testdir()
  await t.rejects(renewCertificates({ dir, names, now }), { code: 'config_missing', message: /ca\.crt is missing/ })
  await issuedIn(dir)
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(join(dir, 'ca.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await t.rejects(renewCertificates({ dir, names, now }), { message: /does not belong to ca\.crt/ })
  writeFileSync(join(dir, 'ca.crt'), read(dir, 'client.crt'))
  writeFileSync(join(dir, 'ca.key'), read(dir, 'client.key'))
  await t.rejects(renewCertificates({ dir, names, now }), { message: /not a certificate authority/ })
  writeFileSync(join(dir, 'ca.crt'), 'nothing')
  await t.rejects(renewCertificates({ dir, names, now }), { code: 'certificate_invalid', message: /ca\.crt holds no certificate/ })
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(dir, 'ca.key'), '-out', join(dir, 'ca.crt'), '-subj', '/CN=ec')
  await t.rejects(renewCertificates({ dir, names, now }), { code: 'certificate_invalid', message: /RSA authorities only/ })
})

t.test('what can not be written is said, and no certificate is there before its key', async t => {
  const dir = t.testdir()
  await issuedIn(dir)
  for (const name of ['client', 'server'] as const) {
    unlinkSync(join(dir, `${name}.key`))
    mkdirSync(join(dir, `${name}.key`, 'in the way'), { recursive: true })
    const before = read(dir, `${name}.crt`)
    await t.rejects(renewCertificates({ dir, names: [], now }), { code: 'write_failed' }, name)
    t.equal(read(dir, `${name}.crt`), before)
  }
  await t.rejects(initCertificates({ dir: join(dir, 'ca.crt'), names, force: false, now }), { code: 'write_failed', message: /^cannot make the folder / })
})

t.test('show says what is wrong', async t => {
  const dir = t.testdir()
  await t.rejects(showCertificates(dir, '', now), { code: 'config_missing', message: /certs init/ })
  await issuedIn(dir)
  t.same((await showCertificates(dir, '192.168.100.5', now)).map(r => r.warnings), [[], [], []])
  t.match((await showCertificates(dir, 'other.example.com', now))[1]?.warnings, [/not for other\.example\.com but for matchbox\.example\.com/])
  t.match((await showCertificates(dir, '10.0.0.1', now))[1]?.warnings, [/not for 10\.0\.0\.1/])
  const late = await showCertificates(dir, '', now + 800 * day)
  t.match(late[1]?.warnings, [/ends on .* in 24 days/])
  t.match(late[2]?.warnings, [/client\.crt ends on/])
  t.match((await showCertificates(dir, '', now + 826 * day))[1]?.warnings, [/ended on/])
  t.match((await showCertificates(dir, '', now - day))[1]?.warnings, [/begins only on .*clock/])
  chmodSync(join(dir, 'server.key'), 0o644)
  writeFileSync(join(dir, 'client.key'), read(dir, 'ca.key'))
  const wrong = await showCertificates(dir, '', now)
  t.match(wrong[1]?.warnings, [/server\.key can be read by everybody/])
  t.match(wrong[2]?.warnings, [/client\.key does not belong to client\.crt/])
  const stranger = makeCertificate(makeCertificate(undefined, { cn: 'core-provisioner CA', authority: true }), { cn: 'client', use: 'clientAuth' })
  writeFileSync(join(dir, 'client.crt'), stranger.cert)
  writeFileSync(join(dir, 'client.key'), stranger.key)
  t.same((await showCertificates(dir, '', now))[2]?.warnings, ['client.crt was not issued by ca.crt'], 'but by one of its name')
  unlinkSync(join(dir, 'server.crt'))
  t.same((await showCertificates(dir, '', now)).map(({ file }) => file), ['ca.crt', 'client.crt'])
  unlinkSync(join(dir, 'ca.crt'))
  unlinkSync(join(dir, 'client.key'))
  t.same((await showCertificates(dir, '', now)).map(({ warnings }) => warnings), [['client.key is missing']], 'whoever issued it')
  mkdirSync(join(dir, 'client.key'))
  t.match((await showCertificates(dir, '', now)).map(({ warnings }) => warnings), [[/^whether client\.key belongs to client\.crt was not looked at: cannot read/]])
})

t.test('what is not ours is described too', async t => {
  const dir = t.testdir()
  const cert = join(dir, 'x.crt')
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(dir, 'x.key'), '-out', cert, '-subj', '/CN=ec',
    '-addext', 'subjectAltName=DNS:a.example,URI:http://x,IP:10.0.0.1', '-days', '10')
  const certificate = new X509Certificate(readFileSync(cert))
  const facts = describeCertificate(certificate)
  t.match(facts, { subject: 'CN=ec', key: 'EC prime256v1', names: [{ kind: 'DNS', value: 'a.example' }, { kind: 'IP', value: '10.0.0.1' }], uses: undefined })
  t.match(serverWarnings(certificate, cert, 'a.example', now + day), [/in [89] days/])
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', join(dir, 'y.key'), '-out', cert, '-subj', '/CN=localhost', '-days', '100',
    '-addext', 'extendedKeyUsage=clientAuth')
  t.match(serverWarnings(new X509Certificate(readFileSync(cert)), cert, 'localhost', now + day), [/no subject alternative names/, /not meant for servers/])
})
