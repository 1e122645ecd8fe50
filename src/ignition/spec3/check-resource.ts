// What Ignition demands of things that are fetched and of its own section (config/v3_*/types: resource.go, verification.go,
// headers.go, proxy.go, ignition.go, tls.go, and file.go and ca.go of 3.0).
import { checkHeaderUrl, checkProxyUrl, checkUrl, checkUrlUnlessEmpty } from './urls.js'
import type { Check } from './checks.js'
import type { Spec } from './schema.js'
import type { HttpHeader, IgnitionConfig, Proxy, Resource, Tls, Verification } from './types.js'

export const checkResource: Check<Resource> = ({ compression, verification, source, httpHeaders = [] }, report, spec) => {
  if (compression !== undefined && compression !== '' && compression !== 'gzip') report.error(['compression'], 'invalid compression method')
  if (verification.hash !== undefined && source === undefined) {
    report.error(['verification', 'hash'], 'source must be specified if verification is specified')
  }
  report.error(['source'], checkUrlUnlessEmpty(source, spec))
  if (httpHeaders.length > 0) report.error(['httpHeaders'], checkHeaderUrl(source))
}

/** 3.0's reference to another config. */
export const checkConfigReference: Check<Resource> = ({ source }, report, spec) => report.error(['source'], checkUrlUnlessEmpty(source, spec))

/** 3.0's certificate, which has to come from somewhere. */
export const checkCaReference: Check<Resource> = ({ source = '' }, report, spec) => report.error(['source'], checkUrl(source, spec))

const requiredSource = ({ source }: Resource, spec: Spec): string | undefined => source ? checkUrl(source, spec) : 'source is required'

export const checkIgnitionConfig: Check<IgnitionConfig> = ({ merge = [] }, report, spec) => {
  if (spec > 0) merge.forEach((resource, i) => report.error(['merge', i], requiredSource(resource, spec)))
}

export const checkTls: Check<Tls> = ({ certificateAuthorities = [] }, report, spec) => {
  if (spec > 0) certificateAuthorities.forEach((ca, i) => report.error(['certificateAuthorities', i], requiredSource(ca, spec)))
}

const hexDigits: Readonly<Record<string, number>> = { sha512: 128, sha256: 64 }

const checkHash = (hash: string, spec: Spec): string | undefined => {
  const dash = hash.indexOf('-')
  if (dash === -1) return 'malformed hash specifier'
  const name = hash.slice(0, dash)
  const digits = Object.hasOwn(hexDigits, name) && (spec > 0 || name === 'sha512') ? hexDigits[name] : undefined
  if (digits === undefined) return 'unrecognized hash function'
  return Buffer.byteLength(hash.slice(dash + 1)) === digits ? undefined : 'incorrect size for hash sum'
}

export const checkVerification: Check<Verification> = ({ hash }, report, spec) => {
  if (hash !== undefined) report.error(['hash'], checkHash(hash, spec))
}

export const checkHeader: Check<HttpHeader> = ({ name, value }, report) => {
  if (name === '') report.error(['name'], "HTTP header name can't be empty")
  if (value === '') report.error(['value'], 'unable to parse HTTP header')
}

export const checkProxy: Check<Proxy> = (proxy, report) => {
  for (const name of ['httpProxy', 'httpsProxy'] as const) {
    const url = proxy[name]
    if (url === undefined) continue
    const { error, insecure } = checkProxyUrl(url)
    report.error([name], error)
    if (insecure === true && name === 'httpsProxy') report.warning([name], 'insecure plaintext HTTP proxy specified for HTTPS resources')
  }
}
