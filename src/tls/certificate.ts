// What a certificate says, for people and for warnings (RFC 5280), whoever made it and whatever its key.
import { X509Certificate, createPrivateKey } from 'node:crypto'
import { isIP } from 'node:net'
import { AppError, messageOf } from '../base/errors.js'
import { counted } from '../base/units.js'
import { type SubjectAltName, canonicalIp } from './names.js'

export interface CertificateFacts {
  /** Distinguished name, `CN=server, O=...`. */
  readonly subject: string
  readonly issuer: string
  readonly serial: string
  readonly names: readonly SubjectAltName[]
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  readonly isAuthority: boolean
  /** undefined when the certificate does not limit its use. */
  readonly uses: readonly string[] | undefined
  /** `RSA 2048`, `EC prime256v1`. */
  readonly key: string
  /** SHA-256 of the certificate. */
  readonly fingerprint: string
}

const day = 86_400_000
/** A certificate with less than this left is warned about. */
const expiryWarning = 30 * day

/** The PEM blocks of certificates in `text`, in the order they stand. */
export const certificateBlocks = (text: string): string[] =>
  text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED )?CERTIFICATE-----/g) ?? []

/** Whether one begins in `text` and does not end: OpenSSL refuses the file, or passes over what comes then. */
export const isCutOff = (text: string): boolean =>
  (text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----/g)?.length ?? 0) > certificateBlocks(text).length

/** The first certificate in the PEM text of `file`; AppError `certificate_invalid`. */
export function parseCertificate (text: string, file: string): X509Certificate {
  const [block] = certificateBlocks(text)
  if (block === undefined) throw new AppError('certificate_invalid', `${file} holds no certificate: ${insteadOf(text, file, 'x509')}PEM text beginning -----BEGIN CERTIFICATE----- was expected`)
  try {
    return new X509Certificate(block)
  } catch (error) {
    throw new AppError('certificate_invalid', `${file} holds a certificate that cannot be read: ${messageOf(error)}`, { cause: error })
  }
}

/** What there is instead of PEM text, where that can be told: what `openssl KIND` would make of it. */
function insteadOf (text: string, file: string, kind: 'x509' | 'pkey'): string {
  if (text.trim() === '') return 'it is empty; '
  // A PFX begins with its version, 3 (RFC 7292 section 4).
  if (text.slice(0, 8).includes('\x02\x01\x03')) return `it is PKCS #12, of which openssl pkcs12 -nodes -in ${file} -out NEW writes PEM; `
  // A sequence of more than 127 octets, as UTF-8 misreads it (X.690 section 8.1.3.5).
  if (/^0\ufffd/.test(text)) return `it is DER, which openssl ${kind} -inform der -in ${file} -out NEW writes as PEM; `
  if (text.includes('\0')) return 'it is UTF-16 or no text at all; '
  if (!text.includes('-----END ') && text.includes('-----BEGIN ')) return 'it is cut off, since nothing in it ends what a BEGIN line begins; '
  const found = /-----BEGIN (?!CERTIFICATE-----)([A-Z0-9 ]+)-----/.exec(text)?.[1] ?? (certificateBlocks(text).length > 0 ? 'CERTIFICATE' : undefined)
  return found === undefined ? '' : `it holds ${found}; `
}

export function describeCertificate (certificate: X509Certificate): CertificateFacts {
  const { publicKey } = certificate
  const details = publicKey.asymmetricKeyDetails
  const size = details?.modulusLength ?? details?.namedCurve
  return {
    subject: certificate.subject.replaceAll('\n', ', '),
    issuer: certificate.issuer.replaceAll('\n', ', '),
    serial: certificate.serialNumber.toLowerCase(),
    names: namesOf(certificate),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    isAuthority: certificate.ca,
    // Node calls the extended key usages keyUsage.
    uses: (certificate.keyUsage as readonly string[] | undefined)?.map(oid => useNames[oid] ?? oid),
    key: [(publicKey.asymmetricKeyType ?? 'unknown').toUpperCase(), size].filter(part => part !== undefined).join(' '),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase()
  }
}

