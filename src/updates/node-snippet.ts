// The template that writes what an installed machine needs to ask us: update.conf of Flatcar and Container Linux, Zincati's TOML of
// Fedora CoreOS. It gives one double-quoted text, so that it fits wherever YAML or JSON want a value:
//
//     contents: { inline: {{template "updates" .}} }
import type { UpdateGroup } from './policy.js'

/** The metadata of a machine's group that names its group of updates; where only one is configured it need not. */
const groupKey = 'update_group'

/** `origin` is where machines reach this server. */
export function nodeSnippet (groups: ReadonlyArray<Pick<UpdateGroup, 'name' | 'os'>>, origin: string): string {
  const branches = groups.map(({ name, os }, at) => `{{${at === 0 ? '' : 'else '}if eq $group ${JSON.stringify(name)}}}${JSON.stringify(os === 'fedora-coreos' ? zincati(name, origin) : updateConf(name, origin))}`)
  const only = groups.length === 1 ? JSON.stringify(groups[0]!.name) : `.${groupKey}`
  const chosen = groups.length === 1 ? `{{$group := ${only}}}{{with index . ${JSON.stringify(groupKey)}}}{{$group = .}}{{end}}` : `{{$group := .${groupKey}}}`
  return `${chosen}${branches.join('')}{{else}}{{template "updates: no group of updates is called so; see updates.groups" .}}{{end}}`
}

const updateConf = (group: string, origin: string): string => `GROUP=${group}\nSERVER=${origin}/v1/update/\n`

const zincati = (group: string, origin: string): string =>
  `[cincinnati]\nbase_url = "${origin}/updates/"\n[identity]\ngroup = "${group}"\n[updates]\nstrategy = "fleet_lock"\n[updates.fleet_lock]\nbase_url = "${origin}/fleetlock/"\n`
