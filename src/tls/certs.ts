// The folder of certificates that the gRPC API needs, with the names Matchbox's own scripts give the files, so that it is
// what a cluster definition takes for its `matchbox-certs`: ca.crt, server.crt and server.key for this program; ca.crt,
// client.crt and client.key for Terraform; ca.key for nobody but the one who renews them.
import type { X509Certificate } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { behindLink } from '../disk/behind-link.js'
import { readWhole } from '../disk/whole-file.js'
import {
  type CertificateFacts, describeCertificate, exposedKey, expiryWarningOf, isExposed, issuedBy, keyFits, parseCertificate, serverWarnings
} from './certificate.js'
import { plainSerial } from '../net/tls-identity.js'
import { readCrl, type Revoked, writeCrl } from './crl.js'
import { type IssuedCertificate, issueAuthority, issueLeaf, type Validity } from './issue.js'
import { type SubjectAltName, ownNames } from './names.js'
import { makeFolder } from '../disk/make-folder.js'

export const certificateFiles = ['ca.crt', 'ca.key', 'server.crt', 'server.key', 'client.crt', 'client.key'] as const
export type CertificateFile = typeof certificateFiles[number]

const hour = 3_600_000
const day = 24 * hour
const authorityLife = 3650 * day
/** The longest life that every verifier in use accepts. */
const leafLife = 825 * day
/** Machines whose clock is a little slow accept a certificate made now. */
const backdate = hour

const authorityName = 'core-provisioner CA'

export interface InitOptions {
  /** Made when missing, for its owner alone. */
  readonly dir: string
  /** Names of the server; this machine's own when empty. */
  readonly names: readonly SubjectAltName[]
  /** Replace what is there. */
  readonly force: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
}

/**
 * Makes an authority, a server and a client certificate. AppError `certificate_exists` when one of the files is there and
 * `force` is not given: nothing is touched then.
 */
export async function initCertificates ({ dir, names, force, now }: InitOptions): Promise<void> {
  await makeFolder(dir, 0o700).catch((error: unknown) => {
    throw new AppError('write_failed', `cannot make the folder ${dir}: ${messageOf(error)}`, { cause: error })
  })
  const there = await present(dir)
  if (there.length > 0 && !force) {
    throw new AppError('certificate_exists', `${dir} already has ${there.join(', ')}: \`certs renew\` issues new certificates of the same authority, \`certs init --force\` replaces everything, and then every client needs the new ca.crt`)
  }
  const authority = await issueAuthority(authorityName, { notBefore: now - backdate, notAfter: now + authorityLife })
  const leaves = await issueLeaves(authority, names.length > 0 ? names : ownNames(), now)
  await write(dir, { ca: authority, ...leaves })
}

/**
 * Issues a new server and a new client certificate with new keys, of the authority that is there. Without `names` the
 * server keeps those it has.
 */
export async function renewCertificates ({ dir, names, now }: Omit<InitOptions, 'force'>): Promise<void> {
  const authority = { certificate: await read(dir, 'ca.crt'), key: await read(dir, 'ca.key') }
  const keep = names.length > 0 ? names : await currentNames(dir)
  await write(dir, { ...await issueLeaves(authority, keep, now) })
}

/** What a certificate may be called, as it is a file's name too. */
const clientName = /^[\w][\w.@-]{0,63}$/

