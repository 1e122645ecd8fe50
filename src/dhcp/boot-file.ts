// Who gets which loader: one table, read from the top. A machine that runs iPXE already gets the script; firmware gets the
// loader for its architecture, by TFTP or, where it boots over HTTP, as a URL.
import { type ClientInfo, ownUserClass } from './client-info.js'
import { architectures, type Firmware } from './constants.js'

export interface BootConfig {
  /** Loader names below the TFTP root, by the firmware that runs them. */
  readonly loaders: Readonly<Partial<Record<Firmware, string>>>
  /** Absolute URL of the iPXE script. */
  readonly scriptUrl: string
  /** Absolute URL, ending in a slash, below which the loaders are found over HTTP; without it UEFI HTTP Boot gets nothing. */
  readonly loaderBaseUrl?: string
  /** What stands in for a loader over HTTP, by its name: the image that holds it. */
  readonly httpNames?: ReadonlyMap<string, string>
  /** The loaders for machines that the first one leads nowhere: it drives the card itself where the other uses the firmware's driver. */
  readonly otherLoaders?: Readonly<Partial<Record<Firmware, string>>>
  /** Whether the loaders call themselves `core-provisioner` (option 77): then a network card's own iPXE is given ours first. */
  readonly ownUserClass?: boolean
  /** Exceptions; of those that match a machine, the first that says something about a thing decides it. */
  readonly overrides?: readonly BootOverride[]
}

export interface BootOverride {
  /** Every condition that is there has to hold. A hardware address, or its first octets (a manufacturer's). */
  readonly mac?: string
  /** The beginning of option 60. */
  readonly vendorClass?: string
  /** A firmware, or a number of option 93. */
  readonly architecture?: Firmware | number
  /** Loader name, in place of the one for its firmware; the loop breaker does not change what a person chose. */
  readonly loader?: string
  readonly scriptUrl?: string
  readonly uefiStyle?: UefiStyle
}

/**
 * How UEFI PXE firmware learns of its boot file from a ProxyDHCP offer: `direct`, in the offer itself, or `binl`, from the
 * boot server on port 4011, which some boards ask whatever the offer says, and others only when it says nothing.
 */
export type UefiStyle = 'direct' | 'binl'

export interface BootFile {
  readonly kind: 'script' | 'loader'
  /** What goes into `file` and option 67; '' for a client that knows its files' names itself. */
  readonly name: string
}

/** A boot client, with what was decided about it alone. */
export interface BootQuery {
  readonly client: ClientInfo
  readonly boot: BootConfig
  /** Whether the first loader led this machine nowhere. */
  readonly otherLoader: boolean
}

interface Row {
  readonly what: string
  readonly when: (query: BootQuery) => boolean
  readonly give: (query: BootQuery) => BootFile | undefined
}

function matches ({ mac = '', vendorClass = '', architecture }: BootOverride, client: ClientInfo): boolean {
  if (!client.mac.startsWith(mac) || !client.vendorClass.startsWith(vendorClass)) return false
  return architecture === undefined || architecture === firmwareOf(client) || client.architectures.some(number => number === architecture)
}

const override = <Key extends 'loader' | 'scriptUrl' | 'uefiStyle'>({ client, boot }: BootQuery, key: Key): BootOverride[Key] | undefined =>
  boot.overrides?.find(one => one[key] !== undefined && matches(one, client))?.[key]

/** The loader of an exception for a vendor class or architecture: one for a MAC alone means the firmware, not the system that runs then. */
const namedKind = ({ client, boot }: BootQuery): string | undefined => boot.overrides?.find(one =>
  one.loader !== undefined && (one.vendorClass !== undefined || one.architecture !== undefined) && matches(one, client))?.loader

export const uefiStyleFor = (query: BootQuery): UefiStyle => override(query, 'uefiStyle') ?? 'direct'

/** A PXE ROM that names no architecture is a BIOS one from before RFC 4578; one that names an unknown one is left alone. */
const firmwareOf = (client: ClientInfo): Firmware | undefined => client.firmware ?? (client.architectures.length === 0 ? 'bios' : undefined)

function loaderName (query: BootQuery): string | undefined {
  const chosen = override(query, 'loader')
  if (chosen !== undefined) return chosen
  const { client, boot, otherLoader } = query
  const firmware = firmwareOf(client)
  if (firmware === undefined) return undefined
  return (otherLoader ? boot.otherLoaders?.[firmware] : undefined) ?? boot.loaders[firmware]
}

function loader (query: BootQuery): BootFile | undefined {
  const name = loaderName(query)
  return name === undefined ? undefined : { kind: 'loader', name }
}

function loaderUrl (query: BootQuery): BootFile | undefined {
  const name = loaderName(query)
  const base = query.boot.loaderBaseUrl
  if (name === undefined || base === undefined) return undefined
  return { kind: 'loader', name: /^https?:/.test(name) ? name : `${base}${query.boot.httpNames?.get(name) ?? name}` }
}

const script = (query: BootQuery): BootFile => ({ kind: 'script', name: override(query, 'scriptUrl') ?? query.boot.scriptUrl })

export const bootTable: readonly Row[] = [
  {
    what: 'our own iPXE',
    when: ({ client }) => client.program === 'ipxe' && client.userClasses.includes(ownUserClass),
    give: script
  },
  {
    what: "a network card's iPXE, when ours can be told from it: chainload ours",
    when: ({ client, boot }) => client.program === 'ipxe' && boot.ownUserClass === true,
    give: query => loader(query) ?? script(query)
  },
  {
    what: 'iPXE that can fetch over HTTP',
    when: ({ client }) => client.program === 'ipxe' && client.ipxeHttp,
    give: script
  },
  {
    what: "a network card's iPXE without HTTP: chainload the full one",
    when: ({ client }) => client.program === 'ipxe',
    give: loader
  },
  {
    what: 'a Raspberry Pi, which fetches the files of its own boot order below its serial number',
    when: ({ client }) => client.program === 'raspberry-pi',
    give: query => ({ kind: 'loader', name: override(query, 'loader') ?? '' })
  },
  {
    what: 'U-Boot, which looks for a PXELINUX file by its own names, or loads what an exception names',
    when: ({ client }) => client.program === 'u-boot',
    give: query => ({ kind: 'loader', name: override(query, 'loader') ?? '' })
  },
  {
    what: 'whatever else, by an exception that names its kind',
    when: query => query.client.program === 'other' && namedKind(query) !== undefined,
    give: query => ({ kind: 'loader', name: namedKind(query) ?? '' })
  },
  {
    what: 'UEFI HTTP Boot',
    when: ({ client }) => client.program === 'http' && client.architectures.some(number => architectures[number]?.http === true),
    give: loaderUrl
  },
  {
    what: 'a PXE ROM or UEFI PXE',
    when: ({ client }) => client.program === 'pxe',
    give: loader
  }
]

/** What the client is to boot, or undefined when it is not a boot client or there is no loader for its firmware. */
export const bootFileFor = (query: BootQuery): BootFile | undefined => bootTable.find(row => row.when(query))?.give(query)
