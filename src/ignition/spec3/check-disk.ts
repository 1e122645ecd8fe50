// What Ignition demands of disks, partitions, filesystems, RAID arrays and LUKS volumes (config/v3_*/types: disk.go,
// partition.go, filesystem.go, raid.go, luks.go, clevis.go, tang.go).
import { checkPath } from './paths.js'
import { checkTangUrl, checkUrlUnlessEmpty } from './urls.js'
import type { Check } from './checks.js'
import type { Spec } from './schema.js'
import type { Clevis, Custom, Disk, Filesystem, Luks, Partition, Raid, Tang } from './types.js'

const guid = /^(|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})$/
const bytes = (text: string): number => Buffer.byteLength(text)

export const checkDisk: Check<Disk> = ({ device, partitions = [] }, report) => {
  if (device === '') return report.error(['device'], 'disk device is required')
  report.error(['device'], checkPath(device))
  const finding = (index: number, message: string): void => { if (index !== -1) report.error(['partitions', index], message) }
  finding(repeated(partitions, ({ number }) => number === 0n ? undefined : number), 'partition numbers collide')
  finding(overlapping(partitions), 'partitions overlap')
  // The words speak of start or size 0, but Ignition tests the number.
  if (partitions.some(({ number }) => number === 0n) && partitions.some(({ shouldExist }) => shouldExist === false)) {
    report.error(['partitions'], 'shouldExist is false for a partition and other partition(s) has start or size 0')
  }
  finding(repeated(partitions, ({ label }) => label), 'cannot use the same partition label twice')
}

/** The first partition whose key an earlier one has; -1 when all differ. */
const repeated = (partitions: readonly Partition[], key: (partition: Partition) => string | bigint | undefined): number => {
  const seen = new Set<string | bigint>()
  return partitions.findIndex(partition => {
    const own = key(partition)
    if (own === undefined) return false
    if (seen.has(own)) return true
    seen.add(own)
    return false
  })
}

interface Extent { readonly index: number, readonly first: bigint, readonly last: bigint }

// A start of 0 is placed by the partitioner, so only explicit ones can be held against each other; a negative size, which
// Ignition takes, reaches back from the start.
const extentOf = ({ startMiB: start, sizeMiB: size }: Partition, index: number): readonly Extent[] => {
  if (start === undefined || size === undefined || start === 0n) return []
  const end = size === 0n ? start : start + size - 1n
  return [end < start ? { index, first: end, last: start } : { index, first: start, last: end }]
}

/** Of the first partition that overlaps another, the first such other; -1 when none do. Sorted first: a config may list thousands. */
const overlapping = (partitions: readonly Partition[]): number => {
  const extents = partitions.flatMap(extentOf)
  const sorted = extents.toSorted((a, b) => a.first < b.first ? -1 : a.first > b.first ? 1 : a.index - b.index)
  let reach: bigint | undefined
  const clashing = sorted.filter(({ first, last }, i) => {
    const next = sorted[i + 1]
    const clashes = (reach !== undefined && reach >= first) || (next !== undefined && next.first <= last)
    if (reach === undefined || last > reach) reach = last
    return clashes
  })
  if (clashing.length === 0) return -1
  const one = clashing.reduce((a, b) => a.index < b.index ? a : b)
  return extents.find(other => other !== one && other.first <= one.last && other.last >= one.first)?.index ?? -1
}

export const checkPartition: Check<Partition> = (partition, report) => {
  const { label, typeGuid, startMiB, sizeMiB } = partition
  const others = label !== undefined || startMiB !== undefined || sizeMiB !== undefined || Boolean(typeGuid) || Boolean(partition.guid)
  if (partition.shouldExist === false && others) report.error([], 'shouldExist specified false with other options also specified')
  if (partition.number === 0n && label === undefined) report.error([], 'a partition number >= 1 or a label must be specified')
  if (label !== undefined) {
    // 36 UTF-16 units fit into a GPT entry; Ignition counts bytes.
    if (bytes(label) > 36) report.error(['label'], 'partition labels may not exceed 36 characters')
    else if (label.includes(':')) report.error(['label'], 'partition label will be truncated to text before the colon')
  }
  for (const name of ['guid', 'typeGuid'] as const) {
    const id = partition[name]
    if (id !== undefined && !guid.test(id)) report.error([name], 'doesn\'t match the form "01234567-89AB-CDEF-EDCB-A98765432101"')
  }
}

