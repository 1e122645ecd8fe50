// What Ignition 2.2.0 asks of a config. ct 0.9.0 was built with an Ignition of 2018, Matchbox 0.9.0 with one of 2019; they differ
// in two rules, which `Flavour` tells apart.
import { goQuote } from '../../go/quote.js'
import { goBytes } from '../../go/string.js'
import { readDataUrl } from '../data-url.js'
import {
  badUrl, checkCompression, checkExtension, checkGuid, checkHash, checkOwner, colonInLabel, emptyVersionId, illegalMode, isFormat,
  longFilesystemLabel, longPartitionLabel, parseUrl, raidLevel, uselessEnable
} from '../shared-rules.js'
import { readUnitContent } from '../unit-content.js'
import { rule } from '../validate.js'
import {
  caReference2, config2, configReference2, directory2, disk2, file2, fileContents2, filesystem2, link2, mount2, networkdDropin2,
  networkdUnit2, nodeGroup2, nodeUser2, partition2, passwdUser2, raid2, systemdDropin2, systemdUnit2, verification2
} from './schema.js'
import type { Check, Findings, Rules } from '../validate.js'
import type { Config2, Disk2, Partition2, SystemdUnit2 } from './schema.js'

/** Whose Ignition: that of the `ct` 0.9.0 program, or the one in Matchbox 0.9.0. */
export type Flavour = 'ct' | 'matchbox'

const checkPath = (path: string): string | undefined => path.startsWith('/') ? undefined : 'path not absolute'

function checkUrl (text: string, flavour: Flavour): string | undefined {
  if (text === '') return undefined
  const url = parseUrl(text)
  if (url === undefined) return badUrl
  if (url.scheme === 'data') {
    const data = readDataUrl(text)
    return data.ok ? undefined : data.problem
  }
  if (url.scheme === 's3' && flavour === 'matchbox') return emptyVersionId(url)
  return ['http', 'https', 'oem', 'tftp', 's3'].includes(url.scheme) ? undefined : 'invalid url scheme'
}

const checkSource = ({ source }: { readonly source: string }, report: Findings, flavour: Flavour): void => report.error(['source'], checkUrl(source, flavour))

interface Node2 { readonly filesystem: string, readonly path: string }

const checkNode = ({ filesystem, path }: Node2, report: Findings): void => {
  if (filesystem === '') report.error(['filesystem'], 'no filesystem specified')
  report.error(['path'], checkPath(path))
}

const checkDisk: Check<Disk2, unknown> = ({ device, partitions }, report) => {
  report.error(['device'], device === '' ? 'disk device is required' : checkPath(device))
  const numbers = partitions.map(p => p.number).filter(n => n !== 0n)
  if (new Set(numbers).size < numbers.length) report.error(['partitions'], 'partition numbers collide')
  if (overlap(partitions)) report.error(['partitions'], 'partitions overlap')
  if (partitions.some(p => p.start % 2048n !== 0n)) report.error(['partitions'], 'partitions misaligned')
}

// Those that start at 0 are placed by sgdisk; two that are equal in everything count as one.
function overlap (partitions: readonly Partition2[]): boolean {
  const identity = (p: Partition2): string => JSON.stringify([p.guid, p.label, `${p.number}`, `${p.size}`, `${p.start}`, p.typeGuid])
  const placed = [...new Map(partitions.filter(p => p.start !== 0n).map(p => [identity(p), p])).values()]
    .map(p => ({ start: p.start, end: p.size === 0n ? p.start : p.start + p.size - 1n }))
    .sort((a, b) => a.start < b.start ? -1 : a.start > b.start ? 1 : 0)
  return placed.some((p, i) => i > 0 && p.start <= (placed[i - 1]?.end ?? -1n))
}

const badContents = (contents: string): string | undefined => {
  const read = readUnitContent(goBytes(contents))
  return read.ok ? undefined : `invalid unit content: ${read.problem}`
}

const checkUnit: Check<SystemdUnit2, unknown> = ({ name, contents, enable, enabled }, report) => {
  const read = readUnitContent(goBytes(contents))
  if (!read.ok) report.error(['contents'], `invalid unit content: ${read.problem}`)
  else if ((enable || enabled === true) && read.sections.length > 0 && !read.sections.includes('Install')) {
    report.warning(['contents'], uselessEnable(goQuote(name)))
  }
  report.error(['name'], checkExtension(name, 'systemd unit'))
}

interface NamedText { readonly name: string, readonly contents: string }

const checkText = (what: Parameters<typeof checkExtension>[1]) => ({ name, contents }: NamedText, report: Findings): void => {
  report.error([], badContents(contents))
  report.error([], checkExtension(name, what))
}

