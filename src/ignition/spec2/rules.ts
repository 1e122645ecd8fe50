// What Ignition 2.2.0 asks of a config. ct 0.9.0 was built with an Ignition of 2018, Matchbox 0.9.0 with one of 2019; they differ
// in two rules, which `Flavour` tells apart.
import { goQuote } from '../../go/quote.js'
import { goBytes } from '../../go/string.js'
import { parseGoUrl, queryValues, GoUrlError } from '../../go/url.js'
import { readDataUrl } from '../data-url.js'
import { errorIf, errorRemark, rule, warningRemark } from '../validate.js'
import {
  caReference2, config2, configReference2, directory2, disk2, file2, fileContents2, filesystem2, link2, mount2, networkdDropin2,
  networkdUnit2, nodeGroup2, nodeUser2, partition2, passwdUser2, raid2, systemdDropin2, systemdUnit2, verification2
} from './schema.js'
import { readUnitContent } from '../unit-content.js'
import type { Config2, Disk2, Partition2, SystemdUnit2, Verification2 } from './schema.js'
import type { Remark, Rule } from '../validate.js'

/** Whose Ignition: that of the `ct` 0.9.0 program, or the one in Matchbox 0.9.0. */
export type Flavour = 'ct' | 'matchbox'

const pathRelative = 'path not absolute'
const checkPath = (path: string): Remark[] => errorIf(!path.startsWith('/'), pathRelative)

const checkMode = (mode: bigint | undefined): Remark[] =>
  errorIf(mode !== undefined && (mode < 0n || mode > 0o7777n), 'illegal file mode')

function checkUrl (url: string, flavour: Flavour): Remark[] {
  if (url === '') return []
  try {
    const { scheme, rawQuery } = parseGoUrl(url)
    if (scheme === 'data') {
      const data = readDataUrl(url)
      return data.ok ? [] : [errorRemark(data.problem)]
    }
    if (scheme === 's3' && flavour === 'matchbox') return errorIf(queryValues(rawQuery, 'versionId')[0] === '', 'invalid S3 object VersionId')
    return errorIf(!['http', 'https', 'oem', 'tftp', 's3'].includes(scheme), 'invalid url scheme')
  } catch (error) {
    if (error instanceof GoUrlError) return [errorRemark('unable to parse url')]
    throw error
  }
}

function checkVerification ({ hash }: Verification2): Remark[] {
  if (hash === undefined) return []
  const dash = hash.indexOf('-')
  if (dash < 0) return [errorRemark('malformed hash specifier')]
  if (hash.slice(0, dash) !== 'sha512') return [errorRemark('unrecognized hash function')]
  return errorIf(goBytes(hash.slice(dash + 1)).length !== 128, 'incorrect size for hash sum')
}

const checkOwner = ({ id, name }: { readonly id: bigint | undefined, readonly name: string }): Remark[] =>
  errorIf(id !== undefined && name !== '', 'cannot set both id and name')

const nodeFields = {
  filesystem: (node: { readonly filesystem: string }) => errorIf(node.filesystem === '', 'no filesystem specified'),
  path: (node: { readonly path: string }) => checkPath(node.path)
}

const guid = /^(|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})$/
const checkGuid = (text: string): Remark[] =>
  errorIf(!guid.test(text), 'doesn\'t match the form "01234567-89AB-CDEF-EDCB-A98765432101"')

function checkPartitions ({ partitions }: Disk2): Remark[] {
  const numbers = partitions.map(p => p.number).filter(n => n !== 0n)
  return [
    ...errorIf(new Set(numbers).size < numbers.length, 'partition numbers collide'),
    ...errorIf(overlap(partitions), 'partitions overlap'),
    ...errorIf(partitions.some(p => p.start % 2048n !== 0n), 'partitions misaligned')
  ]
}