const useNames: Readonly<Record<string, string>> = { '1.3.6.1.5.5.7.3.1': 'serverAuth', '1.3.6.1.5.5.7.3.2': 'clientAuth' }

function namesOf (certificate: X509Certificate): SubjectAltName[] {
  // A value with a comma or a quote in it is written as a JSON string: a name that this program would not make itself.
  const parts = certificate.subjectAltName?.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []
  return parts.flatMap((part): SubjectAltName[] => {
    const [, kind = '', value = ''] = /^\s*(DNS|IP Address):(.*)$/s.exec(part) ?? []
    return kind === '' ? [] : [kind === 'DNS' ? { kind, value } : { kind: 'IP', value: canonicalIp(value) }]
  })
}

/** Whether a key file's mode lets everybody on the machine read it. */
export const isExposed = ({ mode }: { readonly mode: number }): boolean => (mode & 0o007) !== 0

export const exposedKey = (file: string): string => `${file} can be read by everybody on this machine: chmod 600 it`

/** PKCS #8 says so in its first line, the older form in a header below it (RFC 7468 section 11, RFC 1421 section 4.6.1.1). */
const isEncrypted = (key: string): boolean => /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(key)

const encryptedKey = (file: string): string =>
  `the private key in ${file} is encrypted, and nobody is there to type its passphrase: openssl pkey -in ${file} -out NEW writes it without`

/** Whether the PEM private key belongs to the certificate; AppError `certificate_invalid` when it is no private key. */
export function keyFits (certificate: X509Certificate, key: string, file: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key))
  } catch (error) {
    if (isEncrypted(key)) throw new AppError('certificate_invalid', encryptedKey(file), { cause: error })
    throw new AppError('certificate_invalid', `${file} holds no private key that can be read: ${insteadOf(key, file, 'pkey')}${messageOf(error)}`, { cause: error })
  }
}

/** Whole days until the certificate ends, below zero when it has. */
export const daysLeft = (notAfter: number, now: number): number => Math.floor((notAfter - now) / day)

export const formatDay = (time: number): string => new Date(time).toISOString().slice(0, 10)

/**
 * What will go wrong, or has: one sentence each, with the file. `advertise` is the name or address under which clients reach this
 * server, '' when it is not configured.
 */
export function serverWarnings (certificate: X509Certificate, file: string, advertise: string, now: number): string[] {
  const { names, notBefore, notAfter, uses } = describeCertificate(certificate)
  const warnings: string[] = []
  const which = `the server certificate in ${file}`
  if (names.length === 0) {
    warnings.push(`${which} has no subject alternative names, so clients refuse it: make one with \`core-provisioner certs renew --san DNS:<name>,IP:<address>\``)
  } else if (advertise !== '' && !covers(certificate, advertise)) {
    warnings.push(`${which} is not for ${advertise} but for ${names.map(name => name.value).join(', ')}: make one with \`core-provisioner certs renew --san ...\``)
  }
  if (uses !== undefined && !uses.includes('serverAuth')) warnings.push(`${which} is not meant for servers (extended key usage), so clients refuse it`)
  const expiry = expiryWarningOf(which, notBefore, notAfter, now)
  return expiry === undefined ? warnings : [...warnings, expiry]
}

/** What is wrong with what stands behind the server's own certificate: each signed the one before it (RFC 8446 section 4.4.2). */
export function chainWarnings (text: string, file: string, now: number): string[] {
  const chain = certificateBlocks(text).map(block => parseCertificate(block, file))
  for (const [n, signer] of chain.entries()) {
    const signed = chain[n - 1]
    if (signed === undefined) continue
    const [{ subject, notAfter }, { subject: whose, issuer }] = [describeCertificate(signer), describeCertificate(signed)]
    if (!issuedBy(signed, signer)) return [`${subject} stands behind ${whose} in ${file} and did not sign it: who does not know ${issuer} refuses the server; its certificate belongs there`]
    if (notAfter < now) return [`${subject} in ${file}, which signed ${whose}, ended on ${formatDay(notAfter)}: clients refuse the server`]
    if (notAfter - now < expiryWarning) return [`${subject} in ${file}, which signed ${whose}, ends on ${formatDay(notAfter)}, in ${counted(daysLeft(notAfter, now), 'day')}: clients refuse the server from then on`]
  }
  return []
}

