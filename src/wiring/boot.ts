// Who boots what: the configuration's loaders and exceptions, and before them those of groups. Live, as reservations are.
import { type Config, isBootFileName } from '../config/load.js'
import type { BootConfig } from '../dhcp/boot-file.js'
import type { Group } from '../matchbox/group.js'
import { groupLoaders } from '../matchbox/group-machines.js'
import type { Mac } from '../net/mac.js'
import { bootConfig } from './dhcp-settings.js'
import type { Ground } from './ground.js'
import type { Home } from './homes.js'
import type { HttpNames } from './shim-image.js'

/** Whether a person chose the machine's loader, for it alone. */
export const isLoaderChosen = (mac: Mac, { boot }: Config, groups: Iterable<Group>): boolean =>
  boot.overrides.some(one => one.mac === mac && one.file !== undefined) ||
  groupLoaders(groups, isBootFileName).loaders.some(one => one.mac === mac)

interface BootParts extends Pick<Ground, 'config' | 'store' | 'log'> { readonly httpNames: HttpNames }

/** What machines of that home boot. */
export function currentBoot ({ config, store, log, httpNames }: BootParts, { origin }: Pick<Home, 'origin'>): BootConfig {
  const { loaders, problems } = groupLoaders(store.snapshot.groups.values(), isBootFileName)
  log.debug({ machines: loaders.length }, 'boot_file.read')
  for (const problem of problems) log.warn({ problem }, 'boot_file.refused')
  return bootConfig(config, origin, loaders, httpNames)
}
