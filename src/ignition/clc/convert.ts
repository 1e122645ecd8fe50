// A Container Linux Config into an Ignition 2.2.0 config. The order in which sections add units and files is ct's: docker, etcd
// and flannel come before the config's own units, update.conf after its own files.
import { percentDataUrl } from '../data-url.js'
import { GoUrlError, parseGoUrl } from '../../go/url.js'
import { etcdDropin } from './etcd.js'
import { convertDirectories, convertFiles } from './files.js'
import { flannelDropin } from './flannel.js'
import { readSectors } from './partition-size.js'
import { problemAt, sectionAt, within } from './problem.js'
import { templatingRefused } from './service-section.js'
import { updateConf } from './update.js'
import { convertVerification } from './verification.js'
import type { ReportEntry } from '../report.js'
import type { YamlNode } from '../../yaml/node.js'
import type { Config2, Disk2, File2, SystemdUnit2 } from '../spec2/schema.js'
import type { ClcSection } from './problem.js'
import type { Clc } from './schema.js'

export interface Conversion {
  readonly config: Config2
  /** The YAML as it has to be read beside the Ignition config. */
  readonly source: YamlNode | undefined
  readonly report: readonly ReportEntry[]
}

export function convertClc (clc: Clc, source: YamlNode | undefined): Conversion {
  const { passwd, storage, systemd, networkd } = clc
  const ignition = convertIgnition(clc.ignition, source)
  const disks = convertDisks(storage.disks, source)
  const etcd = serviceUnit({ name: 'etcd', value: clc.etcd, source }, 'etcd-member.service', '20-clct-etcd-member.conf', etcdDropin)
  const flannel = serviceUnit({ name: 'flannel', value: clc.flannel, source }, 'flanneld.service', '20-clct-flannel.conf', flannelDropin)
  const files = convertFiles(storage.files, source)
  return {
    source: files.source,
    report: [...ignition.report, ...disks.report, ...etcd.report, ...files.report, ...flannel.report],
    config: {
      ignition: ignition.value,
      networkd,
      passwd: {
        groups: passwd.groups.map(group => ({ ...group, gid: signed(group.gid) })),
        users: passwd.users.map(user => ({
          ...user,
          create: user.create === undefined ? undefined : { ...user.create, uid: signed(user.create.uid) }
        }))
      },
      storage: {
        directories: convertDirectories(storage.directories),
        disks: disks.value,
        files: [...files.files, ...updateFile(clc)],
        filesystems: storage.filesystems,
        links: storage.links,
        raid: storage.raid
      },
      systemd: { units: [...dockerUnit(clc), ...etcd.value, ...flannel.value, ...systemd.units] }
    }
  }
}

interface Converted<T> { readonly value: T, readonly report: readonly ReportEntry[] }

/** Go's int of a uint: what is too large wraps around. */
const signed = (id: bigint | undefined): bigint | undefined => id === undefined ? undefined : BigInt.asIntN(64, id)

function convertIgnition (ignition: Clc['ignition'], source: YamlNode | undefined): Converted<Config2['ignition']> {
  const report: ReportEntry[] = []
  type Reference = Clc['ignition']['config']['append'][number]
  const section = sectionAt(source, 'ignition', 'config')
  const convert = (reference: Reference, place: ClcSection): Config2['ignition']['config']['append'] => {
    try {
      parseGoUrl(reference.source)
      return [{ source: reference.source, verification: convertVerification(reference.verification) }]
    } catch (error) {
      if (!(error instanceof GoUrlError)) throw error
      report.push(problemAt(within(place, 'source'), error.message))
      return []
    }
  }
  const { append, replace } = ignition.config
  const appended = within(section, 'append')
  const value = {
    config: {
      append: append.flatMap((reference, index) => convert(reference, within(appended, index))),
      replace: replace === undefined ? undefined : convert(replace, within(section, 'replace'))[0]
    },
    security: {
      tls: {
        certificateAuthorities: ignition.security.tls.certificateAuthorities
          .map(reference => ({ source: reference.source, verification: convertVerification(reference.verification) }))
      }
    },
    timeouts: ignition.timeouts,
    version: '2.2.0'
  }
  return { value, report }
}

/** Names that stand for the GUIDs of partition types. */
const partitionTypes: ReadonlyMap<string, string> = new Map([
  ['raid_containing_root', 'be9067b9-ea49-4f15-b4f6-f36f8c9e1818'],
  ['linux_filesystem_data', '0fc63daf-8483-4772-8e79-3d69d8477de4'],
  ['swap_partition', '0657fd6d-a4ab-43c4-84e5-0933c84b4f4f'],
  ['raid_partition', 'a19d880f-05fc-4d3b-a006-743f0f84911e']
])

function convertDisks (disks: Clc['storage']['disks'], source: YamlNode | undefined): Converted<Disk2[]> {
  const report: ReportEntry[] = []
  const section = sectionAt(source, 'storage', 'disks')
  const value = disks.map((disk, diskIndex) => ({
    device: disk.device,
    wipeTable: disk.wipeTable,
    partitions: disk.partitions.flatMap((partition, index) => {
      const size = readSectors(partition.size)
      const start = readSectors(partition.start)
      const refuse = (key: string, problem: string): [] => {
        report.push(problemAt(within(section, diskIndex, 'partitions', index, key), problem))
        return []
      }
      if (!size.ok) return refuse('size', size.problem)
      if (!start.ok) return refuse('start', start.problem)
      return [{
        guid: partition.guid,
        label: partition.label,
        number: partition.number,
        size: size.sectors,
        start: start.sectors,
        typeGuid: partitionTypes.get(partition.typeGuid) ?? partition.typeGuid
      }]
    })
  }))
  return { value, report }
}

const dropinUnit = (unit: string, name: string, contents: string): SystemdUnit2 =>
  ({ name: unit, enable: true, enabled: undefined, mask: false, contents: '', dropins: [{ name, contents }] })

const dockerUnit = ({ docker }: Clc): SystemdUnit2[] => docker === undefined
  ? []
  : [dropinUnit('docker.service', '20-clct-docker.conf', `[Service]\nEnvironment="DOCKER_OPTS=${docker.flags.join(' ')}"`)]

/** The unit of a section, with the drop-in that `dropinOf` makes of it. */
function serviceUnit<Section> (
  section: { readonly name: 'etcd' | 'flannel', readonly value: Section | undefined, readonly source: YamlNode | undefined },
  unit: string, dropin: string, dropinOf: (section: Section) => string | undefined
): Converted<SystemdUnit2[]> {
  const { name, value, source } = section
  if (value === undefined) return { value: [], report: [] }
  const contents = dropinOf(value)
  if (contents === undefined) return { value: [], report: [problemAt(sectionAt(source, name), templatingRefused)] }
  return { value: [dropinUnit(unit, dropin, contents)], report: [] }
}

function updateFile ({ update, locksmith }: Clc): File2[] {
  const contents = updateConf(update, locksmith)
  if (contents === '') return []
  return [{
    filesystem: 'root',
    group: undefined,
    overwrite: undefined,
    path: '/etc/coreos/update.conf',
    user: undefined,
    append: false,
    contents: { compression: '', source: percentDataUrl(contents), verification: { hash: undefined } },
    mode: 0o644n
  }]
}
