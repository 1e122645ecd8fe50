// The Container Linux Config as ct 0.9.0 knows it (Configuration Specification of container-linux-config-transpiler): Ignition 2's
// sections but for hashes, contents, sizes and ids, and sections of its own.
import { list, optional, string, struct, uint } from '../schema.js'
import {
  config2, directory2, disk2, file2, filesystem2, ignition2, link2, partition2, passwdGroup2, passwdUser2, raid2, userCreate2
} from '../spec2/schema.js'
import { etcdSection } from './etcd.js'
import { flannelSection } from './flannel.js'
import { locksmithSection, updateSection } from './update.js'
import type { ValueOf } from '../schema.js'

const verification = struct('types.Verification', { hash: struct('types.Hash', { function: string(), sum: string() }) })
const configReference = struct('types.ConfigReference', { source: string(), verification })
const caReference = struct('types.CaReference', { source: string(), verification })

const ignition = struct('types.Ignition', {
  config: struct('types.IgnitionConfig', { append: list(configReference), replace: optional(configReference) }),
  timeouts: ignition2.fields.timeouts,
  security: struct('types.Security', { tls: struct('types.TLS', { certificateAuthorities: list(caReference) }) })
})

const remote = struct('types.Remote', { url: string(), compression: string(), verification })
export const fileContents = struct('types.FileContents', { remote, inline: string(), local: string() })
export const file = struct('types.File', { ...file2.fields, contents: fileContents })

const partition = struct('types.Partition', { ...partition2.fields, size: string(), start: string() })

// Their numbers are unsigned here, and Go makes them signed.
const user = struct('types.User', {
  ...passwdUser2.fields,
  create: optional(struct('types.UserCreate', { ...userCreate2.fields, uid: optional(uint) }))
})
const group = struct('types.Group', { ...passwdGroup2.fields, gid: optional(uint) })

export const clcSchema = struct('types.Config', {
  ignition,
  storage: struct('types.Storage', {
    disks: list(struct('types.Disk', { ...disk2.fields, partitions: list(partition) })),
    raid: list(raid2),
    filesystems: list(filesystem2),
    files: list(file),
    directories: list(directory2),
    links: list(link2)
  }),
  systemd: config2.fields.systemd,
  networkd: config2.fields.networkd,
  passwd: struct('types.Passwd', { users: list(user), groups: list(group) }),
  etcd: optional(etcdSection),
  flannel: optional(flannelSection),
  update: optional(updateSection),
  docker: optional(struct('types.Docker', { flags: list(string()) })),
  locksmith: optional(locksmithSection)
})

export type Clc = ValueOf<typeof clcSchema>
export type ClcFile = ValueOf<typeof file>
export type ClcVerification = ValueOf<typeof verification>
