// The Ignition 3 config document as data: one definition of every section for specs 3.0 to 3.5-experimental, with gates where
// a later spec added a field or made one optional (github.com/coreos/ignition docs/configuration-v3_*.md). Butane's own
// sections have the same shape under snake_case names plus a few fields of sugar, so they are marked here and not kept twice.
// Fields stand in the order in which the reference declares them, because its reports come in that order.

/** The minor number of an Ignition 3 spec: 5 is 3.5.0-experimental, what Butane 0.19 knew of it. */
export type Spec = 0 | 1 | 2 | 3 | 4 | 5

export const specVersion = (spec: Spec): string => spec === 5 ? '3.5.0-experimental' : `3.${spec}.0`

export type Type =
  | { readonly kind: 'string' | 'int' | 'bool', readonly optional: boolean, readonly name: string }
  | { readonly kind: 'list', readonly of: Type, readonly name: string }
  | { readonly kind: 'struct', readonly of: Struct, readonly optional: boolean }

export interface Field {
  /** Name in the Ignition JSON, which is also the key of decoded values. */
  readonly json: string
  readonly yaml: string
  readonly type: Type
  /** 'butane': sugar that never reaches the JSON; 'ignition': not settable from YAML. */
  readonly only?: 'butane' | 'ignition'
  /** Written to the JSON even when empty. */
  readonly keep?: boolean
  /** A list whose entries may repeat and are appended, never matched, in a merge. */
  readonly repeats?: boolean
  /** Lists of one struct with the same word share one set of keys: a path is a file, a directory or a link, not two of them. */
  readonly shares?: string
}

export interface Struct {
  /** The reference's type name; the reports of wrongly typed YAML name it. */
  readonly name: string
  readonly fields: readonly Field[]
}

/** Decoded values follow the schema: an absent optional or list is undefined, everything else is present. Integers are Go's int64. */
export type Value = string | bigint | boolean | undefined | readonly Value[] | Values
export interface Values { readonly [json: string]: Value }

export const camel = (yaml: string): string =>
  yaml.replace(/_mib$/, 'MiB').replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** The reference's fallback from a JSON path element to the YAML one. */
export const snake = (json: string): string => json.replace(/MiB|[A-Z]/g, part => `_${part}`).toLowerCase()

const string: Type = { kind: 'string', optional: false, name: 'string' }
const int: Type = { kind: 'int', optional: false, name: 'int' }
const optional = {
  string: { kind: 'string', optional: true, name: 'string' },
  int: { kind: 'int', optional: true, name: 'int' },
  bool: { kind: 'bool', optional: true, name: 'bool' }
} as const satisfies Record<string, Type>

const list = (of: Type, name?: string): Type => ({ kind: 'list', of, name: name ?? `[]${typeName(of)}` })
const named = (name: string): Type => ({ kind: 'string', optional: false, name })
const one = (of: Struct): Type => ({ kind: 'struct', of, optional: false })
const pointer = (of: Struct): Type => ({ kind: 'struct', of, optional: true })
const field = (yaml: string, type: Type, more: Partial<Field> = {}): Field => ({ json: camel(yaml), yaml, type, ...more })
const struct = (name: string, ...fields: readonly (Field | readonly Field[])[]): Struct => ({ name, fields: fields.flat() })
const needed = { keep: true } as const
const sugar = { only: 'butane' } as const

export const typeName = (type: Type): string => type.kind === 'struct' ? type.of.name : type.name

/** The types that Butane's own sections are made of as well. */
export interface Schema { readonly spec: Spec, readonly config: Struct, readonly tang: Struct }

