// Whose certificates a publisher may show: the authorities that Node knows, those of the system, and those of images.ca_file.
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls'
import { AppError, messageOf } from '../base/errors.js'
import { readWhole } from '../disk/whole-file.js'
import type { ProxyEnvironment } from './proxy.js'

/** Where Debian, Red Hat and Alpine keep theirs, in one file. */
const systemFiles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem']

export interface TrustOptions {
  /** PEM; '' for none. */
  readonly caFile: string
  /** What its key is called, with its place. */
  readonly caKey: string
  /** Where SSL_CERT_FILE and NODE_EXTRA_CA_CERTS may name further ones. */
  readonly env: ProxyEnvironment
  /** What of those cannot be used, and is left out. */
  readonly onProblem?: (text: string) => void
}

const variables = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'] as const

/**
 * What is trusted, for whom it is needed: some three hundred certificates take a tenth of a second to parse, and plain HTTP shows none.
 * AppError read_failed or certificate_invalid names the file.
 */
export async function openTrust ({ caFile, caKey, env, onProblem = () => {} }: TrustOptions): Promise<() => SecureContext> {
  const system = await Promise.all(systemFiles.map(file => readWhole(file, 'collections').then(String, () => '')))
  const named = await Promise.all(variables.map(async variable => {
    const file = env[variable] ?? ''
    if (file === '') return []
    try {
      const found = certificatesIn((await readWhole(file, 'collections')).toString())
      if (found.length === 0) onProblem(`${variable}: ${file} holds no certificate in PEM`)
      return found
    } catch (error) {
      onProblem(`${variable}: cannot read ${file}: ${messageOf(error)}`)
      return []
    }
  }))
  const known = new Set([...rootCertificates, ...system.flatMap(certificatesIn), ...named.flat()])
  if (caFile !== '') {
    const text = (await readWhole(caFile, 'collections').catch((error: unknown) => {
      throw new AppError('read_failed', `${caKey}: cannot read ${caFile}: ${messageOf(error)}`)
    })).toString()
    const own = certificatesIn(text)
    if (own.length === 0) throw new AppError('certificate_invalid', `${caKey}: ${caFile} holds no certificate in PEM`)
    try {
      createSecureContext({ ca: [...own] })
    } catch (error) {
      throw new AppError('certificate_invalid', `${caKey}: ${caFile}: ${messageOf(error)}`)
    }
    for (const certificate of own) known.add(certificate)
  }
  let context: SecureContext | undefined
  return () => {
    context ??= createSecureContext({ ca: [...known] })
    return context
  }
}

const certificatesIn = (text: string): readonly string[] =>
  text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g)?.filter(pem => !pem.includes('TRUSTED')) ?? []
