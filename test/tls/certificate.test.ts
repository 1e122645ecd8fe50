// What a certificate says, and what is said of it: each moment one below, at and above.
import { X509Certificate } from 'node:crypto'
import t from 'tap'
import {
  authorityWarnings, chainWarnings, covers, daysLeft, describeCertificate, expiryWarningOf, isExposed, isOutOfTime, issuedBy, keyFits, parseCertificate, serverWarnings, whoSigned
} from '../../src/tls/certificate.js'
import { makeAuthority, makeCertificate } from '../helpers/pki.js'

const day = 86_400_000
/** X.509 counts in seconds. */
const [begins, ends] = [Date.UTC(2030, 0, 1), Date.UTC(2031, 0, 1)]
const within = { notBefore: begins, notAfter: ends }
const root = makeCertificate(undefined, { cn: 'root', authority: true, ...within })
const below = makeCertificate(root, { cn: 'below', authority: true, ...within })
const read = ({ cert }: { readonly cert: string }): X509Certificate => new X509Certificate(cert)
const server = makeCertificate(root, { cn: 'server', use: 'serverAuth', names: [{ dns: 'a.example' }, { ip: '10.0.0.1' }, { ip: 'fe80:0:0:0:0:0:0:1' }], ...within })

t.test('how long it has: begun, ended, and thirty days before', async t => {
  const said = (now: number): string | undefined => expiryWarningOf('x', begins, ends, now)
  t.match(said(begins - 1), /^x begins only on 2030-01-01: check/)
  for (const now of [begins, ends - 30 * day]) t.equal(said(now), undefined)
  t.match(said(ends - 30 * day + 1), /^x ends on 2031-01-01, in 29 days: renew/)
  t.match(said(ends - day), /, in 1 day: /)
  t.match(said(ends), /, in 0 days: /)
  t.match(said(ends + 1), /^x ended on 2031-01-01: renew/)
  t.same([ends - day, ends - day + 1, ends, ends + 1].map(now => daysLeft(ends, now)), [1, 0, 0, -1])
  t.match(serverWarnings(read(server), 's.crt', '', ends + 1), [/^the server certificate in s\.crt ended/])
})

t.test('of no use because of the time: the server\'s, or each of the authorities', async t => {
  const old = makeCertificate(undefined, { cn: 'old', authority: true, notBefore: begins - 2 * day, notAfter: begins - day })
  const outAt = (now: number, ...authorities: ReadonlyArray<{ readonly cert: string }>): boolean => isOutOfTime(read(server), authorities.map(({ cert }) => cert).join(''), now)
  t.same([begins - 1, begins, ends, ends + 1].map(now => outAt(now)), [true, false, false, true])
  t.equal(outAt(begins, root), false)
  t.equal(outAt(begins, old), true, 'whose clients alone are let in')
  t.equal(outAt(begins, old, root), false, 'clients of the other one come in')
})

t.test('authorities that let in nobody, and those that end', async t => {
  const said = (now: number, ...pairs: ReadonlyArray<{ readonly cert: string }>): string[] => authorityWarnings(pairs.map(({ cert }) => cert).join(''), 'ca.crt', now)
  t.same(said(begins, root), [])
  t.same(said(begins, below, root), [], 'a chain that is whole, in either order')
  t.match(said(begins, below), [/^the authority CN=below in ca\.crt was signed by CN=root, which is not in that file: its clients are refused until it is added$/])
  t.match(said(begins, below, makeCertificate(undefined, { cn: 'root', authority: true, ...within })), [/was signed by CN=root, which is not in that file/], 'another of that name')
  t.match(said(begins, server), [/^CN=server in ca\.crt is no authority \(basic constraints\)/])
  t.same(said(begins, makeCertificate(undefined, { cn: 'itself', ...within })), [], 'one that vouches for itself alone')
  t.match(said(begins - 1, root), [/^the authority CN=root in ca\.crt begins only on 2030-01-01: its clients are refused until then/])
  t.same(said(ends - 30 * day, root), [])
  t.match(said(ends - 30 * day + 1, root), [/ ends on 2031-01-01, in 29 days; /])
  t.match(said(ends, root), [/ ends on 2031-01-01, in 0 days; /])
  t.match(said(ends + 1, root), [/ ended on 2031-01-01: its clients are refused; /])
})

