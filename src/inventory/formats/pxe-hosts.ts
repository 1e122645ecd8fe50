// pxe_coreos' pxe_hosts.json: machines by their private address, with variables (keys that begin with $) for templates of
// cloud-config, and the channel that says what they boot.
import { formatIpv4, type Ipv4 } from '../../net/ipv4.js'
import { ipFact, macFact, nameFact, roleFact } from '../facts.js'
import { emptyList, type HostList, type ListedHost } from '../host-list.js'
import { memberOf, type ObjectValue, readObjects, textOf } from '../object-notation.js'
import { listError, type SourceText } from '../source-text.js'

export function readPxeHosts (source: SourceText): HostList {
  const { value: document, remarks } = readObjects(source)
  const listed = memberOf(document, 'hosts')
  if (listed?.kind !== 'object') throw listError(listed?.at ?? document.at, 'hosts: an object of machines by their address was expected')
  const common = variablesOf(memberOf(document, 'common'))
  const hosts = listed.members.map(({ key, at, value }): ListedHost => {
    const get = (name: string) => textOf(memberOf(value, name), name)
    const [mac, channel, hostName, template] = [get('macaddr'), get('channel'), get('$hostname'), get('template')]
    const ip = ipFact(key, at)
    return {
      at,
      name: hostName === undefined ? undefined : nameFact(hostName.value, hostName.at),
      macs: mac === undefined ? [] : [macFact(mac.value, mac.at)],
      ip,
      role: channel === undefined ? undefined : roleFact(channel.value, channel.at),
      cloud: { template: template ?? { value: 'default.yaml', at }, variables: allVariables(ip.value, common, variablesOf(value)) }
    }
  })
  return { ...emptyList, hosts, remarks: [...source.remarks, ...remarks] }
}

/** The program replaces the address first, then what is common: what came first is gone when the next is looked for. */
const allVariables = (ip: Ipv4, common: ReadonlyMap<string, string>, own: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map([...own, ...common, ['private_ipv4', formatIpv4(ip)]])

function variablesOf (value: ObjectValue | undefined): ReadonlyMap<string, string> {
  const members = value?.kind === 'object' ? value.members.filter(({ key }) => /^\$\w+$/.test(key)) : []
  return new Map(members.map(member => [member.key.slice(1), textOf(member.value, member.key)?.value ?? '']))
}