/** One certificate for a person or a pipeline, `<name>.crt` and `<name>.key`, so that it can be taken away by itself. */
export async function issueClient (
  { dir, name, now }: { readonly dir: string, readonly name: string, readonly now: number }
): Promise<CertificateFacts> {
  if (!clientName.test(name) || ['ca', 'server', 'client', 'crl'].includes(name)) {
    throw new AppError('usage', `${JSON.stringify(name)} is no name for a client: letters, digits, dots, hyphens, underscores and @, and not ca, server, client or crl`)
  }
  const there = await stat(join(dir, `${name}.crt`)).then(() => true, () => false)
  if (there) throw new AppError('certificate_exists', `${join(dir, `${name}.crt`)} is there already: \`certs revoke ${name}\` takes it away, and then it may be removed`)
  const authority = { certificate: await read(dir, 'ca.crt'), key: await read(dir, 'ca.key') }
  const issued = await issueLeaf(authority, 'client', name, [], leafValidity(authority, now))
  await writeFileAtomic(join(dir, `${name}.key`), issued.key, { mode: 0o600 })
  await writeFileAtomic(join(dir, `${name}.crt`), issued.certificate)
  return describeCertificate(parseCertificate(issued.certificate, `${name}.crt`))
}

/** Takes certificates away: a name of a file in the folder, a file, or a serial number. Answers the serials that the list has then. */
export async function revokeClients (
  { dir, clients, now }: { readonly dir: string, readonly clients: readonly string[], readonly now: number }
): Promise<readonly Revoked[]> {
  const authority = { certificate: await read(dir, 'ca.crt'), key: await read(dir, 'ca.key') }
  const file = await behindLink(join(dir, 'crl.pem'))
  const before = await readWhole(file, 'collections').then(text => readCrl(text.toString(), file), (error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  })
  const revoked = new Map(before.map(entry => [entry.serial, entry]))
  for (const client of clients) {
    const serial = await serialOf(dir, client, parseCertificate(authority.certificate, 'ca.crt'))
    if (!revoked.has(serial)) revoked.set(serial, { serial, at: now })
  }
  await writeFileAtomic(file, writeCrl(authority, [...revoked.values()], now))
  return [...revoked.values()]
}

/** A list tells of its own authority's certificates alone: the serial number of another's would take nothing away, or the wrong client. */
async function serialOf (dir: string, client: string, authority: X509Certificate): Promise<string> {
  for (const file of [client, join(dir, `${client}.crt`)]) {
    const text = await readWhole(file, 'credentials').catch(() => undefined)
    if (text === undefined) continue
    const certificate = parseCertificate(text.toString(), file)
    if (certificate.ca) throw new AppError('certificate_invalid', `${file} is the certificate of an authority: \`certs init --force\` makes a new one, and then no client of the old one is let in`)
    if (!certificate.verify(authority.publicKey)) {
      throw new AppError('certificate_invalid', `${file} was not issued by the authority in ${join(dir, 'ca.crt')}: nothing was revoked`)
    }
    return plainSerial(describeCertificate(certificate).serial)
  }
  if (/^[\da-f]{8,40}$/i.test(client)) return plainSerial(client)
  throw new AppError('config_missing', `${client} is neither a certificate in ${dir}, nor a file, nor a serial number in hex`)
}

interface Leaves { readonly server: IssuedCertificate, readonly client: IssuedCertificate }

async function issueLeaves (authority: IssuedCertificate, names: readonly SubjectAltName[], now: number): Promise<Leaves> {
  const validity = leafValidity(authority, now)
  const commonName = names.find(name => name.kind === 'DNS')?.value ?? names[0]?.value ?? 'core-provisioner'
  return {
    // A common name holds 64 characters at most (RFC 5280 A.1); clients read the subject alternative names.
    server: await issueLeaf(authority, 'server', commonName.slice(0, 64), names, validity),
    client: await issueLeaf(authority, 'client', 'client', [], validity)
  }
}

/** No certificate outlives its issuer: it would be refused from then on anyway, and `show` would not say so. */
function leafValidity (authority: IssuedCertificate, now: number): Validity {
  const { notAfter } = describeCertificate(parseCertificate(authority.certificate, 'ca.crt'))
  if (notAfter < now) throw new AppError('certificate_invalid', 'the authority in ca.crt has ended: `certs init --force` makes a new one, and then every client needs the new ca.crt')
  return { notBefore: now - backdate, notAfter: Math.min(now + leafLife, notAfter) }
}