t.test('what stands behind the server\'s own: each signed the one before it', async t => {
  const said = (now: number, ...pairs: ReadonlyArray<{ readonly cert: string }>): string[] => chainWarnings(pairs.map(({ cert }) => cert).join(''), 's.crt', now)
  const leaf = makeCertificate(below, { cn: 'leaf', use: 'serverAuth', ...within })
  t.same(said(begins, leaf), [])
  t.same(said(begins, leaf, below), [])
  t.same(said(begins, leaf, below, root), [])
  t.match(said(begins, leaf, root), [/^CN=root stands behind CN=leaf in s\.crt and did not sign it: who does not know CN=below refuses the server/])
  t.match(said(begins, leaf, below, server), [/^CN=server stands behind CN=below in s\.crt and did not sign it: who does not know CN=root /])
  t.same(said(ends - 30 * day, leaf, below), [])
  t.match(said(ends - 30 * day + 1, leaf, below), [/^CN=below in s\.crt, which signed CN=leaf, ends on 2031-01-01, in 29 days: /])
  t.match(said(ends, leaf, below), [/ ends on 2031-01-01, in 0 days: /])
  t.match(said(ends + 1, leaf, below), [/ ended on 2031-01-01: clients refuse the server$/])
})

t.test('one that is cut off takes nothing else with it', async t => {
  t.match(authorityWarnings(root.cert + below.cert.slice(0, 300), 'ca.crt', begins), [/^ca\.crt is cut off: a certificate in it has no end/])
  t.same(authorityWarnings(root.cert + root.key, 'ca.crt', begins), [])
})

t.test('who signed what, for people', async t => {
  const files = { certFile: 's.crt', caFile: 'ca.crt' }
  const named = 's.crt is CN=server for a.example, 10.0.0.1, fe80::1, signed by CN=root, good until 2031-01-01'
  t.same(whoSigned(read(server), root.cert, files), [named, 'clients are let in that were signed by CN=root (ca.crt), which signed the server too'])
  t.same(whoSigned(read(server), below.cert + makeAuthority('root').cert, files), [named, 'clients are let in that were signed by CN=below, or by CN=root (ca.crt)'])
  t.same(whoSigned(read(server), '', { ...files, caFile: undefined }), [named])
  t.same(whoSigned(read(root), '', { ...files, caFile: undefined }), ['s.crt is CN=root, signed by itself, good until 2031-01-01'])
})

t.test('whose it is: by name and by signature, by key', async t => {
  t.equal(issuedBy(read(server), read(root)), true)
  t.equal(issuedBy(read(server), read(below)), false)
  t.equal(issuedBy(read(server), read(makeAuthority('root'))), false, 'the name alone')
  t.equal(keyFits(read(server), server.key, 'k'), true)
  t.equal(keyFits(read(server), root.key, 'k'), false)
})

t.test('what it is for', async t => {
  for (const [name, is] of [['a.example', true], ['b.example', false], ['10.0.0.1', true], ['10.0.0.2', false], ['fe80::1', true], ['server', false]] as const) t.equal(covers(read(server), name), is, name)
  t.same(serverWarnings(read(server), 's.crt', '', begins), [])
  t.match(serverWarnings(read(server), 's.crt', 'b.example', begins), [/^the server certificate in s\.crt is not for b\.example but for a\.example, 10\.0\.0\.1, fe80::1: /])
  t.match(serverWarnings(read(makeCertificate(root, { cn: 'x', ...within })), 's.crt', 'x', begins), [/^the server certificate in s\.crt has no subject alternative names/])
  t.match(describeCertificate(read(server)), { key: 'RSA 2048', isAuthority: false, uses: ['serverAuth'], notBefore: begins, notAfter: ends })
  t.match(describeCertificate(read(root)), { isAuthority: true, uses: undefined, names: [] })
})

t.test('a mode that lets everybody do anything with a key', async t => {
  for (const mode of [0o600, 0o640, 0o770]) t.equal(isExposed({ mode: 0o100000 | mode }), false, mode.toString(8))
  for (const mode of [0o601, 0o602, 0o604]) t.equal(isExposed({ mode: 0o100000 | mode }), true, mode.toString(8))
})

t.test('what is no certificate, in words', async t => {
  const why = (text: string): string => {
    try {
      return parseCertificate(text, 'c').subject
    } catch (error) {
      return (error as Error).message
    }
  }
  t.equal(why(`before\n${server.cert}${root.cert}`), 'CN=server', 'the first')
  t.match(why(' \n'), /^c holds no certificate: it is empty; PEM text/)
  t.match(why('hello'), /^c holds no certificate: PEM text/)
  t.match(why('a\0b'), /it is UTF-16 or no text at all/)
  t.match(why('0\ufffd'), /it is DER, which openssl x509 -inform der -in c /)
  t.match(why(server.key), /it holds RSA PRIVATE KEY; PEM text/)
  t.match(why('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'), /^c holds a certificate that cannot be read: /)
})