// Those that start at 0 are placed by sgdisk; two that are equal in everything count as one.
function overlap (partitions: readonly Partition2[]): boolean {
  const identity = (p: Partition2): string => JSON.stringify([p.guid, p.label, `${p.number}`, `${p.size}`, `${p.start}`, p.typeGuid])
  const placed = [...new Map(partitions.filter(p => p.start !== 0n).map(p => [identity(p), p])).values()]
    .map(p => ({ start: p.start, end: p.size === 0n ? p.start : p.start + p.size - 1n }))
    .sort((a, b) => a.start < b.start ? -1 : a.start > b.start ? 1 : 0)
  return placed.some((p, i) => i > 0 && p.start <= (placed[i - 1]?.end ?? -1n))
}

const labelLimits = { ext4: 16, btrfs: 256, xfs: 12, swap: 15, vfat: 11 } as const
const isFormat = (format: string): format is keyof typeof labelLimits => Object.hasOwn(labelLimits, format)

const raidLevels = ['linear', 'raid0', '0', 'stripe', 'raid1', '1', 'mirror', 'raid4', '4', 'raid5', '5', 'raid6', '6', 'raid10', '10']

/** What follows the last dot of the last component, with the dot. */
const extension = (name: string): string => /\.[^./]*$/.exec(name)?.[0] ?? ''
const unitExtensions = [
  '.service', '.socket', '.device', '.mount', '.automount', '.swap', '.target', '.path', '.timer', '.snapshot', '.slice', '.scope'
]

function checkUnitText (contents: string): Remark[] {
  const read = readUnitContent(goBytes(contents))
  return read.ok ? [] : [errorRemark(`invalid unit content: ${read.problem}`)]
}

function checkUnitContents (unit: SystemdUnit2): Remark[] {
  const read = readUnitContent(goBytes(unit.contents))
  if (!read.ok) return [errorRemark(`invalid unit content: ${read.problem}`)]
  const enabled = unit.enable || unit.enabled === true
  if (!enabled || read.sections.length === 0 || read.sections.includes('Install')) return []
  return [warningRemark(`unit ${goQuote(unit.name)} is enabled, but has no install section so enable does nothing`)]
}

interface NamedText { readonly name: string, readonly contents: string }

const namedFile = (extensions: readonly string[], message: string) => ({ name, contents }: NamedText): Remark[] =>
  [...checkUnitText(contents), ...errorIf(!extensions.includes(extension(name)), message)]

const createdUser = 'cannot use both the create object and the user-level'

function checkConfig ({ storage }: Config2): Remark[] {
  const names = new Set(['root', ...storage.filesystems.map(f => f.name)])
  const missing = (kind: string, nodes: ReadonlyArray<{ readonly path: string, readonly filesystem: string }>): Remark[] =>
    nodes.filter(node => node.filesystem !== '' && !names.has(node.filesystem)).map(node => warningRemark(
      `${kind} ${goQuote(node.path)} references nonexistent filesystem ${goQuote(node.filesystem)}. (This is ok if it is defined in a referenced config)`))
  const seen = new Set(['root'])
  const shadowed = storage.filesystems.filter(({ name }) => {
    const again = seen.has(name)
    seen.add(name)
    return again
  })
  return [
    ...missing('File', storage.files),
    ...missing('Link', storage.links),
    ...missing('Directory', storage.directories),
    ...shadowed.map(({ name }) => warningRemark(`Filesystem ${goQuote(name)} shadows exising filesystem definition`))
  ]
}

