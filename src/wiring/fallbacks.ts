// Whom machines are told to turn to when this provisioner dies: those of the fleet that are there, by addresses near the machine.
import { othersThan } from '../cluster/other-provisioners.js'
import { alone, type Fallbacks, type Fallback } from '../matchbox/fallbacks.js'
import { contains } from '../net/ipv4.js'
import { advertisedHost, httpOrigin } from './dhcp-settings.js'
import type { Ground } from './ground.js'
import type { Home, Homes } from '../dhcp/homes.js'
import { ownHosts } from './own-hosts.js'

/** Where this provisioner is by itself, whatever it advertises; one origin for each interface that it answers DHCP on. */
export const ownOrigins = (config: Ground['config'], homes: Homes): readonly string[] =>
  [...new Set(homes.all.map(({ own }) => httpOrigin(advertisedHost({ ...config, advertise: '' }, own), config.http.address)))]

export function fallbacksOf ({ config, homes, cluster }: Pick<Ground, 'config' | 'homes' | 'cluster'>): Fallbacks {
  if (cluster === undefined) return alone
  const isOwn = ownHosts(config, homes)
  const made = new Map<Home, { readonly of: object, readonly others: readonly Fallback[] }>()
  const homeOf = (client: string | undefined): Home => client === undefined ? homes.first : homes.of(client)
  return {
    others: client => {
      const home = homeOf(client)
      const present = cluster.present()
      const known = made.get(home)
      if (known?.of === present) return known.others
      const isNear = (ip: number): boolean => home.addresses.some(({ subnet }) => contains(subnet, ip))
      const others = othersThan({ name: cluster.name, own: ownOrigins(config, homes), isNear }, present)
      made.set(home, { of: present, others })
      return others
    },
    told: client => homeOf(client).origin,
    isOwn: host => isOwn()(host),
    port: config.http.address.port,
    isByClient: homes.all.length > 1,
    version: () => cluster.present()
  }
}
