// Why no connection to a member came about, for whoever configured it: gRPC, OpenSSL and Node.js each say it in words of their own, some
// with an address in memory or the time in them.
import { X509Certificate } from 'node:crypto'
import type { TlsTexts } from './tls-files.js'

export interface ConnectionTried {
  /** `https://10.0.0.11:2379`. */
  readonly endpoint: string
  /** What is shown and believed, where there is TLS. */
  readonly tls: TlsTexts | undefined
}

interface Failed extends ConnectionTried {
  /** Whether there was a connection, whose call then failed. */
  readonly wasConnected: boolean
}

type Words = (found: RegExpExecArray, failed: Failed) => string | undefined

const rounded = (seconds: string): number => Math.round(Number(seconds) * 10) / 10

const noTls = 'it hangs up before TLS has begun: http:// may be meant'

const table: ReadonlyArray<readonly [said: RegExp, words: Words]> = [
  [/alert (?:bad certificate|certificate (?:required|expired|revoked|unknown)|unknown ca|unsupported certificate|handshake failure|access denied)/, ([alert], { tls }) =>
    tls?.cert == null
      ? `it asks for a client certificate: cluster.etcd.cert_file and key_file are needed (TLS ${alert})`
      : `it does not take the certificate in cluster.etcd.cert_file${datesOf(tls.cert)} (TLS ${alert})`],
  [/unable to verify the first certificate|self[- ]signed certificate|unable to get (?:local )?issuer certificate/, (_, { tls }) =>
    tls?.ca == null
      ? 'its certificate is of no authority that this system trusts: cluster.etcd.ca_file is needed'
      : 'its certificate is of none of the authorities in cluster.etcd.ca_file'],
  [/certificate has expired/, () => 'its certificate has expired, by the clock here'],
  [/certificate is not yet valid/, () => 'its certificate is not valid yet, by the clock here'],
  [/Hostname\/IP does not match certificate's altnames: (.*)/, ([, why = '']) => `its certificate is for other names: ${why}`],
  [/before secure TLS connection was established|wrong version number|packet length too long/, () => noTls],
  // What the system makes of the same when the other end has not read all before it hangs up.
  [/^(?:read|write) (?:ECONNRESET|EPIPE)$/, (_, { endpoint, wasConnected }) => endpoint.startsWith('https:') && !wasConnected ? noTls : undefined],
  [/^Failed to connect$/, (_, { endpoint }) => endpoint.startsWith('http:') ? 'it hangs up on what is not TLS: https:// may be meant' : undefined],
  [/^Deadline exceeded after ([\d.]+)s,waiting for name resolution/, ([, seconds = '']) => `its name does not resolve (no answer within ${rounded(seconds)} s)`],
  [/^Deadline exceeded after ([\d.]+)s/, ([, seconds = '']) => `no answer within ${rounded(seconds)} s`]
]

/** `said`: gRPC's words, of one failure. */
export function connectionWords (said: string, tried: ConnectionTried): string {
  const failed = { ...tried, wasConnected: !said.startsWith('No connection established.') }
  const plain = said
    .replace(/\.? Resolution note: $/, '')
    .replace(/\(\d{4}-\d\d-\d\dT[\d:.]+Z\)$/, '')
    .replace(/^No connection established\. Last error: (?:Error: )?/, '')
    .trim()
  for (const [pattern, words] of table) {
    const found = pattern.exec(plain)
    const told = found === null ? undefined : words(found, failed)
    if (told !== undefined) return told
  }
  return plain.replaceAll(/\s+/g, ' ')
}

/** What is wrong with a certificate by its dates alone. */
function datesOf (pem: Buffer): string {
  try {
    const { validFrom, validTo } = new X509Certificate(pem)
    const now = Date.now()
    if (Date.parse(validTo) < now) return `, which expired on ${dayOf(validTo)}`
    return Date.parse(validFrom) > now ? `, which is good from ${dayOf(validFrom)} on` : ''
  } catch {
    return ''
  }
}

const dayOf = (text: string): string => new Date(text).toISOString().slice(0, 10)
