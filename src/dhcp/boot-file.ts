// Who gets which loader: one table, read from the top. A machine that runs iPXE already gets the script; a PXE ROM gets
// the loader for its firmware by TFTP.
import type { ClientInfo } from './client-info.js'
import type { Firmware } from './constants.js'

export interface BootConfig {
  /** Loader names below the TFTP root, by the firmware that runs them. */
  readonly loaders: Readonly<Partial<Record<Firmware, string>>>
  /** Absolute URL of the iPXE script. */
  readonly scriptUrl: string
}

export interface BootFile {
  readonly kind: 'script' | 'loader'
  /** What goes into `file` and option 67. */
  readonly name: string
}

interface Row {
  readonly what: string
  readonly when: (client: ClientInfo) => boolean
  readonly give: (boot: BootConfig, client: ClientInfo) => BootFile | undefined
}

const loader = (boot: BootConfig, { firmware }: ClientInfo): BootFile | undefined => {
  // A PXE ROM that names no architecture is a BIOS one from before RFC 4578.
  const name = boot.loaders[firmware ?? 'bios']
  return name === undefined ? undefined : { kind: 'loader', name }
}

export const bootTable: readonly Row[] = [
  {
    what: 'iPXE that can fetch over HTTP',
    when: client => client.program === 'ipxe' && client.ipxeHttp,
    give: boot => ({ kind: 'script', name: boot.scriptUrl })
  },
  {
    what: "a network card's iPXE without HTTP: chainload the full one",
    when: client => client.program === 'ipxe',
    give: loader
  },
  {
    what: 'a PXE ROM or UEFI PXE',
    when: client => client.program === 'pxe',
    give: loader
  }
]

/** What the client is to boot, or undefined when it is not a boot client or there is no loader for its firmware. */
export const bootFileFor = (client: ClientInfo, boot: BootConfig): BootFile | undefined =>
  bootTable.find(row => row.when(client))?.give(boot, client)