/** @param scope the Go package of the reference's base types, which it prefixes to type names (`v0_5`) */
export const ignitionSchema = (spec: Spec, scope: string): Schema => {
  const since = (from: Spec, ...fields: readonly Field[]): readonly Field[] => spec >= from ? fields : []
  const base = (name: string, ...fields: readonly (Field | readonly Field[])[]): Struct => struct(`${scope}.${name}`, ...fields)
  const alias = (name: string): Type => named(`${scope}.${name}`)

  const verification = base('Verification', field('hash', optional.string))
  const header = base('HTTPHeader', field('name', string, needed), field('value', optional.string))
  const resource = base(spec === 0 ? 'FileContents' : 'Resource',
    field('compression', optional.string),
    since(1, field('http_headers', list(one(header), `${scope}.HTTPHeaders`))),
    field('source', optional.string),
    field('inline', optional.string, sugar),
    since(1, field('local', optional.string, sugar)),
    field('verification', one(verification)))
  // Before 3.1 a referenced config and a certificate were types of their own, which could not be inline.
  const configReference = spec > 0
    ? resource
    : base('ConfigReference', field('source', optional.string, needed), field('verification', one(verification)))
  const caReference = spec > 0
    ? resource
    : base('CaReference', field('source', string, needed), field('verification', one(verification)))

  const ignition = base('Ignition',
    field('config', one(base('IgnitionConfig', field('merge', list(one(configReference))), field('replace', one(configReference))))),
    since(1, field('proxy', one(base('Proxy',
      field('http_proxy', optional.string), field('https_proxy', optional.string), field('no_proxy', list(string)))))),
    field('security', one(base('Security',
      field('tls', one(base('TLS', field('certificate_authorities', list(one(caReference))))))))),
    field('timeouts', one(base('Timeouts', field('http_response_headers', optional.int), field('http_total', optional.int)))),
    field('version', string, { only: 'ignition' }))

  const kernelArguments = base('KernelArguments',
    field('should_exist', list(alias('KernelArgument')), { shares: 'argument' }),
    field('should_not_exist', list(alias('KernelArgument')), { shares: 'argument' }))

  const passwdGroup = base('PasswdGroup',
    field('gid', optional.int), field('name', string, needed), field('password_hash', optional.string),
    since(2, field('should_exist', optional.bool)), field('system', optional.bool))
  const passwdUser = base('PasswdUser',
    field('gecos', optional.string), field('groups', list(alias('Group'))), field('home_dir', optional.string), field('name', string, needed),
    field('no_create_home', optional.bool), field('no_log_init', optional.bool), field('no_user_group', optional.bool),
    field('password_hash', optional.string), field('primary_group', optional.string), since(2, field('should_exist', optional.bool)),
    field('ssh_authorized_keys', list(alias('SSHAuthorizedKey'))),
    since(4, field('ssh_authorized_keys_local', list(string), sugar)),
    field('shell', optional.string), field('system', optional.bool), field('uid', optional.int))

  const owner = (name: string): Struct => base(name, field('id', optional.int), field('name', optional.string))
  const node = [
    field('group', one(owner('NodeGroup'))), field('overwrite', optional.bool), field('path', string, needed), field('user', one(owner('NodeUser')))
  ]
  const directory = base('Directory', node, field('mode', optional.int))
  const file = base('File', node, field('append', list(one(resource)), { repeats: true }), field('contents', one(resource)), field('mode', optional.int))
  const link = base('Link', node, field('hard', optional.bool), spec >= 3 ? field('target', optional.string) : field('target', string, needed))

  const partition = base('Partition',
    field('guid', optional.string), field('label', optional.string), field('number', int), since(2, field('resize', optional.bool)),
    field('should_exist', optional.bool), field('size_mib', optional.int), field('start_mib', optional.int), field('type_guid', optional.string),
    field('wipe_partition_entry', optional.bool))
  const disk = base('Disk', field('device', string, needed), field('partitions', list(one(partition))), field('wipe_table', optional.bool))
  const filesystem = base('Filesystem',
    field('device', string, needed), field('format', optional.string), field('label', optional.string),
    since(1, field('mount_options', list(string), { repeats: true })),
    field('options', list(spec === 0 ? alias('FilesystemOption') : string), { repeats: true }),
    field('path', optional.string), field('uuid', optional.string), field('wipe_filesystem', optional.bool),
    since(1, field('with_mount_unit', optional.bool, sugar)))
  const raid = base('Raid',
    field('devices', list(alias('Device')), spec >= 3 ? {} : needed),
    spec >= 3 ? field('level', optional.string) : field('level', string, needed),
    field('name', string, needed),
    field('options', list(spec >= 4 ? string : alias('RaidOption')), { repeats: true }),
    field('spares', optional.int))

  const tang = base('Tang', field('thumbprint', optional.string), field('url', string), since(4, field('advertisement', optional.string)))
  // Spec 3.2 had these two as pointers with plain strings inside, so an empty map is kept there and dropped from 3.3 on.
  const custom = spec >= 3
    ? one(base('ClevisCustom', field('config', optional.string), field('needs_network', optional.bool), field('pin', optional.string)))
    : pointer(base('Custom', field('config', string, needed), field('needs_network', optional.bool), field('pin', string, needed)))
  const clevis = base('Clevis',
    field('custom', custom), field('tang', list(one(tang))), field('threshold', optional.int), field('tpm2', optional.bool))
  const luks = base('Luks',
    field('clevis', spec >= 3 ? one(clevis) : pointer(clevis)), field('device', optional.string), since(4, field('discard', optional.bool)),
    field('key_file', one(resource)), field('label', optional.string), field('name', string, needed),
    since(4, field('open_options', list(string))),
    field('options', list(spec >= 4 ? string : alias('LuksOption')), { repeats: true }),
    field('uuid', optional.string), field('wipe_volume', optional.bool))
  const tree = base('Tree', field('local', string), field('path', optional.string))

  const storage = base('Storage',
    field('directories', list(one(directory)), { shares: 'path' }), field('disks', list(one(disk))),
    field('files', list(one(file)), { shares: 'path' }), field('filesystems', list(one(filesystem))),
    field('links', list(one(link)), { shares: 'path' }),
    since(2, field('luks', list(one(luks)))), field('raid', list(one(raid))), since(1, field('trees', list(one(tree)), sugar)))

  const contentsLocal = since(4, field('contents_local', optional.string, sugar))
  const dropin = base('Dropin', field('contents', optional.string), contentsLocal, field('name', string, needed))
  const unit = base('Unit',
    field('contents', optional.string), contentsLocal, field('dropins', list(one(dropin))), field('enabled', optional.bool),
    field('mask', optional.bool), field('name', string, needed))

  const config = base('Config',
    field('version', string, sugar), field('variant', string, sugar),
    field('ignition', one(ignition), needed),
    since(3, field('kernel_arguments', one(kernelArguments))),
    field('passwd', one(base('Passwd', field('groups', list(one(passwdGroup))), field('users', list(one(passwdUser)))))),
    field('storage', one(storage)),
    field('systemd', one(base('Systemd', field('units', list(one(unit)))))))
  return { spec, config, tang }
}

/** Butane's sections above Ignition's, of the fcos variant; `scope` is the reference's package of that version (`v1_5`). */
export const bootDeviceField = (scope: string, schema: Schema): Field => {
  const luks = struct(`${scope}.BootDeviceLuks`,
    schema.spec >= 4 ? field('discard', optional.bool) : [],
    field('tang', list(one(schema.tang))), field('threshold', optional.int), field('tpm2', optional.bool))
  const mirror = struct(`${scope}.BootDeviceMirror`, field('devices', list(string)))
  return field('boot_device', one(struct(`${scope}.BootDevice`,
    field('layout', optional.string), field('luks', one(luks)), field('mirror', one(mirror)))), sugar)
}

export const grubField = (scope: string): Field => field('grub', one(struct(`${scope}.Grub`,
  field('users', list(one(struct(`${scope}.GrubUser`, field('name', string), field('password_hash', optional.string)))))
)), sugar)
