// The Ignition 3 config document: one definition of every section for specs 3.0 to 3.7-experimental, with gates where a later spec
// added a field or made it another (github.com/coreos/ignition docs/configuration-v3_*.md). Butane's own sections have the same
// shape plus a few fields of sugar, so they are marked here and not kept twice. Fields stand in the order in which the reference
// declares them, because its reports come in that order.
import { bool, int, internal, keep, list, optional, repeats, shares, since, string, struct, sugar } from '../schema.js'
import type { ValueOf, Values } from '../schema.js'

/** The minor number of an Ignition 3 spec; the last one is what Ignition 2.26 and Butane 0.29 know of the next. */
export type Spec = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7
export const specs = [0, 1, 2, 3, 4, 5, 6, 7] as const satisfies readonly Spec[]

export const specVersion = (spec: Spec): string => spec === 7 ? '3.7.0-experimental' : `3.${spec}.0`

const text = optional(string())
const flag = optional(bool)
const number = optional(int)

export const verification = struct('Verification', { hash: text })
export const httpHeader = struct('HTTPHeader', { name: keep(string()), value: text }, 'name')
export const resource = struct('Resource', {
  compression: text,
  httpHeaders: since(1, list(httpHeader, 'HTTPHeaders')),
  source: text,
  inline: sugar(text),
  local: since(1, sugar(text)),
  verification
}, 'source')

// Before 3.1 a referenced config and a certificate were types of their own, which could not be inline.
export const fileContents = struct('FileContents', resource.fields)
export const configReference = struct('ConfigReference', { source: keep(text), verification }, 'source')
export const caReference = struct('CaReference', { source: keep(string()), verification }, 'source')
const contents = since(1, resource, fileContents)
const reference = since(1, resource, configReference)

export const ignitionConfig = struct('IgnitionConfig', { merge: list(reference), replace: reference })
export const proxy = struct('Proxy', { httpProxy: text, httpsProxy: text, noProxy: list(string()) })
export const tls = struct('TLS', { certificateAuthorities: list(since(1, resource, caReference)) })
const ignition = struct('Ignition', {
  config: ignitionConfig,
  proxy: since(1, proxy),
  security: struct('Security', { tls }),
  timeouts: struct('Timeouts', { httpResponseHeaders: number, httpTotal: number }),
  version: internal(string())
})

const kernelArguments = struct('KernelArguments', {
  shouldExist: shares('argument', list(string('KernelArgument'))),
  shouldNotExist: shares('argument', list(string('KernelArgument')))
})

const passwdGroup = struct('PasswdGroup', {
  gid: number, name: keep(string()), passwordHash: text, shouldExist: since(2, flag), system: flag
}, 'name')
export const passwdUser = struct('PasswdUser', {
  gecos: text,
  groups: list(string('Group')),
  homeDir: text,
  name: keep(string()),
  noCreateHome: flag,
  noLogInit: flag,
  noUserGroup: flag,
  passwordHash: text,
  primaryGroup: text,
  shouldExist: since(2, flag),
  sshAuthorizedKeys: list(string('SSHAuthorizedKey')),
  sshAuthorizedKeysLocal: since(4, sugar(list(string()))),
  shell: text,
  system: flag,
  uid: number
}, 'name')

const owner = { id: number, name: text }
export const nodeUser = struct('NodeUser', owner)
export const nodeGroup = struct('NodeGroup', owner)
const node = { group: nodeGroup, overwrite: flag, path: keep(string()), user: nodeUser }
export const directory = struct('Directory', { ...node, mode: number }, 'path')
export const file = struct('File', { ...node, append: repeats(list(contents)), contents, mode: number }, 'path')
export const link = struct('Link', { ...node, hard: flag, target: since(3, text, keep(string())) }, 'path')

const partitionKey = ({ number, label }: Values): string =>
  number !== 0n ? `number:${String(number)}` : label === undefined ? '' : `label:${String(label)}`
