// Who boots what: the configuration's loaders and exceptions, and before them those of groups. Live, as reservations are.
import type { Clock } from '../base/clock.js'
import { unwaited } from '../base/errors.js'
import { type Config, isBootFileName } from '../config/load.js'
import type { BootConfig } from '../dhcp/boot-file.js'
import { HttpNames } from '../loaders/shim-image.js'
import type { Group } from '../matchbox/group.js'
import { groupLoaders } from '../matchbox/group-machines.js'
import type { GroupMachines } from '../matchbox/group-machines-index.js'
import type { Mac } from '../net/mac.js'
import { bootConfig } from './dhcp-settings.js'
import type { Ground } from './ground.js'
import type { Home } from '../dhcp/homes.js'
import { loadersOnDisk } from './loader-files.js'

/** Whether a person chose the machine's loader, for it alone. */
export const isLoaderChosen = (mac: Mac, { boot }: Config, groups: Pick<GroupMachines, 'hasLoader'>): boolean =>
  boot.overrides.some(one => one.mac === mac && one.file !== undefined) || groups.hasLoader(mac)

/** The loaders that a configuration names, and the shims that may be named in URLs of ours. */
export const configuredLoaders = ({ boot }: Pick<Config, 'boot'>): readonly string[] =>
  ['shimx64.efi', 'shimaa64.efi', boot.uefi_x64, boot.uefi_arm64, ...boot.overrides.map(({ file = '' }) => file)]

interface BootParts extends Pick<Ground, 'config' | 'log'> {
  readonly groupMachines: Pick<GroupMachines, 'loaders'>
  readonly httpNames: HttpNames
}

/** The names over HTTP of the loaders that configuration and groups choose. */
export async function openHttpNames (config: Config, clock: Clock, groups: Iterable<Group>): Promise<HttpNames> {
  const names = new HttpNames(loadersOnDisk(config, clock), config.tftp.address !== null)
  await names.look([...configuredLoaders(config), ...groupLoaders(groups, isBootFileName).loaders.map(({ loader }) => loader)])
  return names
}

/** What machines of that home boot. */
export function currentBoot ({ config, groupMachines, log, httpNames }: BootParts, { origin }: Pick<Home, 'origin'>): BootConfig {
  const { loaders, problems } = groupMachines.loaders
  log.debug({ machines: loaders.length }, 'boot_file.read')
  for (const problem of problems) log.warn({ problem }, 'boot_file.refused')
  // Known before the machine of a group that was just written asks, unless it asks at once.
  unwaited(httpNames.look([...configuredLoaders(config), ...loaders.map(({ loader }) => loader)]))
  return bootConfig(config, origin, loaders, httpNames.names)
}
