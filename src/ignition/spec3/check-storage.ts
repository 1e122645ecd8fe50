// What Ignition demands of files, directories, links and of the storage section as a whole (config/v3_*/types: storage.go,
// node.go, file.go, mode.go). The messages are Ignition's, because that is what people search for.
import { cleanPath } from '../../go/path.js'
import { checkPath } from './paths.js'
import { checkOwner, illegalMode } from '../shared-rules.js'
import { rule } from '../validate.js'
import { config, directory, file, link, nodeGroup, nodeUser, storage } from './schema.js'
import type { Findings, Rule } from '../validate.js'
import type { IgnitionConfig, Disk, StorageLink, Spec, Storage } from './schema.js'

interface Node { readonly path: string }

const specialBits = 0o7000n

const checkConfig = ({ storage, systemd }: IgnitionConfig, report: Findings): void => {
  const unitPaths = new Set<string>()
  for (const unit of systemd.units) {
    const path = `/etc/systemd/system/${unit.name}`
    if (unit.contents) unitPaths.add(path)
    for (const dropin of unit.dropins) if (dropin.contents) unitPaths.add(`${path}.d/${dropin.name}`)
  }
  if (unitPaths.size === 0) return
  for (const list of ['files', 'directories', 'links'] as const) {
    storage[list].forEach((node: Node, i) => {
      if (unitPaths.has(node.path)) report.error(['storage', list, i, 'path'], 'path conflicts with systemd unit or dropin')
    })
  }
}

/** A config of many links under one path could have more findings than it has bytes: past these, each place has one at most. */
const manyRepeats = 10_000

export const checkStorage = (storage: Storage, report: Findings, spec: Spec): void => {
  const links = storage.links
  const linkPaths = new PathCounts(links)
  let repeats = manyRepeats
  const times = (count: (limit: number) => number, find: () => void): void => {
    const findings = count(repeats + 1)
    repeats -= Math.max(findings - 1, 0)
    for (let n = 0; n < findings; n++) find()
  }
  const throughLinks = (path: string, find: () => void): void => times(limit => linkPaths.above(path, limit), find)

  for (const [list, word] of [['directories', 'directory'], ['files', 'file']] as const) {
    storage[list].forEach((node: Node, i) =>
      throughLinks(node.path, () => report.error([list, i], `${word} path includes link in config`)))
  }
  const directories = countPaths(storage.directories)
  links.forEach((link, i) => {
    throughLinks(link.path, () => report.error(['links', i], 'link path includes link in config'))
    if (spec >= 3 && !link.target) return report.error(['links', i, 'target'], 'link target is required')
    if (link.hard !== true) return
    const same = directories.get(hardLinkTarget(link)) ?? 0
    times(limit => Math.min(same, limit), () => report.error(['links', i], 'hard link target is a directory'))
    for (const owner of ['user', 'group'] as const) {
      for (const part of ['id', 'name'] as const) {
        if (link[owner][part] !== undefined) report.warning(['links', i, owner, part], 'user/group ignored for hard link')
      }
    }
  })
  checkFilesystemDevices(storage, report)
}

const hashStep = (hash: number, code: number): number => (Math.imul(hash, 31) + code) | 0

/** How many nodes have which path, by a hash that grows with the path: all parents of a path are found in one pass over it. */
class PathCounts {
  readonly #byHash = new Map<number, { readonly path: string, count: number }[]>()

  constructor (nodes: readonly Node[]) {
    for (const [path, count] of countPaths(nodes)) {
      let hash = 0
      for (let i = 0; i < path.length; i++) hash = hashStep(hash, path.charCodeAt(i))
      const entries = this.#byHash.get(hash) ?? []
      if (entries.push({ path, count }) === 1) this.#byHash.set(hash, entries)
    }
  }

  /** How many of the nodes stand above `path`; two nodes of one path (a duplicate anyhow) count twice. At most `limit`. */
  above (path: string, limit: number): number {
    let [hash, found] = [0, 0]
    for (let i = 0; i < path.length && found < limit; i++) {
      const code = path.charCodeAt(i)
      if (code === slash) found += this.#at(hash, path, i)
      hash = hashStep(hash, code)
    }
    return Math.min(found, limit)
  }

  #at (hash: number, path: string, length: number): number {
    const entries = this.#byHash.get(hash) ?? []
    return entries.find(entry => entry.path.length === length && path.startsWith(entry.path))?.count ?? 0
  }
}

const slash = 0x2f

const countPaths = (nodes: readonly Node[]): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const { path } of nodes) counts.set(path, (counts.get(path) ?? 0) + 1)
  return counts
}

const hardLinkTarget = ({ path, target = '' }: StorageLink): string => {
  const clean = cleanPath(target)
  return clean.startsWith('/') ? clean : cleanPath([path, target].filter(part => part !== '').join('/') || '')
}

const checkFilesystemDevices = ({ disks, filesystems }: Storage, report: Findings): void => {
  const byDevice = new Map<string, Disk>(disks.map(disk => [disk.device, disk]))
  filesystems.forEach((filesystem, i) => {
    const disk = byDevice.get(filesystem.device)
    if (disk === undefined) return
    if (disk.partitions.length > 0) {
      report.warning(['filesystems', i, 'device'], 'filesystem overwrites partitioned device')
    } else if (filesystem.wipeFilesystem !== true && disk.wipeTable === true) {
      report.warning(['filesystems', i, 'device'], 'device matches disk with wipeTable enabled; filesystem will be wiped')
    }
  })
}

const checkNode = ({ path }: Node, report: Findings): void => report.error(['path'], checkPath(path))

const checkModed = (node: Node & { readonly mode: bigint | undefined }, report: Findings, spec: Spec): void => {
  checkNode(node, report)
  report.error(['mode'], illegalMode(node.mode))
  // Ignition looks at the low 32 bits here, which a negative mode has as well.
  if (node.mode !== undefined && spec < 6 && (BigInt.asUintN(32, node.mode) & specialBits) !== 0n) {
    report.warning(['mode'], 'setuid/setgid/sticky bits are not supported or functional in spec versions older than 3.6.0')
  }
}

export const storageRules: ReadonlyArray<Rule<Spec>> = [
  rule(config, checkConfig),
  rule(storage, checkStorage),
  rule(directory, checkModed),
  rule(file, (file, report, spec: Spec) => {
    checkModed(file, report, spec)
    if (file.overwrite === true && file.contents.source === undefined) {
      report.error(['overwrite'], 'overwrite must be false if source is unspecified')
    }
  }),
  rule(link, checkNode),
  rule(nodeUser, (owner, report) => report.error([], checkOwner(owner))),
  rule(nodeGroup, (owner, report) => report.error([], checkOwner(owner)))
]
