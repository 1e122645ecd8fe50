// What Ignition 2 and 3 ask alike. The messages are Ignition's, because that is what people search for; undefined is no complaint.
import { extension } from '../go/path.js'
import { byteLength } from '../go/string.js'
import { GoUrlError, parseGoUrl, queryValues } from '../go/url.js'
import type { GoUrl } from '../go/url.js'

const guid = /^(|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})$/
export const checkGuid = (text: string): string | undefined =>
  guid.test(text) ? undefined : 'doesn\'t match the form "01234567-89AB-CDEF-EDCB-A98765432101"'

/** 36 UTF-16 units fit into a GPT entry; Ignition counts bytes. */
export const longPartitionLabel = (label: string): string | undefined =>
  byteLength(label) > 36 ? 'partition labels may not exceed 36 characters' : undefined
export const colonInLabel = (label: string): string | undefined =>
  label.includes(':') ? 'partition label will be truncated to text before the colon' : undefined

const labelLimits = { ext4: 16, btrfs: 256, xfs: 12, swap: 15, vfat: 11 } as const
export const isFormat = (format: string): format is keyof typeof labelLimits => Object.hasOwn(labelLimits, format)

export const longFilesystemLabel = (label: string, format: string): string | undefined =>
  isFormat(format) && byteLength(label) > labelLimits[format]
    ? `filesystem labels cannot be longer than ${labelLimits[format]} characters when using ${format}`
    : undefined

const striped = new Set(['linear', 'raid0', '0', 'stripe'])
const redundant = new Set(['raid1', '1', 'mirror', 'raid4', '4', 'raid5', '5', 'raid6', '6', 'raid10', '10'])
export const raidLevel = (level: string): 'striped' | 'redundant' | undefined =>
  striped.has(level) ? 'striped' : redundant.has(level) ? 'redundant' : undefined

const extensions = {
  'systemd unit': '.service .socket .device .mount .automount .swap .target .path .timer .snapshot .slice .scope',
  'systemd drop-in': '.conf',
  'networkd unit': '.link .netdev .network',
  'networkd drop-in': '.conf'
}
export const checkExtension = (name: string, what: keyof typeof extensions): string | undefined =>
  extensions[what].split(' ').includes(extension(name)) ? undefined : `invalid ${what} extension`

export const uselessEnable = (name: string): string => `unit ${name} is enabled, but has no install section so enable does nothing`

export const illegalMode = (mode: bigint | undefined): string | undefined =>
  mode !== undefined && (mode < 0n || mode > 0o7777n) ? 'illegal file mode' : undefined

export const checkCompression = (compression: string): string | undefined =>
  compression === '' || compression === 'gzip' ? undefined : 'invalid compression method'

export const checkOwner = ({ id, name }: { readonly id: bigint | undefined, readonly name: string | undefined }): string | undefined =>
  id !== undefined && name ? 'cannot set both id and name' : undefined

const hexDigits: Readonly<Record<string, number>> = { sha512: 128, sha256: 64 }

/** @param functions those that the spec knows */
export const checkHash = (hash: string, functions: readonly string[]): string | undefined => {
  const dash = hash.indexOf('-')
  if (dash === -1) return 'malformed hash specifier'
  const name = hash.slice(0, dash)
  if (!functions.includes(name)) return 'unrecognized hash function'
  return byteLength(hash.slice(dash + 1)) === hexDigits[name] ? undefined : 'incorrect size for hash sum'
}

export const badUrl = 'unable to parse url'

/** undefined when it is no URL. */
export const parseUrl = (text: string): GoUrl | undefined => {
  try {
    return parseGoUrl(text)
  } catch (error) {
    if (error instanceof GoUrlError) return undefined
    throw error
  }
}

export const emptyVersionId = ({ rawQuery }: GoUrl): string | undefined =>
  queryValues(rawQuery, 'versionId')[0] === '' ? 'invalid S3 object VersionId' : undefined
