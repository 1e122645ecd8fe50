// The list of certificates that are taken away before they end (RFC 5280 section 5), written and read with node-forge's ASN.1:
// OpenSSL, which enforces it, reads any that another tool made.
import { verify, type X509Certificate } from 'node:crypto'
import forge from 'node-forge'
import { AppError, messageOf } from '../base/errors.js'
import { plainSerial } from '../net/tls-identity.js'
import type { IssuedCertificate } from './issue.js'

const { asn1, oids, pki } = { asn1: forge.asn1, oids: forge.pki.oids, pki: forge.pki }
const { Class, Type } = asn1

export interface Revoked {
  /** Hex, as certificates show it. */
  readonly serial: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

const sequence = (...value: forge.asn1.Asn1[]): forge.asn1.Asn1 => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, value)
const leaf = (type: forge.asn1.Type, value: string): forge.asn1.Asn1 => asn1.create(Class.UNIVERSAL, type, false, value)
const oid = (name: string): forge.asn1.Asn1 => leaf(Type.OID, asn1.oidToDer(name).getBytes())
/** Section 5.1.2.4: UTCTime through 2049, GeneralizedTime from then on. */
const time = (at: number): forge.asn1.Asn1 => new Date(at).getUTCFullYear() < 2050
  ? leaf(Type.UTCTIME, asn1.dateToUtcTime(new Date(at)))
  : leaf(Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(new Date(at)))
/** A positive integer: its first bit is none of it. */
const integer = (hex: string): forge.asn1.Asn1 => {
  const even = hex.length % 2 === 0 ? hex : `0${hex}`
  return leaf(Type.INTEGER, forge.util.hexToBytes(/^[89a-f]/i.test(even) ? `00${even}` : even))
}
const extension = (id: string, value: forge.asn1.Asn1): forge.asn1.Asn1 =>
  sequence(oid(id), leaf(Type.OCTETSTRING, asn1.toDer(value).getBytes()))

/** Good until the authority's own end, so that a list nobody renews locks nobody out. PEM. */
export function writeCrl (authority: IssuedCertificate, revoked: readonly Revoked[], now: number): string {
  const issuer = pki.certificateFromPem(authority.certificate)
  const certificate = pki.certificateToAsn1(issuer).value as forge.asn1.Asn1[]
  // TBSCertificate: version, serial, algorithm, issuer, validity, subject. The very bytes, by which verifiers find the list's issuer.
  const subject = (certificate[0]!.value as forge.asn1.Asn1[])[5]!
  const algorithm = sequence(oid(oids['sha256WithRSAEncryption']!), leaf(Type.NULL, ''))
  const keyId = asn1.create(Class.CONTEXT_SPECIFIC, 0 as forge.asn1.Type, false, issuer.generateSubjectKeyIdentifier().getBytes())
  const extensions = sequence(extension('2.5.29.35', sequence(keyId)), extension('2.5.29.20', integer(Math.floor(now / 1000).toString(16))))
  const list = sequence(
    leaf(Type.INTEGER, '\u0001'), algorithm, subject, time(now), time(issuer.validity.notAfter.getTime()),
    ...revoked.length === 0 ? [] : [sequence(...revoked.map(({ serial, at }) => sequence(integer(serial), time(at))))],
    asn1.create(Class.CONTEXT_SPECIFIC, 0 as forge.asn1.Type, true, [extensions])
  )
  const digest = forge.md.sha256.create()
  digest.update(asn1.toDer(list).getBytes())
  const signature = pki.privateKeyFromPem(authority.key).sign(digest)
  const der = asn1.toDer(sequence(list, algorithm, leaf(Type.BITSTRING, `\u0000${signature}`))).getBytes()
  return forge.pem.encode({ type: 'X509 CRL', body: der }, { maxline: 64 }).replaceAll('\r\n', '\n')
}

export interface RevocationList {
  readonly revoked: readonly Revoked[]
  /** When it ends (nextUpdate), in milliseconds since the epoch; undefined where it does not say. */
  readonly ends: number | undefined
  /** Its own PEM block. */
  readonly pem: string
  readonly isSignedBy: (authority: X509Certificate) => boolean
}

/** The lists in a file, one for each authority; AppError certificate_invalid when there is none, or one that cannot be read. */
export function readCrls (text: string, file: string): readonly RevocationList[] {
  try {
    // Of text without a block it would say only that.
    const blocks = text.includes('-----BEGIN ') ? forge.pem.decode(text) : []
    if (blocks.length === 0 || blocks.some(({ type }) => type !== 'X509 CRL')) throw new Error('PEM text beginning -----BEGIN X509 CRL----- was expected')
    return blocks.map(({ body }) => readList(body))
  } catch (error) {
    throw new AppError('certificate_invalid', `${file} holds no list of revoked certificates that can be read: ${messageOf(error)}`, { cause: error })
  }
}

/** What the lists of a file take away; AppError as from `readCrls`. */
export const readCrl = (text: string, file: string): readonly Revoked[] => readCrls(text, file).flatMap(({ revoked }) => revoked)

function readList (der: string): RevocationList {
  const [list, algorithm, signature] = asn1.fromDer(der, { decodeBitStrings: false } as never).value as forge.asn1.Asn1[]
  const parts = (list?.value ?? []) as forge.asn1.Asn1[]
  const times = parts.filter(({ type, tagClass }) => tagClass === Class.UNIVERSAL && [Type.UTCTIME, Type.GENERALIZEDTIME].includes(type))
  const last = times.at(-1)
  if (list === undefined || last === undefined) throw new Error('it has no time')
  const entries = parts[parts.indexOf(last) + 1]
  const signed = Buffer.from(asn1.toDer(list).getBytes(), 'latin1')
  // A bit string: the first octet says how many bits of the last one do not count.
  const bits = Buffer.from(String(signature?.value).slice(1), 'latin1')
  const digest = digestOf(algorithm)
  return {
    revoked: entries === undefined || entries.tagClass !== Class.UNIVERSAL
      ? []
      : (entries.value as forge.asn1.Asn1[]).map(entry => {
          const [serial, at] = entry.value as forge.asn1.Asn1[]
          return { serial: plainSerial(forge.util.bytesToHex(String(serial?.value))), at: dateOf(at).getTime() }
        }),
    ends: times.length < 2 ? undefined : dateOf(last).getTime(),
    pem: forge.pem.encode({ type: 'X509 CRL', body: der }, { maxline: 64 }).replaceAll('\r\n', '\n'),
    isSignedBy: ({ publicKey }) => {
      try {
        return verify(digest, signed, publicKey, bits)
      } catch {
        // A key of another kind than the signature.
        return false
      }
    }
  }
}

/** RFC 5758, RFC 8410: Ed25519 and Ed448 have none of their own. */
const digests: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.5': 'sha1',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.1': 'sha1',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512'
}

function digestOf (algorithm: forge.asn1.Asn1 | undefined): string | null {
  const [id] = (algorithm?.value ?? []) as forge.asn1.Asn1[]
  const name = asn1.derToOid(String(id?.value))
  if (['1.3.101.112', '1.3.101.113'].includes(name)) return null
  const digest = digests[name]
  if (digest === undefined) throw new Error(`it is signed by an algorithm (${name}) that is not known here`)
  return digest
}

const dateOf = (at: forge.asn1.Asn1 | undefined): Date =>
  at?.type === Type.GENERALIZEDTIME ? asn1.generalizedTimeToDate(String(at.value)) : asn1.utcTimeToDate(String(at?.value))