export const partition = struct('Partition', {
  guid: text,
  label: text,
  number: int,
  resize: since(2, flag),
  shouldExist: flag,
  sizeMiB: number,
  startMiB: number,
  typeGuid: text,
  wipePartitionEntry: flag
}, partitionKey)
export const disk = struct('Disk', { device: keep(string()), partitions: list(partition), wipeTable: flag }, 'device')
export const filesystem = struct('Filesystem', {
  device: keep(string()),
  format: text,
  label: text,
  mountOptions: since(1, repeats(list(string()))),
  options: repeats(list(since(1, string(), string('FilesystemOption')))),
  path: text,
  uuid: text,
  wipeFilesystem: flag,
  withMountUnit: since(1, sugar(flag))
}, 'device')
export const device = string('Device')
export const raid = struct('Raid', {
  devices: since(3, list(device), keep(list(device))),
  level: since(3, text, keep(string())),
  name: keep(string()),
  options: repeats(list(since(4, string(), string('RaidOption')))),
  spares: number
}, 'name')

export const tang = struct('Tang', { thumbprint: text, url: string(), advertisement: since(4, text) }, 'url')
// Spec 3.2 had these two as pointers with plain strings inside, so an empty map is kept there and dropped from 3.3 on.
export const clevisCustom = struct('ClevisCustom', { config: text, needsNetwork: flag, pin: text })
export const oldClevisCustom = struct('Custom', { config: keep(string()), needsNetwork: flag, pin: keep(string()) })
const clevis = struct('Clevis', { custom: since(3, clevisCustom, optional(oldClevisCustom)), tang: list(tang), threshold: number, tpm2: flag })
export const cex = struct('Cex', { enabled: flag })
export const luks = struct('Luks', {
  cex: since(5, cex),
  clevis: since(3, clevis, optional(clevis)),
  device: text,
  discard: since(4, flag),
  keyFile: contents,
  label: text,
  name: keep(string()),
  openOptions: since(4, list(string())),
  options: repeats(list(since(4, string(), string('LuksOption')))),
  uuid: text,
  wipeVolume: flag
}, 'name')
export const tree = struct('Tree', {
  group: since(6, nodeGroup), local: string(), path: text, user: since(6, nodeUser), fileMode: since(6, number), dirMode: since(6, number)
})

export const storage = struct('Storage', {
  directories: shares('path', list(directory)),
  disks: list(disk),
  files: shares('path', list(file)),
  filesystems: list(filesystem),
  links: shares('path', list(link)),
  luks: since(2, list(luks)),
  raid: list(raid),
  trees: since(1, sugar(list(tree)))
})

const contentsLocal = since(4, sugar(text))
export const dropin = struct('Dropin', { contents: text, contentsLocal, name: keep(string()) }, 'name')
export const unit = struct('Unit', { contents: text, contentsLocal, dropins: list(dropin), enabled: flag, mask: flag, name: keep(string()) }, 'name')
export const quadlet = struct('Quadlet', { contents: text, contentsLocal, dropins: list(dropin), name: string(), rootful: flag })
export const systemd = struct('Systemd', { units: list(unit), quadlets: since(7, sugar(list(quadlet))) })

export const config = struct('Config', {
  version: sugar(string()),
  variant: sugar(string()),
  ignition: keep(ignition),
  kernelArguments: since(3, kernelArguments),
  passwd: struct('Passwd', { groups: list(passwdGroup), users: list(passwdUser) }),
  storage,
  systemd
})

export type IgnitionConfig = ValueOf<typeof config>
export type Disk = ValueOf<typeof disk>
export type Filesystem = ValueOf<typeof filesystem>
export type StorageLink = ValueOf<typeof link>
export type Luks = ValueOf<typeof luks>
export type Partition = ValueOf<typeof partition>
export type Resource = ValueOf<typeof resource>
export type Storage = ValueOf<typeof storage>
export type Quadlet = ValueOf<typeof quadlet>
export type Tang = ValueOf<typeof tang>