const labelLimits: Readonly<Record<string, number>> = { ext4: 16, btrfs: 256, xfs: 12, swap: 15, vfat: 11 }

const checkFormat = (filesystem: Filesystem, spec: Spec): string | undefined => {
  const { format, path, label, uuid, wipeFilesystem, mountOptions = [], options = [] } = filesystem
  if (format) return Object.hasOwn(labelLimits, format) || (format === 'none' && spec >= 3) ? undefined : 'invalid filesystem format'
  return path || label || uuid || wipeFilesystem === true || mountOptions.length > 0 || options.length > 0
    ? 'format cannot be empty when path, label, uuid, wipeFilesystem, options, or mountOptions is specified'
    : undefined
}

export const checkFilesystem: Check<Filesystem> = (filesystem, report, spec) => {
  const { path, device, format, label } = filesystem
  if (path) report.error(['path'], checkPath(path))
  report.error(['device'], checkPath(device))
  report.error(['format'], checkFormat(filesystem, spec))
  if (!label) return
  if (!format) return report.error(['label'], 'filesystem must specify format if label is specified')
  const limit = Object.hasOwn(labelLimits, format) ? labelLimits[format] : undefined
  if (limit !== undefined && bytes(label) > limit) {
    report.error(['label'], `filesystem labels cannot be longer than ${limit} characters when using ${format}`)
  }
}

const striped = new Set(['linear', 'raid0', '0', 'stripe'])
const redundant = new Set(['raid1', '1', 'mirror', 'raid4', '4', 'raid5', '5', 'raid6', '6', 'raid10', '10'])

export const checkRaid: Check<Raid> = ({ level = '', spares = 0n, devices = [] }, report, spec) => {
  if (level === '' && spec >= 3) report.error(['level'], 'raid level is required')
  else if (striped.has(level)) report.error(['level'], spares === 0n ? undefined : 'spares unsupported for linear and raid0 arrays')
  else if (!redundant.has(level)) report.error(['level'], 'unrecognized raid level')
  if (devices.length === 0) report.error(['devices'], 'raid devices required')
}

export const checkDevice = (device: string): string | undefined => checkPath(device)

const customWithOthers = ({ custom, tang = [], tpm2, threshold = 0n }: Clevis, spec: Spec): boolean =>
  (spec >= 3 ? Boolean(custom?.pin) : custom !== undefined) && (tang.length > 0 || tpm2 === true || threshold !== 0n)

export const checkLuks: Check<Luks> = ({ name, label, device, clevis, keyFile }, report, spec) => {
  if (name.includes('/')) report.error(['name'], 'device names cannot contain slashes')
  if (label !== undefined && bytes(label) > 47) report.error(['label'], 'luks device labels cannot be longer than 47 characters')
  report.error(['device'], device ? checkPath(device) : 'disk device is required')
  if (clevis !== undefined && customWithOthers(clevis, spec)) {
    report.error(['clevis'], 'cannot use custom clevis config with tpm2, tang, or threshold')
  }
  if (checkUrlUnlessEmpty(keyFile.source, spec) !== undefined) report.error(['keys'], 'invalid key-file source')
}

export const checkCustom: Check<Custom> = ({ pin, config, needsNetwork }, report, spec) => {
  if (!pin && !config && (spec < 3 || needsNetwork !== true)) return
  if (!pin && spec >= 3) report.error(['pin'], 'missing required custom clevis pin')
  else if (pin !== 'tpm2' && pin !== 'tang' && pin !== 'sss') report.error(['pin'], 'unsupported clevis pin')
  if (!config) report.error(['config'], 'missing required custom clevis config')
}

export const checkTang: Check<Tang> = ({ url, thumbprint, advertisement }, report) => {
  report.error(['url'], checkTangUrl(url))
  if (!thumbprint) report.error(['thumbprint'], 'thumbprint is required')
  if (advertisement && !isJson(advertisement)) report.error(['advertisement'], 'advertisement is not valid JSON')
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
