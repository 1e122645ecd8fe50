// What Ignition demands of disks, partitions, filesystems, RAID arrays and LUKS volumes (config/v3_*/types: disk.go,
// partition.go, filesystem.go, raid.go, luks.go, clevis.go, tang.go).
import { byteLength } from '../../go/string.js'
import { checkPath } from './paths.js'
import { checkTangUrl, checkUrlUnlessEmpty } from './urls.js'
import { clevisCustom, device, disk, filesystem, luks, oldClevisCustom, partition, raid, tang } from './schema.js'
import { checkGuid, colonInLabel, isFormat, longFilesystemLabel, longPartitionLabel, raidLevel } from '../shared-rules.js'
import { rule } from '../validate.js'
import type { Findings, Rule } from '../validate.js'
import type { Disk, Filesystem, Luks, Partition, Spec, Tang } from './schema.js'

export const checkDisk = ({ device, partitions }: Disk, report: Findings): void => {
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

const checkPartition = (partition: Partition, report: Findings): void => {
  const { label, typeGuid, startMiB, sizeMiB } = partition
  const others = label !== undefined || startMiB !== undefined || sizeMiB !== undefined || Boolean(typeGuid) || Boolean(partition.guid)
  if (partition.shouldExist === false && others) report.error([], 'shouldExist specified false with other options also specified')
  if (partition.number === 0n && label === undefined) report.error([], 'a partition number >= 1 or a label must be specified')
  if (label !== undefined) {
    const long = longPartitionLabel(label)
    report.error(['label'], long ?? colonInLabel(label))
  }
  for (const name of ['guid', 'typeGuid'] as const) {
    const id = partition[name]
    if (id !== undefined) report.error([name], checkGuid(id))
  }
}

const checkFormat = (filesystem: Filesystem, spec: Spec): string | undefined => {
  const { format, path, label, uuid, wipeFilesystem, mountOptions = [], options } = filesystem
  if (format) return isFormat(format) || (format === 'none' && spec >= 3) ? undefined : 'invalid filesystem format'
  return path || label || uuid || wipeFilesystem === true || mountOptions.length > 0 || options.length > 0
    ? 'format cannot be empty when path, label, uuid, wipeFilesystem, options, or mountOptions is specified'
    : undefined
}

const checkFilesystem = (filesystem: Filesystem, report: Findings, spec: Spec): void => {
  const { path, device, format, label } = filesystem
  if (path) report.error(['path'], checkPath(path))
  report.error(['device'], checkPath(device))
  report.error(['format'], checkFormat(filesystem, spec))
  if (!label) return
  report.error(['label'], format ? longFilesystemLabel(label, format) : 'filesystem must specify format if label is specified')
}

type Clevis = NonNullable<Luks['clevis']>

const hasPins = ({ tang, tpm2, threshold = 0n }: Clevis): boolean => tang.length > 0 || tpm2 === true || threshold !== 0n
const isUsed = (clevis: Clevis): boolean => hasPins(clevis) || Boolean(clevis.custom?.pin)
const customWithOthers = (clevis: Clevis, spec: Spec): boolean =>
  (spec >= 3 ? Boolean(clevis.custom?.pin) : clevis.custom !== undefined) && hasPins(clevis)

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

interface Custom { readonly pin: string | undefined, readonly config: string | undefined, readonly needsNetwork: boolean | undefined }

const checkCustom = ({ pin, config, needsNetwork }: Custom, report: Findings, spec: Spec): void => {
  if (!pin && !config && (spec < 3 || needsNetwork !== true)) return
  if (!pin && spec >= 3) report.error(['pin'], 'missing required custom clevis pin')
  else if (spec < 6 && pin !== 'tpm2' && pin !== 'tang' && pin !== 'sss') report.error(['pin'], 'unsupported clevis pin')
  if (!config) report.error(['config'], 'missing required custom clevis config')
}

const checkTang = ({ url, thumbprint, advertisement }: Tang, report: Findings): void => {
  report.error(['url'], checkTangUrl(url))
  if (!thumbprint) report.error(['thumbprint'], 'thumbprint is required')
  if (advertisement && !isJson(advertisement)) report.error(['advertisement'], 'advertisement is not valid JSON')
}

export const diskRules: ReadonlyArray<Rule<Spec>> = [
  rule(disk, checkDisk),
  rule(partition, checkPartition),
  rule(filesystem, checkFilesystem),
  rule(raid, ({ level = '', spares = 0n, devices }, report, spec: Spec) => {
    const kind = raidLevel(level)
    if (level === '' && spec >= 3) report.error(['level'], 'raid level is required')
    else if (kind === undefined) report.error(['level'], 'unrecognized raid level')
    else if (kind === 'striped' && spares !== 0n) report.error(['level'], 'spares unsupported for linear and raid0 arrays')
    if (devices.length === 0) report.error(['devices'], 'raid devices required')
  }),
  rule(device, (path, report) => report.error([], checkPath(path))),
  rule(luks, ({ name, label, device, cex, clevis, keyFile }, report, spec: Spec) => {
    if (name.includes('/')) report.error(['name'], 'device names cannot contain slashes')
    if (label !== undefined && byteLength(label) > 47) report.error(['label'], 'luks device labels cannot be longer than 47 characters')
    report.error(['device'], device ? checkPath(device) : 'disk device is required')
    if (clevis !== undefined && customWithOthers(clevis, spec)) {
      report.error(['clevis'], 'cannot use custom clevis config with tpm2, tang, or threshold')
    }
    if (cex?.enabled === true) {
      if (clevis !== undefined && isUsed(clevis)) report.error(['cex'], 'cannot use cex with clevis')
      if (keyFile.source !== undefined) report.error(['cex'], 'cannot use key file with cex')
    }
    if (checkUrlUnlessEmpty(keyFile.source, spec) !== undefined) report.error(['keys'], 'invalid key-file source')
  }),
  rule(clevisCustom, checkCustom),
  rule(oldClevisCustom, checkCustom),
  rule(tang, checkTang)
]
