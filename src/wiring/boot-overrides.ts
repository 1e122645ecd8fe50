// Boot files that a group chooses for its machines (`metadata.boot_file`), before those that the configuration chooses.
// Live, as reservations are.
import { type Config, isBootFileName } from '../config/load.js'
import type { BootConfig, BootOverride } from '../dhcp/boot-file.js'
import type { Group } from '../matchbox/group.js'
import type { Mac } from '../net/mac.js'
import { bootConfig } from './dhcp-settings.js'
import { machinesOf } from './reservation-sources.js'
import type { Shared } from './shared.js'

export interface GroupOverrides {
  readonly overrides: readonly BootOverride[]
  /** A line for each group whose `boot_file` can't be one. */
  readonly problems: readonly string[]
}

export function groupOverrides (groups: Iterable<Group>): GroupOverrides {
  const overrides: BootOverride[] = []
  const problems: string[] = []
  for (const { id, selector, metadata } of groups) {
    const loader = metadata?.get('boot_file')
    if (loader === undefined) continue
    const macs = machinesOf(selector)
    if (typeof loader !== 'string' || !isBootFileName(loader)) problems.push(`group ${id}: metadata.boot_file is left out: it is no file name below the TFTP root`)
    else if (macs.length === 0) problems.push(`group ${id}: metadata.boot_file is left out: the selector names no mac to give it to`)
    else overrides.push(...macs.map(mac => ({ mac, loader })))
  }
  return { overrides, problems }
}

/** Whether a person chose the machine's loader, for it alone: what the loop breaker finds out changes nothing then. */
export const isLoaderChosen = (mac: Mac, { boot }: Config, groups: Iterable<Group>): boolean =>
  boot.overrides.some(one => one.mac === mac && one.file !== undefined) || groupOverrides(groups).overrides.some(one => one.mac === mac)

/** Who boots what from now on. What the loop breaker found out of a machine is forgotten where a person chose its loader. */
export function currentBoot ({ config, home, store, registry, log }: Shared): BootConfig {
  const groups = [...store.snapshot.groups.values()]
  const { overrides, problems } = groupOverrides(groups)
  log.debug({ machines: overrides.length }, 'boot_file.read')
  for (const problem of problems) log.warn({ problem }, 'boot_file.refused')
  for (const { mac, otherLoader } of [...registry.values()]) {
    if (otherLoader === true && isLoaderChosen(mac, config, groups)) registry.forgetOtherLoader(mac)
  }
  return bootConfig(config, home.origin, overrides)
}
