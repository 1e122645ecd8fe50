// Lists of revoked certificates that change under a running server: what cannot be used is said, and the last good one stays.
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readCrls, writeCrl } from '../../src/tls/crl.js'
import { type TlsEvent, TlsReloader } from '../../src/tls/reload.js'
import { makeAuthority, makeCertificate, makePki, type Pair } from '../helpers/pki.js'
import { needs } from '../helpers/tools.js'

const day = 86_400_000
const pki = makePki()
/** Good for longer than its authority, and so than the authority's lists. */
const server = makeCertificate(pki.ca, { cn: 'server', use: 'serverAuth', names: [{ dns: 'localhost' }], notAfter: Date.now() + 1000 * day })
const listOf = ({ cert, key }: Pair, ...serials: string[]): string => writeCrl({ certificate: cert, key }, serials.map(serial => ({ serial, at: Date.now() })), Date.now())

async function open (dir: string, list: string, { ca = pki.ca.cert, at = Date.now() } = {}) {
  const files = { caFile: join(dir, 'ca.crt'), crlFile: join(dir, 'crl.pem'), certFile: join(dir, 'server.crt'), keyFile: join(dir, 'server.key') }
  writeFileSync(files.caFile, ca)
  writeFileSync(files.crlFile, list)
  writeFileSync(files.certFile, server.cert)
  writeFileSync(files.keyFile, server.key, { mode: 0o600 })
  const events: TlsEvent[] = []
  // A year in seconds would be many looks at the files.
  const time = { at }
  const clock = { now: () => time.at, after: () => ({ cancel: () => {} }), every: () => ({ cancel: () => {} }) }
  const reloader = await TlsReloader.open(files, { clock, advertise: 'localhost', onEvent: event => { events.push(event) } })
  const put = async (text: string | undefined): Promise<TlsEvent | undefined> => {
    if (text === undefined) rmSync(files.crlFile)
    else writeFileSync(files.crlFile, text)
    await reloader.reload()
    return events.at(-1)
  }
  return { reloader, time, put }
}

t.test('what cannot be used is said, and the last good list stays', async t => {
  const good = listOf(pki.ca, '0abc')
  const { reloader, put, time } = await open(t.testdir(), good)
  t.teardown(() => reloader.close())
  const body = good.split('\n').slice(1, -2).join('')
  const changed = Buffer.from(body, 'base64')
  // The serial number that is taken away, and with it what was signed.
  changed[changed.indexOf(Buffer.from('0abc', 'hex'))] = 0x0b
  const cases: ReadonlyArray<readonly [string, string | undefined, RegExp]> = [
    ['of another authority', listOf(pki.otherCa, '01'), /crl\.pem is a list of revoked certificates of another authority than the one in .*ca\.crt/],
    ['of both, in one file', listOf(pki.ca) + listOf(pki.otherCa), /of another authority/],
    ['changed after it was signed', `-----BEGIN X509 CRL-----\n${changed.toString('base64')}\n-----END X509 CRL-----\n`, /of another authority/],
    ['cut', good.slice(0, 200), /holds no list of revoked certificates that can be read/],
    ['cut inside', `-----BEGIN X509 CRL-----\n${body.slice(0, 200)}\n-----END X509 CRL-----\n`, /holds no list of revoked certificates that can be read/],
    ...[['empty', ''], ['text', 'nothing'], ['something else', pki.ca.cert], ['a list and something else', good + pki.ca.cert]].map(([what = '', text]) =>
      [what, text, /crl\.pem holds no list of revoked certificates that can be read: PEM text beginning -----BEGIN X509 CRL----- was expected$/] as const),
    ['gone', undefined, /cannot read the list of revoked certificates from .*crl\.pem: there is no such file \(`core-provisioner certs revoke` writes one\)/]
  ]
  for (const [name, text, reason] of cases) {
    t.match(await put(text), { what: 'kept', reason }, name)
    t.same([...reloader.identity.revoked ?? []], ['0abc'], name)
  }
  t.match(await put(listOf(pki.ca, '0abc', 'ff01')), { what: 'reloaded', warnings: [] })
  t.same([...reloader.identity.revoked ?? []], ['0abc', 'ff01'])
  // Its own end comes while it is in force; then one that has ended is no better.
  time.at += 364 * day
  t.match(reloader.warnings(), [/authority/, /crl\.pem ends on .*: no client is let in from then on, unless there is a new one/])
  time.at += day
  t.match(reloader.warnings(), [/authority/, /crl\.pem ended on .*: no client is let in until there is a new one/])
  t.match(await put(listOf(pki.ca)), { what: 'kept', reason: /crl\.pem ended on / })
  t.equal(reloader.identity.revoked?.size, 2)
})

