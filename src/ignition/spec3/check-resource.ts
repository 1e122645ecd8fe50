// What Ignition demands of things that are fetched and of its own section (config/v3_*/types: resource.go, verification.go,
// headers.go, proxy.go, ignition.go, tls.go, and file.go and ca.go of 3.0).
import { checkCompression, checkHash } from '../shared-rules.js'
import { rule } from '../validate.js'
import { caReference, configReference, fileContents, httpHeader, ignitionConfig, proxy, resource, tls, verification } from './schema.js'
import { checkHeaderUrl, checkProxyUrl, checkUrl, checkUrlUnlessEmpty } from './urls.js'
import type { Findings, Rule } from '../validate.js'
import type { Resource, Spec } from './schema.js'

const checkResource = ({ compression = '', verification, source, httpHeaders = [] }: Resource, report: Findings, spec: Spec): void => {
  report.error(['compression'], checkCompression(compression))
  if (verification.hash !== undefined && source === undefined) {
    report.error(['verification', 'hash'], 'source must be specified if verification is specified')
  }
  report.error(['source'], checkUrlUnlessEmpty(source, spec))
  if (httpHeaders.length > 0) report.error(['httpHeaders'], checkHeaderUrl(source))
}

const requiredSource = ({ source }: { readonly source: string | undefined }, spec: Spec): string | undefined =>
  source ? checkUrl(source, spec) : 'source is required'

export const resourceRules: ReadonlyArray<Rule<Spec>> = [
  rule(resource, checkResource),
  rule(fileContents, checkResource),
  rule(configReference, ({ source }, report, spec: Spec) => report.error(['source'], checkUrlUnlessEmpty(source, spec))),
  rule(caReference, ({ source }, report, spec: Spec) => report.error(['source'], checkUrl(source, spec))),
  rule(ignitionConfig, ({ merge }, report, spec: Spec) => {
    if (spec > 0) merge.forEach((resource, i) => report.error(['merge', i], requiredSource(resource, spec)))
  }),
  rule(tls, ({ certificateAuthorities }, report, spec: Spec) => {
    if (spec > 0) certificateAuthorities.forEach((ca, i) => report.error(['certificateAuthorities', i], requiredSource(ca, spec)))
  }),
  rule(verification, ({ hash }, report, spec: Spec) => {
    if (hash !== undefined) report.error(['hash'], checkHash(hash, spec > 0 ? ['sha512', 'sha256'] : ['sha512']))
  }),
  rule(httpHeader, ({ name, value }, report) => {
    if (name === '') report.error(['name'], "HTTP header name can't be empty")
    if (value === '') report.error(['value'], 'unable to parse HTTP header')
  }),
  rule(proxy, (proxies, report) => {
    for (const name of ['httpProxy', 'httpsProxy'] as const) {
      const url = proxies[name]
      if (url === undefined) continue
      const { error, insecure } = checkProxyUrl(url)
      report.error([name], error)
      if (insecure === true && name === 'httpsProxy') report.warning([name], 'insecure plaintext HTTP proxy specified for HTTPS resources')
    }
  })
]
