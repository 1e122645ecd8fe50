// Certificates issued with node-forge: a certificate authority, and a server and a client of it.
//
// The keys are RSA of 2048 bits, written as PKCS#1 (`BEGIN RSA PRIVATE KEY`). node-forge signs with RSA alone, and it is
// what every client of Matchbox has been used with since its first release: OpenSSL, each version of grpc-go, and the old
// providers whose PEM reader knows no other heading (tectonic-installer#2435 met PKCS#8). What is served may be any key.
import { X509Certificate, createPrivateKey, generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import forge from 'node-forge'
import { AppError } from '../base/errors.js'
import type { SubjectAltName } from './names.js'

export interface IssuedCertificate {
  /** PEM. */
  readonly certificate: string
  /** PEM, PKCS#1. */
  readonly key: string
}

export interface Validity {
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
}

const generate = promisify(generateKeyPair)

async function newKeys (): Promise<{ key: string, publicKey: string }> {
  const { privateKey, publicKey } = await generate('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' }
  })
  return { key: privateKey, publicKey }
}

function blank (publicKey: string, commonName: string, { notBefore, notAfter }: Validity): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  certificate.serialNumber = serialNumber()
  // X.509 counts in seconds; a fraction left in would make forge and its readers disagree by one.
  certificate.validity.notBefore = new Date(Math.floor(notBefore / 1000) * 1000)
  certificate.validity.notAfter = new Date(Math.floor(notAfter / 1000) * 1000)
  certificate.setSubject([{ name: 'commonName', value: commonName }])
  return certificate
}

/** RFC 5280 4.1.2.2: positive, at most 20 octets, and nobody can guess it. */
function serialNumber (): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return bytes.toString('hex')
}

/** A self-signed authority that may issue certificates for machines and people, not for other authorities. */
export async function issueAuthority (commonName: string, validity: Validity): Promise<IssuedCertificate> {
  const { key, publicKey } = await newKeys()
  const certificate = blank(publicKey, commonName, validity)
  certificate.setIssuer(certificate.subject.attributes)
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'subjectKeyIdentifier' }
  ])
  return sign(certificate, key, key)
}

/** A certificate of the authority for a server, which has `names`, or for a client, which has none. */
export async function issueLeaf (
  authority: IssuedCertificate, role: 'server' | 'client', commonName: string, names: readonly SubjectAltName[], validity: Validity
): Promise<IssuedCertificate> {
  const { certificate: issuer, key: issuerKey } = readAuthority(authority)
  const { key, publicKey } = await newKeys()
  const certificate = blank(publicKey, commonName, validity)
  certificate.setIssuer(asWritten(issuer.subject.attributes))
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', ...role === 'server' ? { serverAuth: true } : { clientAuth: true } },
    ...names.length === 0 ? [] : [{ name: 'subjectAltName', altNames: names.map(({ kind, value }) => kind === 'DNS' ? { type: 2, value } : { type: 7, ip: value }) }],
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes() }
  ])
  return sign(certificate, issuerKey, key)
}

/** A name that forge read, so that it writes the same bytes: it reads UTF-8 text as bytes and encodes it once more. */
const asWritten = (name: readonly forge.pki.CertificateField[]): forge.pki.CertificateField[] => name.map(field =>
  Number(field.valueTagClass) === Number(forge.asn1.Type.UTF8) && typeof field.value === 'string' ? { ...field, value: forge.util.decodeUtf8(field.value) } : field)

function sign (certificate: forge.pki.Certificate, issuerKey: string, key: string): IssuedCertificate {
  certificate.sign(forge.pki.privateKeyFromPem(issuerKey), forge.md.sha256.create())
  return { certificate: forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n'), key }
}

/** An authority somebody made, here or elsewhere; AppError `certificate_invalid` when it cannot issue. */
function readAuthority ({ certificate, key }: IssuedCertificate): { certificate: forge.pki.Certificate, key: string } {
  const facts = new X509Certificate(certificate)
  const secret = createPrivateKey(key)
  if (!facts.ca) throw new AppError('certificate_invalid', 'ca.crt is not a certificate authority (basicConstraints CA:TRUE is missing)')
  if (!facts.checkPrivateKey(secret)) throw new AppError('certificate_invalid', 'ca.key does not belong to ca.crt')
  if (secret.asymmetricKeyType !== 'rsa') {
    throw new AppError('certificate_invalid', `ca.key is an ${secret.asymmetricKeyType ?? 'unknown'} key and certificates are issued here with RSA authorities only: issue them with the tool that made it`)
  }
  return { certificate: forge.pki.certificateFromPem(certificate), key: secret.export({ type: 'pkcs1', format: 'pem' }).toString() }
}
