// Ignition 2.2.0 configs: what a Container Linux Config turns into. The order of the fields is that of Ignition's Go structs, and
// so of the JSON that Matchbox serves. The names of types are those of the Container Linux Config, which has most of them unchanged.
import { bool, int, list, optional, string, struct } from '../schema.js'
import type { ValueOf } from '../schema.js'

export const verification2 = struct('types.Verification', { hash: optional(string()) })

export const configReference2 = struct('types.ConfigReference', { source: string(), verification: verification2 })
export const caReference2 = struct('types.CaReference', { source: string(), verification: verification2 })

export const ignition2 = struct('types.Ignition', {
  config: struct('types.IgnitionConfig', { append: list(configReference2), replace: optional(configReference2) }),
  security: struct('types.Security', { tls: struct('types.TLS', { certificateAuthorities: list(caReference2) }) }),
  timeouts: struct('types.Timeouts', { httpResponseHeaders: optional(int), httpTotal: optional(int) }),
  version: string()
})

const dropin = { contents: string(), name: string() }
export const networkdDropin2 = struct('types.NetworkdUnitDropIn', dropin)
export const networkdUnit2 = struct('types.NetworkdUnit', { contents: string(), dropins: list(networkdDropin2), name: string() })
export const systemdDropin2 = struct('types.SystemdUnitDropIn', dropin)
export const systemdUnit2 = struct('types.SystemdUnit', {
  contents: string(),
  dropins: list(systemdDropin2),
  enable: bool,
  enabled: optional(bool),
  mask: bool,
  name: string()
})

export const userCreate2 = struct('types.UserCreate', {
  gecos: string(),
  groups: list(string()),
  homeDir: string(),
  noCreateHome: bool,
  noLogInit: bool,
  noUserGroup: bool,
  primaryGroup: string(),
  shell: string(),
  system: bool,
  uid: optional(int)
})

export const passwdUser2 = struct('types.User', {
  create: optional(userCreate2),
  gecos: string(),
  groups: list(string()),
  homeDir: string(),
  name: string(),
  noCreateHome: bool,
  noLogInit: bool,
  noUserGroup: bool,
  passwordHash: optional(string()),
  primaryGroup: string(),
  sshAuthorizedKeys: list(string()),
  shell: string(),
  system: bool,
  uid: optional(int)
})

export const passwdGroup2 = struct('types.Group', { gid: optional(int), name: string(), passwordHash: string(), system: bool })

export const nodeUser2 = struct('types.FileUser', { id: optional(int), name: string() })
export const nodeGroup2 = struct('types.FileGroup', { id: optional(int), name: string() })

const node = { filesystem: string(), group: optional(nodeGroup2), overwrite: optional(bool), path: string(), user: optional(nodeUser2) }
export const directory2 = struct('types.Directory', { ...node, mode: optional(int) })
export const fileContents2 = struct('types.FileContents', { compression: string(), source: string(), verification: verification2 })
export const file2 = struct('types.File', { ...node, append: bool, contents: fileContents2, mode: optional(int) })
export const link2 = struct('types.Link', { ...node, hard: bool, target: string() })

export const partition2 = struct('types.Partition', {
  guid: string(),
  label: string(),
  number: int,
  size: int,
  start: int,
  typeGuid: string()
})
export const disk2 = struct('types.Disk', { device: string(), partitions: list(partition2), wipeTable: bool })

const create2 = struct('types.Create', { force: bool, options: list(string()) })
export const mount2 = struct('types.Mount', {
  create: optional(create2),
  device: string(),
  format: string(),
  label: optional(string()),
  options: list(string()),
  uuid: optional(string()),
  wipeFilesystem: bool
})
export const filesystem2 = struct('types.Filesystem', { mount: optional(mount2), name: string(), path: optional(string()) })

export const raid2 = struct('types.Raid', {
  devices: list(string()),
  level: string(),
  name: string(),
  options: list(string()),
  spares: int
})

export const config2 = struct('types.Config', {
  ignition: ignition2,
  networkd: struct('types.Networkd', { units: list(networkdUnit2) }),
  passwd: struct('types.Passwd', { groups: list(passwdGroup2), users: list(passwdUser2) }),
  storage: struct('types.Storage', {
    directories: list(directory2),
    disks: list(disk2),
    files: list(file2),
    filesystems: list(filesystem2),
    links: list(link2),
    raid: list(raid2)
  }),
  systemd: struct('types.Systemd', { units: list(systemdUnit2) })
})

export type Config2 = ValueOf<typeof config2>
export type File2 = ValueOf<typeof file2>
export type Disk2 = ValueOf<typeof disk2>
export type Partition2 = ValueOf<typeof partition2>
export type SystemdUnit2 = ValueOf<typeof systemdUnit2>
export type Verification2 = ValueOf<typeof verification2>
