// The loaders that the configuration and groups name, as files: of URLs those that lead to /boot/ here, of an image of shim and GRUB
// the shim.
import { isBootFileName } from '../config/load.js'
import { loadersPath } from '../http/loader-routes.js'
import { groupLoaders } from '../matchbox/group-machines.js'
import type { Ground } from './ground.js'
import { isOwnHost } from './own-hosts.js'

type Named = Pick<Ground, 'config' | 'homes'> & { readonly store: Pick<Ground['store'], 'snapshot'> }

/** Each once, those of the configuration first. */
export function namedLoaders ({ config, homes, store }: Named): readonly string[] {
  const { boot } = config
  const isOwn = isOwnHost(config, homes)
  const { loaders } = groupLoaders(store.snapshot.groups.values(), isBootFileName)
  const configured = [boot.bios, boot.uefi_x64, boot.uefi_arm64, ...boot.overrides.flatMap(({ file }) => file ?? [])]
  return [...new Set([...configured, ...loaders.map(({ loader }) => loader)].flatMap(name => fileOf(name, isOwn) ?? []))]
}

const image = /(^|\/)(shim(?:x64|aa64))\.img$/

/** undefined for a URL that leads elsewhere. */
function fileOf (name: string, isOwn: (host: string) => boolean): string | undefined {
  if (!/^https?:/.test(name)) return name.replace(image, '$1$2.efi')
  if (!URL.canParse(name)) return undefined
  const { hostname, pathname } = new URL(name)
  if (!isOwn(hostname) || !pathname.startsWith(loadersPath)) return undefined
  try {
    return decodeURIComponent(pathname.slice(loadersPath.length)).replace(image, '$1$2.efi')
  } catch {
    return undefined
  }
}
