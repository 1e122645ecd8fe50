// Kea's DHCPv4 configuration: host reservations, of all subnets and of each (Kea ARM, "Host Reservation in DHCPv4").
import { contains, formatIpv4, formatSubnet, parseSubnet, type Subnet } from '../../net/ipv4.js'
import type { ExportContext, ExportedHost } from '../exported.js'
import { ipFact, isRole, joinCards, macFact, nameFact } from '../facts.js'
import { emptyList, type Fact, type HostList, type ListedHost, type Place, type ListRemark } from '../host-list.js'
import { itemsOf, memberOf, type ObjectValue, readObjects, textOf } from '../object-notation.js'
import type { SourceText } from '../source-text.js'

export function readKea (source: SourceText): HostList {
  const { value: document, remarks: mended, includes } = readObjects(source)
  const remarks: ListRemark[] = [...source.remarks, ...mended]
  const networks: Array<Fact<Subnet>> = []
  // A file that is included may hold a part alone.
  const dhcp4 = memberOf(document, 'Dhcp4') ?? document
  const shared = itemsOf(memberOf(dhcp4, 'shared-networks'))
  const subnets = [dhcp4, ...shared].flatMap(scope => itemsOf(memberOf(scope, 'subnet4')))
  for (const scope of subnets) {
    const text = textOf(memberOf(scope, 'subnet'), 'subnet')
    const value = parseSubnet(text?.value ?? '')
    if (text !== undefined && value !== undefined) networks.push({ value, at: text.at })
  }
  const scopes = [dhcp4, ...shared, ...subnets]
  const listed = document.kind === 'list' ? document.items : scopes.flatMap(scope => itemsOf(memberOf(scope, 'reservations')))
  const hosts = joinCards(listed.flatMap(item => hostOf(item, remarks)))
  return { ...emptyList, hosts, remarks, networks, includes: includes.map(({ at, path }) => ({ at, path })) }
}

function hostOf (item: ObjectValue, remarks: ListRemark[]): ListedHost[] {
  // In place of an include.
  if (item.kind === 'null') return []
  const get = <T>(key: string, read: (text: string, at: Place) => Fact<T>): Fact<T> | undefined => {
    const text = textOf(memberOf(item, key), key)
    return text === undefined ? undefined : read(text.value, text.at)
  }
  const mac = get('hw-address', macFact)
  if (mac === undefined) {
    remarks.push({ at: item.at, text: 'a reservation without hw-address is left out: machines are known by their MAC address here' })
    return []
  }
  const role = textOf(itemsOf(memberOf(item, 'client-classes'))[0], 'client-classes')
  return [{
    at: item.at,
    name: get('hostname', nameFact),
    macs: [mac],
    ip: get('ip-address', ipFact),
    role: role !== undefined && isRole(role.value) ? role : undefined
  }]
}

/** A configuration that holds the reservations of each subnet, to be merged into one that is there. */
export function writeKea (hosts: readonly ExportedHost[], { networks }: ExportContext): string {
  const reservation = ({ ip, name, role }: ExportedHost, mac: string): object => ({
    'hw-address': mac,
    ...ip !== undefined && { 'ip-address': formatIpv4(ip) },
    ...name !== undefined && { hostname: name },
    ...role !== undefined && { 'client-classes': [role] }
  })
  const reservations = (list: readonly ExportedHost[]): object[] => list.flatMap(host => host.macs.map(mac => reservation(host, mac)))
  const within = networks.map(network => ({ network, list: hosts.filter(({ ip }) => ip !== undefined && contains(network.subnet, ip)) }))
  const placed = new Set(within.flatMap(({ list }) => list))
  const rest = hosts.filter(host => !placed.has(host))
  return `${JSON.stringify({
    Dhcp4: {
      subnet4: within.map(({ network: { subnet }, list }, index) =>
        ({ id: index + 1, subnet: formatSubnet(subnet), reservations: reservations(list) })),
      ...rest.length > 0 && { reservations: reservations(rest) }
    }
  }, null, 2)}\n`
}