t.test('at the start, and for check and doctor', async t => {
  await t.rejects(open(t.testdir({ a: {} }), listOf(pki.otherCa)), { code: 'certificate_invalid', message: /of another authority/ })
  const ended = await open(t.testdir(), listOf(pki.ca), { at: Date.now() + 400 * day })
  t.match(ended.reloader.warnings().filter(text => text.includes('list of revoked')), [/ended on .*: no client is let in/])
  await ended.reloader.close()

  const ca = pki.ca.cert + pki.otherCa.cert
  const one = await open(t.testdir(), listOf(pki.ca, '01'), { ca })
  t.match(one.reloader.warnings(), [/crl\.pem holds no list of the authority CN=.*: its clients are not let in/])
  t.match(await one.put(listOf(pki.ca, '01') + listOf(pki.otherCa, '02')), { what: 'reloaded', warnings: [] })
  t.same([...one.reloader.identity.revoked ?? []], ['01', '02'])
  t.equal(one.reloader.identity.crl?.length, 2)
  await one.reloader.close()
})

t.test('lists that openssl made, by keys of other kinds, end when they say', async t => {
  if (!needs(t, 'openssl')) return
  const dir = t.testdir({ index: '', number: '01\n', 'ca.cnf': '[ca]\ndefault_ca=d\n[d]\ndatabase=index\ncrlnumber=number\ndefault_md=default\ndefault_crl_days=7\n' })
  const openssl = (...args: string[]): string => execFileSync('openssl', args, { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const authorities: X509Certificate[] = []
  for (const algorithm of [['EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], ['ED25519'], ['RSA']]) {
    openssl('genpkey', '-algorithm', ...algorithm, '-out', 'ca.key')
    openssl('req', '-x509', '-new', '-key', 'ca.key', '-subj', '/CN=other tool', '-days', '30', '-out', 'ca.pem')
    const text = openssl('ca', '-gencrl', '-config', 'ca.cnf', '-keyfile', 'ca.key', '-cert', 'ca.pem')
    const [list] = readCrls(text, 'crl.pem')
    t.equal(list?.isSignedBy(new X509Certificate(openssl('x509', '-in', 'ca.pem'))), true, String(algorithm[0]))
    t.equal(list?.isSignedBy(new X509Certificate(makeAuthority('stranger').cert)), false)
    authorities.push(new X509Certificate(readFileSync(join(dir, 'ca.pem'))))
    t.equal(authorities.filter(authority => list?.isSignedBy(authority)).length, 1, 'and by no key of another kind')
    t.same(authorities.map(authority => readCrls(listOf(pki.ca), 'crl.pem')[0]?.isSignedBy(authority)), authorities.map(() => false))
    t.ok(Math.abs((list?.ends ?? 0) - Date.now() - 7 * day) < day)
    t.same(list?.revoked, [])
  }
})

t.test('a serial number is a positive integer, in as few octets as that takes (X.690 section 8.3)', t => {
  for (const [serial, der] of [['7f', '02017f'], ['80', '02020080'], ['f', '02010f'], ['ff01', '020300ff01'], ['0abc', '02020abc']] as const) {
    const text = listOf(pki.ca, serial)
    const bytes = Buffer.from(text.split('\n').slice(1, -2).join(''), 'base64').toString('hex')
    // Behind it stands when it was taken away, as UTCTime.
    t.match(bytes, `${der}170d`, serial)
    t.same(readCrls(text, 'x')[0]?.revoked.map(({ serial }) => serial), [serial.padStart(2, '0')])
  }
  t.end()
})

t.test('a time from 2050 on is written as such (RFC 5280 section 5.1.2.4)', t => {
  const { cert: certificate, key } = makeCertificate(undefined, { cn: 'long', authority: true, notAfter: Date.UTC(2060, 0) })
  const times = [Date.UTC(2049, 11, 31, 23, 59, 59), Date.UTC(2050, 0)]
  const [list] = readCrls(writeCrl({ certificate, key }, times.map((at, n) => ({ serial: `0${n + 1}`, at })), times[0]!), 'x')
  t.same([list?.revoked.map(({ at }) => at), list?.ends], [times, Date.UTC(2060, 0)])
  const der = Buffer.from(list!.pem.split('\n').slice(1, -2).join(''), 'base64').toString('latin1')
  t.ok(der.includes('\x17\x0d491231235959Z') && der.includes('\x18\x0f20500101000000Z'))
  t.end()
})
