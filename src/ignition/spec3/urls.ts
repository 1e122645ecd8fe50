// Which URLs an Ignition 3 spec takes (config/v3_*/types/url.go, tang.go, proxy.go).
import { readDataUrl } from '../data-url.js'
import { badUrl, emptyVersionId, parseUrl } from '../shared-rules.js'
import type { GoUrl } from '../../go/url.js'
import type { Spec } from './schema.js'

const badScheme = 'invalid url scheme'
const badArn = 'invalid S3 ARN format'

const schemes: Readonly<Record<string, Spec>> = { http: 0, https: 0, tftp: 0, gs: 2 }

const checkArn = (text: string, url: GoUrl): string | undefined => {
  const arn = /^[^?#]*/.exec(text)?.[0] ?? ''
  // arn:partition:service:region:account:resource, where the resource may hold more colons.
  const [, , service, , , ...resource] = arn.split(':')
  if (resource.length === 0 || service !== 's3') return badArn
  const needed = resource.join(':').startsWith('accesspoint/') ? 3 : 2
  if (arn.split('/').length < needed) return badArn
  return emptyVersionId(url)
}

/** What is wrong with the URL of a resource; undefined when nothing is. */
export const checkUrl = (text: string, spec: Spec): string | undefined => {
  const url = parseUrl(text)
  if (url === undefined) return badUrl
  const since = Object.hasOwn(schemes, url.scheme) ? schemes[url.scheme] : undefined
  if (since !== undefined && spec >= since) return undefined
  if (url.scheme === 's3') return emptyVersionId(url)
  if (url.scheme === 'arn' && spec >= 4) return checkArn(text, url)
  if (url.scheme !== 'data') return badScheme
  const read = readDataUrl(text)
  return read.ok ? undefined : read.problem
}

export const checkUrlUnlessEmpty = (text: string | undefined, spec: Spec): string | undefined => text ? checkUrl(text, spec) : undefined

export const checkTangUrl = (text: string): string | undefined => {
  const url = parseUrl(text)
  if (url === undefined) return badUrl
  return url.scheme === 'http' || url.scheme === 'https' ? undefined : badScheme
}

/** HTTP headers can be sent to a web server only. */
export const checkHeaderUrl = (text: string | undefined): string | undefined => {
  const url = text ? parseUrl(text) : undefined
  if (url === undefined) return badUrl
  return url.scheme === 'http' || url.scheme === 'https' ? undefined : 'cannot use HTTP headers with this source scheme'
}

export const checkProxyUrl = (text: string): { readonly error?: string, readonly insecure?: boolean } => {
  const url = parseUrl(text)
  if (url === undefined) return { error: badUrl }
  if (url.scheme !== 'http' && url.scheme !== 'https') return { error: 'proxies must be http(s)' }
  return { insecure: url.scheme === 'http' }
}