/** Whether nobody is let in, or nobody comes, because of the time: of the server's certificate, or of each authority. */
export function isOutOfTime (certificate: X509Certificate, authorities: string, now: number): boolean {
  const isOut = (each: X509Certificate): boolean => now > Date.parse(each.validTo) || now < Date.parse(each.validFrom)
  const signers = certificateBlocks(authorities).map(block => new X509Certificate(block))
  return isOut(certificate) || (signers.length > 0 && signers.every(isOut))
}

/** What to say about the time a certificate has left; undefined when it has enough. */
export function expiryWarningOf (what: string, notBefore: number, notAfter: number, now: number): string | undefined {
  if (now > notAfter) return `${what} ended on ${formatDay(notAfter)}: renew it with \`core-provisioner certs renew\``
  if (now < notBefore) return `${what} begins only on ${formatDay(notBefore)}: check this machine's clock`
  if (notAfter - now < expiryWarning) return `${what} ends on ${formatDay(notAfter)}, in ${counted(daysLeft(notAfter, now), 'day')}: renew it with \`core-provisioner certs renew\``
  return undefined
}

/** What to say about the authorities whose clients are let in: one that has ended, or is none, lets in nobody. */
export function authorityWarnings (text: string, file: string, now: number): string[] {
  const authorities = certificateBlocks(text).map(block => parseCertificate(block, file))
  const cutOff = isCutOff(text) ? [`${file} is cut off: a certificate in it has no end, and clients that this authority signed are refused`] : []
  return [...cutOff, ...authorities.flatMap(authority => {
    const { subject, issuer, notBefore, notAfter, isAuthority } = describeCertificate(authority)
    if (!isAuthority && subject !== issuer) return [`${subject} in ${file} is no authority (basic constraints): clients that it signed are refused`]
    // OpenSSL follows a chain to one that signed itself.
    if (subject !== issuer && !authorities.some(other => issuedBy(authority, other))) {
      return [`the authority ${subject} in ${file} was signed by ${issuer}, which is not in that file: its clients are refused until it is added`]
    }
    if (now < notBefore) return [`the authority ${subject} in ${file} begins only on ${formatDay(notBefore)}: its clients are refused until then; check this machine's clock`]
    if (notAfter - now >= expiryWarning) return []
    const when = notAfter < now ? `ended on ${formatDay(notAfter)}: its clients are refused` : `ends on ${formatDay(notAfter)}, in ${counted(daysLeft(notAfter, now), 'day')}`
    return [`the authority ${subject} in ${file} ${when}; \`core-provisioner certs init --force\` makes a new one, and then every client needs the new ca.crt`]
  })]
}

/** Who made what, for people: one sentence on the server's certificate, one on the authorities whose clients are let in. */
export function whoSigned (
  certificate: X509Certificate, authorities: string, files: { readonly certFile: string, readonly caFile: string | undefined }
): string[] {
  const { subject, issuer, names, notAfter } = describeCertificate(certificate)
  const selfSigned = subject === issuer
  const whom = names.length === 0 ? '' : ` for ${names.map(name => name.value).join(', ')}`
  const said = [`${files.certFile} is ${subject}${whom}, signed by ${selfSigned ? 'itself' : issuer}, good until ${formatDay(notAfter)}`]
  if (files.caFile === undefined) return said
  const signers = certificateBlocks(authorities).map(block => new X509Certificate(block))
  const ours = signers.some(signer => issuedBy(certificate, signer))
  return [...said, `clients are let in that were signed by ${signers.map(signer => describeCertificate(signer).subject).join(', or by ')} (${files.caFile})${ours ? ', which signed the server too' : ''}`]
}

/** By name and by signature. */
export const issuedBy = (certificate: X509Certificate, authority: X509Certificate): boolean =>
  certificate.checkIssued(authority) && certificate.verify(authority.publicKey)

/** Whether it is for that name or address, as a client would say. */
export function covers (certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name, { subject: 'never' }) : certificate.checkIP(name)) !== undefined
}
