// Certificates of every kind that a gRPC client may show, good and bad, made when a test asks for them.
import { constants, createPublicKey, generateKeyPairSync, privateEncrypt } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import forge from 'node-forge'

export interface Pair { readonly cert: string, readonly key: string }

export interface LeafOptions {
  readonly cn?: string
  /** `serverAuth`, `clientAuth`; none when undefined. */
  readonly use?: 'serverAuth' | 'clientAuth' | undefined
  readonly names?: ReadonlyArray<{ readonly dns: string } | { readonly ip: string }>
  readonly notBefore?: number
  readonly notAfter?: number
  readonly authority?: boolean
  /** Of the RSA key; 2048 without it. */
  readonly bits?: number
}

const day = 86_400_000
let serial = 1

/** How many keys of a length this process has had. */
const taken = new Map<number, number>()
const kept = fileURLToPath(new URL('../../.cache/test-keys', import.meta.url))

/**
 * Each key that a process asks for is another one; the next process has the same ones again. To make one of RSA takes a fifth of a
 * second, and no test is about how.
 */
function newKeys (bits: number): { key: string, publicKey: string } {
  const n = taken.get(bits) ?? 0
  taken.set(bits, n + 1)
  const file = join(kept, `${bits}-${n}.pem`)
  try {
    return withPublic(readFileSync(file, 'utf8'))
  } catch { /* not made yet */ }
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' }
  })
  try {
    mkdirSync(kept, { recursive: true })
    // Whole or not at all, for a process beside this one.
    writeFileSync(`${file}.${process.pid}`, privateKey, { mode: 0o600 })
    renameSync(`${file}.${process.pid}`, file)
  } catch { /* where nothing can be kept, it is made again */ }
  return withPublic(privateKey)
}

const withPublic = (key: string): { key: string, publicKey: string } => ({ key, publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string })

/** DigestInfo of SHA-256 before its digest (RFC 8017, section 9.2). */
const digestInfo = Buffer.from('3031300d060960864801650304020105000420', 'hex')

/** What forge signs with, by OpenSSL: its own arithmetic takes some fifty milliseconds for each certificate. */
const signer = (key: string): forge.pki.rsa.PrivateKey => ({
  sign: (digest: forge.md.MessageDigest) => privateEncrypt(
    { key, padding: constants.RSA_PKCS1_PADDING }, Buffer.concat([digestInfo, Buffer.from(digest.digest().bytes(), 'latin1')])
  ).toString('latin1')
}) as forge.pki.rsa.PrivateKey

/** A certificate of `issuer`, or a self-signed one. */
export function makeCertificate (issuer: Pair | undefined, options: LeafOptions): Pair {
  const { cn = 'test', use, names = [], notBefore = Date.now() - day, notAfter = Date.now() + 365 * day, authority = false, bits = 2048 } = options
  const { key, publicKey } = newKeys(bits)
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  certificate.serialNumber = `01${(serial++).toString(16).padStart(6, '0')}`
  certificate.validity.notBefore = new Date(notBefore)
  certificate.validity.notAfter = new Date(notAfter)
  certificate.setSubject([{ name: 'commonName', value: cn }])
  const issuedBy = issuer === undefined ? certificate : forge.pki.certificateFromPem(issuer.cert)
  certificate.setIssuer(issuedBy.subject.attributes)
  certificate.setExtensions([
    ...authority ? [{ name: 'basicConstraints', critical: true, cA: true }, { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true }] : [],
    ...use === undefined ? [] : [{ name: 'extKeyUsage', [use]: true }],
    ...names.length === 0 ? [] : [{ name: 'subjectAltName', altNames: names.map(name => 'dns' in name ? { type: 2, value: name.dns } : { type: 7, ip: name.ip }) }]
  ])
  certificate.sign(signer(issuer?.key ?? key), forge.md.sha256.create())
  return { cert: forge.pki.certificateToPem(certificate), key }
}

export const makeAuthority = (cn: string): Pair => makeCertificate(undefined, { cn, authority: true })

const localhost = [{ dns: 'localhost' }, { ip: '127.0.0.1' }]

export interface Pki {
  readonly ca: Pair
  readonly otherCa: Pair
  readonly server: Pair
  readonly client: Pair
}

export function makePki (): Pki {
  const ca = makeAuthority('test ca')
  return {
    ca,
    otherCa: makeAuthority('other ca'),
    server: makeCertificate(ca, { cn: 'localhost', use: 'serverAuth', names: localhost }),
    client: makeCertificate(ca, { cn: 'client', use: 'clientAuth' })
  }
}

/** The client that a vector names. */
export function clientNamed (name: string, pki: Pki): Pair {
  const make: Readonly<Record<string, () => Pair>> = {
    client: () => pki.client,
    'client-noeku': () => makeCertificate(pki.ca, { cn: name }),
    'client-servereku': () => makeCertificate(pki.ca, { cn: name, use: 'serverAuth' }),
    'client-otherca': () => makeCertificate(pki.otherCa, { cn: name, use: 'clientAuth' }),
    'client-selfsigned': () => makeCertificate(undefined, { cn: name }),
    'client-expired': () => makeCertificate(pki.ca, { cn: name, use: 'clientAuth', notBefore: Date.UTC(2020, 0), notAfter: Date.UTC(2021, 0) }),
    server: () => pki.server
  }
  const found = make[name]
  if (found === undefined) throw new Error(`no certificate is called ${name}`)
  return found()
}
