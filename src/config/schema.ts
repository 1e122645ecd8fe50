// The configuration's shape: every key, its default, its unit and what it may hold. Times come out in milliseconds, sizes
// in bytes. docs/configuration.md says the same in words, and a test holds the two together.
import * as v from 'valibot'
import { measure, sizeUnits, timeUnits } from '../base/units.js'
import { hostNamePattern } from '../net/host-name.js'
import { type Ipv4, parseIpv4, parseSubnet } from '../net/ipv4.js'
import { parseMac } from '../net/mac.js'
import { parsePrefix } from '../ui/access.js'
import { isVersion } from '../base/version.js'
import { parseWindow } from '../updates/window.js'

/** `[host]:port`; an IPv6 host stands in brackets. */
export interface ListenAddress { readonly host: string, readonly port: number }

/** Text that `parse` makes a value of; `expected` is what a person is told when it can't. */
const parsed = <T>(expected: string, parse: (text: string) => T | undefined) => v.pipe(
  v.union([v.string(), v.number()], expected),
  v.rawTransform(({ dataset, addIssue, NEVER }): T => {
    const value = parse(String(dataset.value))
    if (value !== undefined) return value
    addIssue({ message: expected })
    return NEVER
  })
)

/** A century, in days: its seconds fit DHCP's 32 bits (RFC 2132, 9.2), and what is a century from now is a date of JavaScript's. */
const longest = 36_500

/** Milliseconds. */
const duration = (minimum = 0, hint = '30s, 10m, 1h or 2d') => v.pipe(
  parsed(`expected a time such as ${hint}`, text => {
    const value = measure(text, timeUnits)
    return value !== undefined && value >= minimum ? value : undefined
  }),
  v.maxValue(longest * timeUnits.d, `expected ${longest}d at most`)
)

/** Bytes. */
const size = parsed('expected a size such as 512MiB', text => measure(text, sizeUnits))

const integer = (from: number, to: number) => {
  const expected = `expected a whole number from ${from} to ${to}`
  return v.pipe(v.number(expected), v.integer(expected), v.minValue(from, expected), v.maxValue(to, expected))
}

