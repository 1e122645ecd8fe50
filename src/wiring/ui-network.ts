// The network as the page draws it: subnets and who has their addresses, and who else speaks DHCP there.
import { isActive } from '../dhcp/leases.js'
import type { NeighbourKind } from '../dhcp/neighbours.js'
import { inRange } from '../dhcp/subnet.js'
import { contains, formatIpv4, formatSubnet, type Ipv4 } from '../net/ipv4.js'
import type { NeighbourShown, NetworkShown, SubnetShown } from '../ui/network-page.js'
import type { RunningParts } from './running-parts.js'

type Needed = Pick<RunningParts, 'config' | 'clock' | 'leases' | 'homes' | 'neighbours'>

export function networkShown ({ config, clock, leases, homes, neighbours }: Needed): NetworkShown {
  const now = clock.now()
  const { mode, subnets, reservations } = config.dhcp
  const used = new Map(subnets.map(subnet => [subnet, 0]))
  for (const lease of leases.table.values()) {
    if (!isActive(lease, now)) continue
    for (const subnet of subnets) if (inRange(subnet.range, lease.ip)) used.set(subnet, used.get(subnet)! + 1)
  }
  const subnetOf = (ip: Ipv4): string | undefined => {
    const found = subnets.find(({ subnet }) => contains(subnet, ip))
    return found === undefined ? undefined : formatSubnet(found.subnet)
  }
  const seen = (kind: NeighbourKind): readonly NeighbourShown[] => (neighbours?.of(kind).seen ?? [])
    .map(({ address, ...when }) => ({ ...when, address: formatIpv4(address), subnet: subnetOf(address) }))
  return {
    mode,
    now,
    interfaces: homes.all.map(({ interface: at }) => at?.name).filter(name => name !== undefined),
    origin: homes.first.origin,
    subnets: subnets.map((one): SubnetShown => ({
      subnet: formatSubnet(one.subnet),
      range: one.range === undefined ? undefined : `${formatIpv4(one.range.first)}-${formatIpv4(one.range.last)}`,
      size: one.range === undefined ? 0 : one.range.last - one.range.first + 1,
      used: used.get(one)!,
      reservations: reservations.filter(({ ip }) => contains(one.subnet, ip)).length
    })),
    relays: [...seen('relay'), ...seen('unexpected_relay')],
    servers: seen('server'),
    passedOver: (['relay', 'unexpected_relay', 'server'] as const).reduce((sum, kind) => sum + (neighbours?.of(kind).passedOver ?? 0), 0)
  }
}
