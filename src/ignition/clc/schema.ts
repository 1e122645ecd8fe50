// The Container Linux Config as ct 0.9.0 knows it (Configuration Specification of container-linux-config-transpiler), with the
// names its Go types have in messages.
import { bool, int, list, optional, string, struct, uint } from '../schema.js'
import { etcdSection } from './etcd.js'
import { flannelSection } from './flannel.js'
import { locksmithSection, updateSection } from './update.js'
import type { ValueOf } from '../schema.js'

const verification = struct('types.Verification', { hash: struct('types.Hash', { function: string(), sum: string() }) })
const configReference = struct('types.ConfigReference', { source: string(), verification })
const caReference = struct('types.CaReference', { source: string(), verification })

const ignition = struct('types.Ignition', {
  config: struct('types.IgnitionConfig', { append: list(configReference), replace: optional(configReference) }),
  timeouts: struct('types.Timeouts', { http_response_headers: optional(int()), http_total: optional(int()) }),
  security: struct('types.Security', { tls: struct('types.TLS', { certificate_authorities: list(caReference) }) })
})

const partition = struct('types.Partition', {
  label: string(),
  number: int(),
  size: string(),
  start: string(),
  guid: string(),
  type_guid: string()
})
const disk = struct('types.Disk', { device: string(), wipe_table: bool, partitions: list(partition) })

const raid = struct('types.Raid', {
  name: string(),
  level: string(),
  devices: list(string()),
  spares: int(),
  options: list(string())
})

const mount = struct('types.Mount', {
  device: string(),
  format: string(),
  create: optional(struct('types.Create', { force: bool, options: list(string()) })),
  wipe_filesystem: bool,
  label: optional(string()),
  uuid: optional(string()),
  options: list(string())
})
const filesystem = struct('types.Filesystem', { name: string(), mount: optional(mount), path: optional(string()) })

const owner = { id: optional(int()), name: string() }
const node = { filesystem: string(), path: string(), user: optional(struct('types.FileUser', owner)), group: optional(struct('types.FileGroup', owner)) }
const overwrite = optional(bool)
const mode = optional(int())

const remote = struct('types.Remote', { url: string(), compression: string(), verification })
export const fileContents = struct('types.FileContents', { remote, inline: string(), local: string() })
export const file = struct('types.File', { ...node, mode, contents: fileContents, overwrite, append: bool })
export const directory = struct('types.Directory', { ...node, mode, overwrite })
const link = struct('types.Link', { ...node, hard: bool, target: string(), overwrite })

const storage = struct('types.Storage', {
  disks: list(disk),
  raid: list(raid),
  filesystems: list(filesystem),
  files: list(file),
  directories: list(directory),
  links: list(link)
})

const dropin = { name: string(), contents: string() }
const systemd = struct('types.Systemd', {
  units: list(struct('types.SystemdUnit', {
    name: string(),
    enable: bool,
    enabled: optional(bool),
    mask: bool,
    contents: string(),
    dropins: list(struct('types.SystemdUnitDropIn', dropin))
  }))
})
const networkd = struct('types.Networkd', {
  units: list(struct('types.NetworkdUnit', {
    name: string(),
    contents: string(),
    dropins: list(struct('types.NetworkdUnitDropIn', dropin))
  }))
})

const account = {
  gecos: string(),
  home_dir: string(),
  no_create_home: bool,
  primary_group: string(),
  groups: list(string()),
  no_user_group: bool,
  system: bool,
  no_log_init: bool,
  shell: string()
}
const user = struct('types.User', {
  name: string(),
  password_hash: optional(string()),
  ssh_authorized_keys: list(string()),
  create: optional(struct('types.UserCreate', { uid: optional(uint()), ...account })),
  uid: optional(int()),
  ...account
})
const group = struct('types.Group', { name: string(), gid: optional(uint()), password_hash: string(), system: bool })

export const clcSchema = struct('types.Config', {
  ignition,
  storage,
  systemd,
  networkd,
  passwd: struct('types.Passwd', { users: list(user), groups: list(group) }),
  etcd: optional(etcdSection),
  flannel: optional(flannelSection),
  update: optional(updateSection),
  docker: optional(struct('types.Docker', { flags: list(string()) })),
  locksmith: optional(locksmithSection)
})

export type Clc = ValueOf<typeof clcSchema>
export type ClcFile = ValueOf<typeof file>
export type ClcDisk = ValueOf<typeof disk>
export type ClcVerification = ValueOf<typeof verification>