async function currentNames (dir: string): Promise<readonly SubjectAltName[]> {
  const text = await readIfThere(dir, 'server.crt')
  const names = text === undefined ? [] : describeCertificate(parseCertificate(text, 'server.crt')).names
  return names.length > 0 ? names : ownNames()
}

/** A pair of files for each name. Which they are is known before the first is written: a set fits together. */
async function write (dir: string, issued: Readonly<Record<string, IssuedCertificate>>): Promise<void> {
  const files = await Promise.all(Object.entries(issued).map(async ([name, { certificate, key }]) => ({
    keyFile: await behindLink(join(dir, `${name}.key`)), certificateFile: await behindLink(join(dir, `${name}.crt`)), certificate, key
  })))
  for (const { keyFile, certificateFile, certificate, key } of files) {
    await writeFileAtomic(keyFile, key, { mode: 0o600 })
    await writeFileAtomic(certificateFile, certificate)
  }
}

export interface CertificateReport extends CertificateFacts {
  readonly file: CertificateFile
  /** What is wrong with it or will be, one sentence each. */
  readonly warnings: readonly string[]
}

/** What is in the folder: one report for each certificate that is there. */
export async function showCertificates (dir: string, advertise: string, now: number): Promise<CertificateReport[]> {
  const authorityText = await readIfThere(dir, 'ca.crt')
  const authority = authorityText === undefined ? undefined : parseCertificate(authorityText, 'ca.crt')
  const reports: CertificateReport[] = []
  for (const name of ['ca', 'server', 'client'] as const) {
    const file = `${name}.crt` as const
    const text = await readIfThere(dir, file)
    if (text === undefined) continue
    const certificate = parseCertificate(text, file)
    const facts = describeCertificate(certificate)
    const expiry = name === 'server' ? undefined : expiryWarningOf(file, facts.notBefore, facts.notAfter, now)
    reports.push({
      file,
      ...facts,
      warnings: [
        ...name === 'server' ? serverWarnings(certificate, file, advertise, now) : [],
        ...expiry === undefined ? [] : [expiry],
        ...name !== 'ca' && authority !== undefined && !issuedBy(certificate, authority) ? [`${file} was not issued by ca.crt`] : [],
        ...await keyWarnings(dir, name, certificate)
      ]
    })
  }
  if (reports.length === 0) throw new AppError('config_missing', `${dir} has no certificates: make them with \`core-provisioner certs init --dir ${dir}\``)
  return reports
}

async function keyWarnings (dir: string, name: 'ca' | 'server' | 'client', certificate: X509Certificate): Promise<string[]> {
  const file = `${name}.key` as const
  let key: string | undefined
  try {
    key = await readIfThere(dir, file)
  } catch (error) {
    // Whoever only looks needs no key, and that of the authority is for its owner alone.
    return name === 'ca' ? [] : [`whether ${file} belongs to ${name}.crt was not looked at: ${messageOf(error)}`]
  }
  if (key === undefined) return name === 'ca' ? [] : [`${file} is missing`]
  return [
    ...keyFits(certificate, key, file) ? [] : [`${file} does not belong to ${name}.crt`],
    ...isExposed(await stat(join(dir, file))) ? [exposedKey(file)] : []
  ]
}

async function present (dir: string): Promise<CertificateFile[]> {
  const found = await Promise.all(certificateFiles.map(async file => await stat(join(dir, file)).then(() => true, () => false)))
  return certificateFiles.filter((_, i) => found[i] === true)
}

async function read (dir: string, file: CertificateFile): Promise<string> {
  const text = await readIfThere(dir, file)
  if (text === undefined) throw new AppError('config_missing', `${join(dir, file)} is missing, which is needed to issue certificates`)
  return text
}

async function readIfThere (dir: string, file: CertificateFile): Promise<string | undefined> {
  try {
    return (await readWhole(join(dir, file), 'credentials')).toString()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw new AppError('permission_denied', `cannot read ${join(dir, file)}: ${messageOf(error)}`, { cause: error })
  }
}