function parseListenAddress (text: string): ListenAddress | undefined {
  const [, bracketed, plain = '', digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? []
  if (digits === undefined || Number(digits) > 65535) return undefined
  return { host: bracketed ?? (plain === '' ? '0.0.0.0' : plain), port: Number(digits) }
}

const listenAddress = parsed('expected address:port, such as 0.0.0.0:8080', parseListenAddress)
/** TFTP's sockets are of IPv4, and ask no resolver. */
const tftpAddress = parsed('expected address:port, or "" to turn it off; the address one of IPv4, none for all', text => {
  if (text === '') return null
  const found = parseListenAddress(text)
  return found === undefined || parseIpv4(found.host) === undefined ? undefined : found
})
/** '' is a listener that is off, and comes out as null. */
const optionalListenAddress = parsed('expected address:port, or "" to turn it off', text => text === '' ? null : parseListenAddress(text))

const ipv4 = parsed('expected an IPv4 address', parseIpv4)
const subnet = parsed('expected a subnet such as 192.168.100.0/24, with no host bits set', parseSubnet)
const mac = parsed('expected a MAC address such as 52:54:00:12:34:56', text => {
  const value = parseMac(text)
  return value?.length === 17 ? value : undefined
})
function parseRange (text: string): { readonly first: Ipv4, readonly last: Ipv4 } | undefined {
  const [first, last, ...rest] = text.split('-').map(part => parseIpv4(part.trim()))
  return first === undefined || last === undefined || first > last || rest.length > 0 ? undefined : { first, last }
}
const range = parsed('expected first-last, such as 192.168.100.100-192.168.100.150', parseRange)

const hostName = v.pipe(v.string('expected a host name'),
  v.regex(hostNamePattern, 'expected a host name'))

const path = v.pipe(v.string('expected a path'), v.regex(/^[^\0]+$/, 'expected a path'))
/** '' for none. */
const optionalPath = v.pipe(v.string('expected a path'), v.regex(/^[^\0]*$/, 'expected a path'))
/** What keys that name files and folders have. */
export const pathSchemas: readonly v.GenericSchema[] = [path, optionalPath]
const text = v.string('expected text')
const flag = v.boolean('expected true or false')
const addresses = v.optional(v.array(ipv4, 'expected a list of IPv4 addresses'), [])
const choice = <const T extends readonly string[]>(options: T) => v.picklist(options, `expected one of ${options.join(', ')}`)

/** Whether a boot loader may be called so: a path that stays below the TFTP root, short enough for a DHCP message's `file`. */
export const isBootFileName = (name: string): boolean =>
  /^[^/\0][^\0]{0,126}$/.test(name) && !name.split('/').includes('..')
const bootFile = v.pipe(v.string('expected a file name'), v.check(isBootFileName, 'expected a file name below the TFTP root'))

/** Which numbers and values may be set is the DHCP server's to say (dhcp/option-text). */
const rawOptions = v.optional(
  v.record(v.string(), v.union([v.string(), v.number()], 'expected text, a number, addresses or 0x and bytes in hex'), 'expected options by number'), {})

/** What a machine is for, in the words of the list that it came from. */
const role = v.pipe(text,
  v.regex(/^[a-z0-9](?:[\w.-]{0,62}[a-z0-9])?$/i, 'expected a word of letters, digits, dots, hyphens and underscores'))

export const reservationSchema = v.strictObject({
  mac,
  ip: ipv4,
  hostname: v.optional(hostName),
  role: v.optional(role),
  options: rawOptions
})

export const subnetSchema = v.strictObject({
  subnet,
  link: v.optional(v.pipe(text, v.nonEmpty('expected a name'))),
  range: v.optional(range),
  routers: addresses,
  dns_servers: addresses,
  domain_name: v.optional(text, ''),
  ntp_servers: addresses,
  lease_time: v.optional(duration(60_000, '1h, at least 1m'), '1h'),
  options: rawOptions
})

/** IFNAMSIZ, and dev_valid_name() of the kernel. */
const interfaceName = v.pipe(v.string('expected the name of an interface'), v.regex(/^(?!\.\.?$)[^\s/:]{1,15}$/, 'expected the name of an interface'))

const interfaceWithMode = v.strictObject({ name: interfaceName, mode: v.optional(choice(['server', 'proxy', 'off'])) })
const interfaceSchema = v.pipe(
  v.lazy(input => typeof input === 'object' ? interfaceWithMode : interfaceName),
  v.transform((entry): { readonly name: string, readonly mode?: 'server' | 'proxy' | 'off' | undefined } => typeof entry === 'string' ? { name: entry } : entry)
)

const fingerprint = parsed('expected the fingerprint of a key: 40 or 64 hex digits', text => {
  const digits = text.replace(/[\s:]/g, '').replace(/^0x/i, '').toUpperCase()
  return /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(digits) ? digits : undefined
})

const httpUrl = v.pipe(v.string('expected an http or https URL'), v.regex(/^https?:\/\/[^/?#][^?#]*$/, 'expected an http or https URL'),
  v.check(url => URL.canParse(url.replaceAll('{channel}', 'channel')), 'expected an http or https URL'))

/** A path below the base URL; alone, it stands for a file with a signature beside it. */
const imagePath = v.pipe(v.string('expected the path of a file below base_url'),
  v.regex(/^(?!.*(?:^|\/)\.\.?(?:\/|$))[\w.+~/-]*[\w+~-]$/, 'expected the path of a file below base_url'))

const imageFileSchema = v.union([
  v.pipe(imagePath, v.transform(path => ({ path, sha256: undefined, signature: '.sig' }))),
  v.strictObject({
    path: imagePath,
    sha256: v.optional(v.pipe(v.string('expected 64 hex digits'), v.regex(/^[0-9a-f]{64}$/i, 'expected 64 hex digits'))),
    signature: v.optional(choice(['.sig', '.asc', '']), '.sig')
  })
], 'expected the path of a file, or { path, sha256, signature }')

const imageSourceSchema = v.strictObject({
  os: choice(['flatcar', 'fedora-coreos', 'coreos', 'custom']),
  channel: v.optional(text),
  version: v.optional(parsed('expected a version', text => text)),
  arch: v.optional(text),
  base_url: v.optional(httpUrl),
  name: v.optional(text),
  files: v.optional(v.array(imageFileSchema, 'expected a list of files')),
  keys: v.optional(v.array(fingerprint, 'expected a list of fingerprints'), []),
  allow_expired_keys: v.optional(flag, false),
  updates: v.optional(flag, false),
  update_files: v.optional(v.array(v.string('expected the name of a file'), 'expected a list of names'), []),
  update_server: v.optional(httpUrl)
})

const section = <T extends v.ObjectEntries> (entries: T) => v.optional(v.strictObject(entries), {} as never)

/** Three octets name a manufacturer, six one card. */
const macPrefix = parsed('expected a MAC address or its first octets, such as 00:0c:29', text =>
  /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){2,5}$/i.test(text) ? text.toLowerCase().replaceAll('-', ':') : undefined)

/** The firmwares that a loader can be for, by the names of the keys of `boot`. */
const firmwares = { bios: 'bios', uefi_ia32: 'efi-ia32', uefi_x64: 'efi-x64', uefi_arm32: 'efi-arm32', uefi_arm64: 'efi-arm64' } as const
const architecture = parsed(`expected one of ${Object.keys(firmwares).join(', ')}, or a number of option 93`, text =>
  Object.hasOwn(firmwares, text) ? firmwares[text as keyof typeof firmwares] : /^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined)

/** What the first script may tell of a machine (matchbox/render-ipxe), and what Matchbox's up to 0.9 tells. */
const scriptLabels = ['uuid', 'mac', 'domain', 'hostname', 'serial', 'arch', 'platform', 'manufacturer', 'product', 'asset'] as const
const defaultScriptLabels = ['uuid', 'mac', 'domain', 'hostname', 'serial'] as const

const scriptUrl = v.pipe(v.string('expected a URL'), v.url('expected a URL'))

const overrideSchema = v.pipe(
  v.strictObject({
    mac: v.optional(macPrefix),
    vendor_class: v.optional(v.pipe(text, v.nonEmpty('expected the beginning of option 60'))),
    arch: v.optional(architecture),
    file: v.optional(bootFile),
    script_url: v.optional(scriptUrl),
    proxy_style: v.optional(choice(['direct', 'binl']))
  }),
  v.check(({ mac, vendor_class: vendorClass, arch }) => (mac ?? vendorClass ?? arch) !== undefined, 'expected whom it is for: mac, vendor_class or arch'),
  v.check(({ file, script_url: url, proxy_style: style }) => (file ?? url ?? style) !== undefined, 'expected what is different: file, script_url or proxy_style')
)

/** What `{n}` becomes is a number, and with it a host name. */
const numberedName = v.pipe(v.string('expected a host name with {n} in it, such as node-{n}'), v.check(
  text => text.includes('{n}') && text.length <= 200 && v.is(hostName, text.replaceAll('{n}', '1000')), 'expected a host name with {n} in it, such as node-{n}'))

const enrolmentProfile = v.strictObject({
  profile: v.pipe(text, v.nonEmpty('expected the id of a profile')),
  quantity: v.optional(integer(1, 100_000))
})

const updateWindow = parsed('expected days, times and a time zone, such as Mon-Fri 09:00-17:00 Europe/Berlin', parseWindow)
const version = parsed('expected a version such as 4230.2.2', text => isVersion(text) ? text : undefined)

const updateGroupSchema = v.pipe(
  v.strictObject({
    name: v.pipe(text, v.regex(/^[a-zA-Z0-9.-]{1,128}$/, 'expected a name of letters, digits, dots and hyphens')),
    os: choice(['flatcar', 'coreos', 'fedora-coreos']),
    channel: v.optional(text),
    version: v.optional(version),
    max_per_period: v.optional(integer(1, 100_000), 1),
    period: v.optional(duration(1000, '15m, at least 1s'), '15m'),
    timeout: v.optional(duration(60_000, '60m, at least 1m'), '60m'),
    window: v.optional(updateWindow),
    safe_mode: v.optional(flag, true),
    approval: v.optional(flag, false),
    floors: v.optional(v.array(version, 'expected a list of versions'), []),
    reboot_slots: v.optional(integer(1, 10_000), 1),
    reboot_stale_after: v.optional(v.pipe(duration(0), v.check(ms => ms === 0 || ms >= 60_000, 'expected a time of at least 1m, or 0')), '0')
  }),
  v.check(({ channel, version: pinned }) => channel === undefined || pinned === undefined, 'expected channel or version, not both'),
  v.check(({ os, channel, version: pinned }) => os === 'fedora-coreos' || (channel ?? pinned) !== undefined, 'expected the channel to follow, or the version to stay at')
)

const webhookEvents = ['installed', 'stuck', 'enrolled', 'conflict'] as const

const webhookUrl = v.pipe(v.string('expected an http or https URL'), v.regex(/^https?:\/\//, 'expected an http or https URL'), v.url('expected an http or https URL'))

const webhookSchema = v.strictObject({
  url: webhookUrl,
  secret_file: v.optional(optionalPath, ''),
  on: v.optional(v.array(choice(webhookEvents), `expected a list of ${webhookEvents.join(', ')}`), [...webhookEvents])
})

/** What tells the provisioners of a fleet apart. */
const serverName = v.pipe(text, v.regex(/^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/i, 'expected a name of letters, digits, dots and hyphens'))

const etcdEndpoint = v.pipe(v.string('expected a URL such as https://10.0.0.11:2379'),
  v.regex(/^https?:\/\/(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}$/, 'expected a URL such as https://10.0.0.11:2379'), v.check(url => URL.canParse(url), 'expected a URL such as https://10.0.0.11:2379'))

export const configSchema = v.strictObject({
  data_path: v.optional(path, '/var/lib/matchbox'),
  assets_path: v.optional(optionalPath, '/var/lib/matchbox/assets'),
  state_path: v.optional(path, '/var/lib/core-provisioner'),
  control_socket: v.optional(path, '/run/core-provisioner/control.sock'),
  advertise: v.optional(v.union([v.literal(''), hostName], 'expected a name or address'), ''),
  log_level: v.optional(choice(['trace', 'debug', 'info', 'warn', 'error']), 'info'),
  http: section({
    address: v.optional(listenAddress, '0.0.0.0:8080'),
    https: section({
      address: v.optional(optionalListenAddress, ''),
      cert_file: v.optional(optionalPath, ''),
      key_file: v.optional(optionalPath, '')
    }),
    identify_by_ip: v.optional(flag, false)
  }),
  rpc: section({
    address: v.optional(optionalListenAddress, '0.0.0.0:8081'),
    ca_file: v.optional(path, '/etc/matchbox/ca.crt'),
    cert_file: v.optional(path, '/etc/matchbox/server.crt'),
    key_file: v.optional(path, '/etc/matchbox/server.key'),
    crl_file: v.optional(optionalPath, '')
  }),
  assets: section({
    cache_memory: v.optional(size, '512MiB')
  }),
  signing: section({
    key_ring_path: v.optional(optionalPath, '')
  }),
  store: section({
    tombstone: v.optional(duration(), '30s')
  }),
  tftp: section({
    address: v.optional(tftpAddress, '0.0.0.0:69'),
    root: v.optional(path, '/var/lib/tftpboot'),
    max_block_size: v.optional(integer(512, 65464), 1468),
    max_window_size: v.optional(integer(1, 64), 32),
    single_port: v.optional(flag, false)
  }),
  dhcp: section({
    mode: v.optional(choice(['server', 'proxy', 'off']), 'off'),
    interface: v.optional(text, ''),
    interfaces: v.optional(v.array(interfaceSchema, 'expected a list of interfaces'), []),
    port: v.optional(integer(1, 65535), 67),
    boot_server_port: v.optional(integer(1, 65535), 4011),
    unknown_clients: v.optional(choice(['deny', 'allow']), 'deny'),
    allow_other_servers: v.optional(flag, false),
    subnets: v.optional(v.array(subnetSchema, 'expected a list of subnets'), []),
    reservations: v.optional(v.array(reservationSchema, 'expected a list of reservations'), [])
  }),
  images: section({
    sources: v.optional(v.array(imageSourceSchema, 'expected a list of image sources'), []),
    interval: v.optional(v.pipe(duration(), v.check(ms => ms === 0 || ms >= 1000, 'expected a time of at least 1s, or 0')), '24h'),
    keep: v.optional(integer(0, 1000), 2),
    keys: v.optional(v.array(v.strictObject({ file: path, fingerprint }, 'expected { file, fingerprint }'), 'expected a list of { file, fingerprint }'), []),
    timeout: v.optional(duration(1000, '30s, at least 1s'), '30s'),
    max_size: v.optional(size, '8GiB'),
    ca_file: v.optional(optionalPath, '')
  }),
  boot: section({
    bios: v.optional(bootFile, 'undionly.kpxe'),
    uefi_x64: v.optional(bootFile, 'snponly.efi'),
    uefi_arm64: v.optional(bootFile, 'snponly-arm64.efi'),
    raspberry_pi: v.optional(bootFile, 'rpi'),
    http_boot: v.optional(flag, true),
    script_url: v.optional(v.union([v.literal(''), scriptUrl], 'expected a URL'), ''),
    script_labels: v.optional(v.pipe(v.array(choice(scriptLabels), 'expected a list of labels'), v.nonEmpty('expected a label at least')), [...defaultScriptLabels]),
    own_user_class: v.optional(flag, false),
    overrides: v.optional(v.array(overrideSchema, 'expected a list of overrides'), []),
    resilient: v.optional(flag, false)
  }),
  enrolment: section({
    profiles: v.optional(v.array(enrolmentProfile, 'expected a list of { profile, quantity }'), []),
    range: v.optional(parsed('expected first-last, such as 192.168.100.21-192.168.100.60, or ""', text => text === '' ? null : parseRange(text))),
    hostname: v.optional(numberedName, 'node-{n}'),
    identify_by: v.optional(choice(['serial', 'mac']), 'serial')
  }),
  ui: section({
    address: v.optional(optionalListenAddress, ''),
    allow: v.optional(v.array(parsed('expected an address or a prefix such as 10.0.0.0/8', parsePrefix), 'expected a list of addresses and prefixes'), ['127.0.0.0/8']),
    users_file: v.optional(optionalPath, ''),
    client_certificates: v.optional(flag, false)
  }),
  updates: section({
    groups: v.optional(v.pipe(
      v.array(updateGroupSchema, 'expected a list of groups'),
      v.check(groups => new Set(groups.map(({ name }) => name)).size === groups.length, 'expected groups with different names')
    ), [])
  }),
  cluster: section({
    name: v.optional(v.union([v.literal(''), serverName], 'expected a name of letters, digits, dots and hyphens'), ''),
    etcd: section({
      endpoints: v.optional(v.pipe(
        v.array(etcdEndpoint, 'expected a list of URLs such as https://10.0.0.11:2379'),
        v.check(urls => new Set(urls).size === urls.length, 'expected each URL once')
      ), []),
      ca_file: v.optional(optionalPath, ''),
      cert_file: v.optional(optionalPath, ''),
      key_file: v.optional(optionalPath, ''),
      user: v.optional(text, ''),
      password_file: v.optional(optionalPath, ''),
      prefix: v.optional(v.pipe(text, v.regex(/^\/(?:[\w.-]+\/)+$/, 'expected a prefix such as /core-provisioner/v1/')), '/core-provisioner/v1/')
    })
  }),
  webhooks: v.optional(v.pipe(
    v.array(webhookSchema, 'expected a list of { url, secret_file, on }'),
    v.check(hooks => new Set(hooks.map(({ url }) => url)).size === hooks.length, 'expected each URL once'),
    v.maxLength(16, 'expected 16 webhooks at most')
  ), [])
})

/** Whether a reservation may have that name, or that role. */
export const isReservable = {
  hostname: (name: string): boolean => v.is(hostName, name),
  role: (name: string): boolean => v.is(role, name)
} as const

export type Config = v.InferOutput<typeof configSchema>
export type ReservationConfig = v.InferOutput<typeof reservationSchema>