const checkConfig: Check<Config2, unknown> = ({ storage }, report) => {
  const names = new Set(['root', ...storage.filesystems.map(f => f.name)])
  const missing = (kind: string, nodes: readonly Node2[]): void => {
    for (const { path, filesystem } of nodes) {
      if (filesystem === '' || names.has(filesystem)) continue
      report.warning([], `${kind} ${goQuote(path)} references nonexistent filesystem ${goQuote(filesystem)}. (This is ok if it is defined in a referenced config)`)
    }
  }
  missing('File', storage.files)
  missing('Link', storage.links)
  missing('Directory', storage.directories)
  const seen = new Set(['root'])
  for (const { name } of storage.filesystems) {
    if (seen.has(name)) report.warning([], `Filesystem ${goQuote(name)} shadows exising filesystem definition`)
    seen.add(name)
  }
}

/** What the deprecated create object has in common with the user, where it now belongs. */
const createdFields = ['gecos', 'groups', 'homeDir', 'noCreateHome', 'noLogInit', 'noUserGroup', 'primaryGroup', 'shell', 'system', 'uid'] as const

const isSet = (value: unknown): boolean => Array.isArray(value) ? value.length > 0 : Boolean(value) || value === 0n

export const rules2: Rules<Flavour> = new Map([
  rule(config2, checkConfig),
  rule(configReference2, checkSource),
  rule(caReference2, checkSource),
  rule(verification2, ({ hash }, report) => { if (hash !== undefined) report.error([], checkHash(hash, ['sha512'])) }),
  rule(systemdUnit2, checkUnit),
  rule(systemdDropin2, checkText('systemd drop-in')),
  rule(networkdUnit2, checkText('networkd unit')),
  rule(networkdDropin2, checkText('networkd drop-in')),
  rule(passwdUser2, (user, report) => {
    if (user.create === undefined) return
    report.warning([], 'the create object has been deprecated in favor of user-level options')
    for (const field of createdFields) if (isSet(user[field])) report.error([], `cannot use both the create object and the user-level ${field} field`)
  }),
  rule(nodeUser2, (owner, report) => report.error([], checkOwner(owner))),
  rule(nodeGroup2, (owner, report) => report.error([], checkOwner(owner))),
  rule(directory2, (directory, report) => {
    checkNode(directory, report)
    report.error(['mode'], illegalMode(directory.mode))
  }),
  rule(file2, (file, report) => {
    if (file.append && file.overwrite === true) report.error([], 'cannot set both append and overwrite to true')
    checkNode(file, report)
    report.error(['mode'], illegalMode(file.mode))
  }),
  rule(fileContents2, (contents, report, flavour: Flavour) => {
    report.error(['compression'], checkCompression(contents.compression))
    checkSource(contents, report, flavour)
  }),
  rule(link2, (link, report, flavour: Flavour) => {
    checkNode(link, report)
    if (flavour === 'ct' && !link.hard) report.error(['target'], checkPath(link.target))
  }),
  rule(disk2, checkDisk),
  rule(partition2, ({ guid, label, typeGuid }, report) => {
    report.error(['guid'], checkGuid(guid))
    report.error(['label'], longPartitionLabel(label))
    report.warning(['label'], colonInLabel(label))
    report.error(['typeGuid'], checkGuid(typeGuid))
  }),
  rule(filesystem2, ({ mount, path }, report) => {
    if (mount === undefined && path === undefined) report.error([], 'filesystem is missing mount or path')
    if (mount !== undefined && path !== undefined) report.error([], 'filesystem has both mount and path defined')
    if (mount?.create !== undefined) {
      if (mount.wipeFilesystem) report.error([], 'cannot use both create object and wipeFilesystem field')
      if (mount.options.length > 0) report.error([], 'cannot use both create object and mount-level options field')
      report.warning([], 'the create object has been deprecated in favor of mount-level options')
    }
    if (path !== undefined) report.error(['path'], checkPath(path))
  }),
  rule(mount2, ({ format, device, label }, report) => {
    if (!isFormat(format)) report.error([], 'invalid filesystem format')
    report.error(['device'], checkPath(device))
    if (label !== undefined) report.error(['label'], longFilesystemLabel(label, format))
  }),
  rule(raid2, ({ devices, level, spares }, report) => {
    for (const device of devices) report.error(['devices'], checkPath(device))
    const kind = raidLevel(level)
    if (kind === 'striped' && spares !== 0n) report.error(['level'], 'spares unsupported for arrays with a level greater than 0')
    if (kind === undefined) report.error(['level'], 'unrecognized raid level')
  })
])
