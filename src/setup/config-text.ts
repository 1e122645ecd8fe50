// config.yaml as an installation writes it, and one that is there already: where it says something else than what is wished, and what it
// is with that changed, all else in it as it was.
import { isMap } from 'yaml'
import type { ValuePath } from '../base/positions.js'
import { yamlDocument } from '../config/yaml-document.js'
import type { WishName, Wishes } from './wishes.js'

const heading = `# The configuration of core-provisioner. All keys: docs/configuration.md in /opt/core-provisioner/current.
# After a change: core-provisioner check, then systemctl restart core-provisioner.
# After a change of the interface or of where it listens: /opt/core-provisioner/current/install.sh, which tells systemd.
`

const list = (text: string): string => `[${text.split(',').join(', ')}]`

/** The text of a new configuration. */
export function configText ({ mode = 'off', interface: device, subnet, range, router, dns, domain, 'unknown-clients': policy, advertise }: Wishes): string {
  const lines = [
    ...advertise === undefined ? [] : [`advertise: '${advertise}'`],
    'dhcp:',
    `  mode: '${mode}'`,
    ...device === undefined ? [] : [`  interface: '${device}'`],
    ...policy === undefined ? [] : [`  unknown_clients: '${policy}'`],
    ...subnet === undefined
      ? []
      : [
          '  subnets:',
          `    - subnet: '${subnet}'`,
          ...range === undefined ? [] : [`      range: '${range}'`],
          ...router === undefined ? [] : [`      routers: ${list(router)}`],
          ...dns === undefined ? [] : [`      dns_servers: ${list(dns)}`],
          ...domain === undefined ? [] : [`      domain_name: '${domain}'`]
        ]
  ]
  return `${heading}${lines.join('\n')}\n`
}

/** A key that says something else than is wished. */
export interface Contradiction {
  readonly name: WishName
  readonly wished: string
  readonly path: ValuePath
  /** What is written there; undefined where nothing is. */
  readonly written: unknown
  /** What has to be written there. */
  readonly value: unknown
}

const topKeys: Partial<Record<WishName, ValuePath>> = { mode: ['dhcp', 'mode'], interface: ['dhcp', 'interface'], 'unknown-clients': ['dhcp', 'unknown_clients'], advertise: ['advertise'] }
const subnetKeys = { subnet: 'subnet', range: 'range', router: 'routers', dns: 'dns_servers', domain: 'domain_name' } as const
const defaults: Partial<Record<WishName, string>> = { mode: 'off', 'unknown-clients': 'deny', advertise: '' }

/** In the order of the wishes. A file that cannot be read as YAML contradicts nothing: what is wrong with it is told elsewhere. */
export function contradictions (text: string, wishes: Wishes): readonly Contradiction[] {
  const document = yamlDocument(text)
  if (document.errors.length > 0) return []
  const found: Contradiction[] = []
  const at = (path: ValuePath): unknown => {
    const value: unknown = document.getIn(path)
    return typeof value === 'object' && value !== null && 'toJSON' in value && typeof value.toJSON === 'function' ? value.toJSON() as unknown : value
  }
  const compare = (name: WishName, path: ValuePath, value: unknown): void => {
    const written = at(path)
    if (JSON.stringify(written ?? defaults[name]) !== JSON.stringify(value)) found.push({ name, wished: wishes[name] ?? '', path, written, value })
  }
  for (const [name, path] of Object.entries(topKeys) as Array<[WishName, ValuePath]>) {
    const wished = wishes[name]
    if (wished === undefined || (name === 'interface' && interfacesIn(at(['dhcp', 'interfaces'])).includes(wished))) continue
    compare(name, path, wished)
  }
  const subnets = at(['dhcp', 'subnets'])
  const index = placeOf(wishes.subnet, Array.isArray(subnets) ? subnets : [])
  for (const [name, key] of Object.entries(subnetKeys) as Array<[keyof typeof subnetKeys, string]>) {
    const wished = wishes[name]
    if (wished === undefined) continue
    compare(name, ['dhcp', 'subnets', index, key], name === 'router' || name === 'dns' ? wished.split(',') : wished)
  }
  return found
}

/** Names of `dhcp.interfaces`, whichever way they are written. */
const interfacesIn = (value: unknown): readonly unknown[] => Array.isArray(value) ? value.map(one => typeof one === 'object' && one !== null && 'name' in one ? one.name : one) : []

/** Which of the subnets is meant: the one that is named, or the only one there is, or another one beside them. */
function placeOf (subnet: string | undefined, subnets: readonly unknown[]): number {
  const named = subnets.findIndex(one => Object(one)['subnet'] === subnet)
  if (named >= 0) return named
  return subnets.length <= 1 || subnet === undefined ? 0 : subnets.length
}

/** `dhcp.interface: ens192` */
export const writtenText = ({ path, written }: Contradiction): string => `${path.join('.')}: ${written === undefined ? '(nothing)' : Array.isArray(written) ? `[${written.join(', ')}]` : String(written)}`

/** The text with those keys as they are wished; comments and all other keys stay. */
export function changedText (text: string, changes: readonly Contradiction[]): string {
  const document = yamlDocument(text)
  for (const { path, value, name } of changes) {
    // Of the two ways to name interfaces only one may be there.
    if (name === 'interface' && document.hasIn(['dhcp', 'interfaces'])) document.deleteIn(['dhcp', 'interfaces'])
    for (let length = 1; length < path.length; length++) {
      const parent = path.slice(0, length)
      // `subnets:` with nothing below it is there, and holds nothing.
      if (document.getIn(parent) == null) document.setIn(parent, document.createNode(typeof path[length] === 'number' ? [] : {}))
    }
    document.setIn(path, document.createNode(value))
  }
  return isMap(document.contents) ? document.toString({ lineWidth: 0 }) : text
}
