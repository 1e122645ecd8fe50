// Versions as coreos/go-semver reads them in etcd's and flannel's sections: three dotted numbers, then -prerelease and +metadata.
import { goQuote } from '../../go/quote.js'
import { custom, string } from '../schema.js'
import type { CustomType } from '../schema.js'

export interface SemanticVersion {
  readonly major: bigint
  readonly minor: bigint
  readonly patch: bigint
  readonly preRelease: string
  readonly metadata: string
}

const noVersion: SemanticVersion = { major: 0n, minor: 0n, patch: 0n, preRelease: '', metadata: '' }

export const versionType = (goType: string): CustomType<SemanticVersion> => custom({
  goType,
  zero: () => noVersion,
  decode: ({ as, fail }) => parseVersion(as(string()), fail)
})

function parseVersion (text: string, fail: (message: string) => never): SemanticVersion {
  const [beforePlus = '', metadata = ''] = splitOnce(text, '+')
  const [dotted = '', preRelease = ''] = splitOnce(beforePlus, '-')
  const [major, minor, ...rest] = dotted.split('.')
  if (major === undefined || minor === undefined || rest.length === 0) return fail(`${dotted} is not in dotted-tri format`)
  const number = (part: string): bigint => {
    const reason = (why: string): string => `strconv.ParseInt: parsing ${goQuote(part)}: ${why}`
    if (!/^[-+]?[0-9]+$/.test(part)) return fail(reason('invalid syntax'))
    const digits = part.replace(/^[-+]?0*/, '')
    const magnitude = BigInt(digits.slice(0, 20))
    const value = part.startsWith('-') ? -magnitude : magnitude
    return digits.length <= 20 && BigInt.asIntN(64, value) === value ? value : fail(reason('value out of range'))
  }
  return { major: number(major), minor: number(minor), patch: number(rest.join('.')), preRelease, metadata }
}

function splitOnce (text: string, separator: string): string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

/** Whether it comes before the release `major`.`minor`.0. */
export function isBefore (version: SemanticVersion, major: bigint, minor: bigint): boolean {
  if (version.major !== major) return version.major < major
  if (version.minor !== minor) return version.minor < minor
  return version.patch < 0n || (version.patch === 0n && version.preRelease !== '')
}

export const versionText = ({ major, minor, patch, preRelease, metadata }: SemanticVersion): string =>
  `${major}.${minor}.${patch}${preRelease === '' ? '' : `-${preRelease}`}${metadata === '' ? '' : `+${metadata}`}`