export const rules2 = (flavour: Flavour): readonly Rule[] => [
  rule(config2, { whole: checkConfig }),
  rule(configReference2, { fields: { source: ({ source }) => checkUrl(source, flavour) } }),
  rule(caReference2, { fields: { source: ({ source }) => checkUrl(source, flavour) } }),
  rule(verification2, { whole: checkVerification }),
  rule(systemdUnit2, {
    fields: {
      contents: checkUnitContents,
      name: ({ name }) => errorIf(!unitExtensions.includes(extension(name)), 'invalid systemd unit extension')
    }
  }),
  rule(systemdDropin2, { whole: namedFile(['.conf'], 'invalid systemd drop-in extension') }),
  rule(networkdUnit2, { whole: namedFile(['.link', '.netdev', '.network'], 'invalid networkd unit extension') }),
  rule(networkdDropin2, { whole: namedFile(['.conf'], 'invalid networkd drop-in extension') }),
  rule(passwdUser2, {
    whole: user => user.create === undefined
      ? []
      : [
          warningRemark('the create object has been deprecated in favor of user-level options'),
          ...errorIf(user.gecos !== '', `${createdUser} gecos field`),
          ...errorIf(user.groups.length > 0, `${createdUser} groups field`),
          ...errorIf(user.homeDir !== '', `${createdUser} homeDir field`),
          ...errorIf(user.noCreateHome, `${createdUser} noCreateHome field`),
          ...errorIf(user.noLogInit, `${createdUser} noLogInit field`),
          ...errorIf(user.noUserGroup, `${createdUser} noUserGroup field`),
          ...errorIf(user.primaryGroup !== '', `${createdUser} primaryGroup field`),
          ...errorIf(user.shell !== '', `${createdUser} shell field`),
          ...errorIf(user.system, `${createdUser} system field`),
          ...errorIf(user.uid !== undefined, `${createdUser} uid field`)
        ]
  }),
  rule(nodeUser2, { whole: checkOwner }),
  rule(nodeGroup2, { whole: checkOwner }),
  rule(directory2, { fields: { ...nodeFields, mode: ({ mode }) => checkMode(mode) } }),
  rule(file2, {
    whole: file => errorIf(file.append && file.overwrite === true, 'cannot set both append and overwrite to true'),
    fields: { ...nodeFields, mode: ({ mode }) => checkMode(mode) }
  }),
  rule(fileContents2, {
    fields: {
      compression: ({ compression }) => errorIf(compression !== '' && compression !== 'gzip', 'invalid compression method'),
      source: ({ source }) => checkUrl(source, flavour)
    }
  }),
  rule(link2, {
    fields: { ...nodeFields, target: link => flavour === 'matchbox' || link.hard ? [] : checkPath(link.target) }
  }),
  rule(disk2, {
    fields: {
      device: ({ device }) => device === '' ? [errorRemark('disk device is required')] : checkPath(device),
      partitions: checkPartitions
    }
  }),
  rule(partition2, {
    fields: {
      guid: partition => checkGuid(partition.guid),
      label: ({ label }) => [
        ...errorIf(goBytes(label).length > 36, 'partition labels may not exceed 36 characters'),
        ...label.includes(':') ? [warningRemark('partition label will be truncated to text before the colon')] : []
      ],
      typeGuid: partition => checkGuid(partition.typeGuid)
    }
  }),
  rule(filesystem2, {
    whole: ({ mount, path }) => {
      const created = mount?.create !== undefined
      return [
        ...errorIf(mount === undefined && path === undefined, 'filesystem is missing mount or path'),
        ...errorIf(mount !== undefined && path !== undefined, 'filesystem has both mount and path defined'),
        ...errorIf(created && mount.wipeFilesystem, 'cannot use both create object and wipeFilesystem field'),
        ...errorIf(created && mount.options.length > 0, 'cannot use both create object and mount-level options field'),
        ...created ? [warningRemark('the create object has been deprecated in favor of mount-level options')] : []
      ]
    },
    fields: { path: ({ path }) => path === undefined ? [] : checkPath(path) }
  }),
  rule(mount2, {
    whole: ({ format }) => errorIf(!isFormat(format), 'invalid filesystem format'),
    fields: {
      device: ({ device }) => checkPath(device),
      label: ({ label, format }) => !isFormat(format) || label === undefined
        ? []
        : errorIf(goBytes(label).length > labelLimits[format],
          `filesystem labels cannot be longer than ${labelLimits[format]} characters when using ${format}`)
    }
  }),
  rule(raid2, {
    fields: {
      devices: ({ devices }) => devices.flatMap(checkPath),
      level: ({ level, spares }) => [
        ...errorIf(raidLevels.indexOf(level) >= 0 && raidLevels.indexOf(level) < 4 && spares !== 0n,
          'spares unsupported for arrays with a level greater than 0'),
        ...errorIf(!raidLevels.includes(level), 'unrecognized raid level')
      ]
    }
  })
]
