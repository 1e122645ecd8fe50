// pxe_coreos' pxe_hosts.json: machines by their private address, with variables (keys that begin with $) for templates of
// cloud-config, and the channel that says what they boot.
import { formatIpv4, type Ipv4 } from '../../net/ipv4.js'
import { ipFact, macFact, nameFact, roleFact } from '../facts.js'
import { emptyList, type HostList, type ListedHost } from '../host-list.js'
import { memberOf, type ObjectValue, readObjects, textOf } from '../object-notation.js'
import { listError, type SourceText } from '../source-text.js'

export interface PxeHost {
  readonly listed: ListedHost
  /** The file of its template; `default.yaml` when it names none. */
  readonly template: string
  /** Names without their $, in the order in which they count: the host's own before what is common to all. */
  readonly variables: ReadonlyMap<string, string>
}

export const readPxeHosts = (source: SourceText): HostList => {
  const { hosts, remarks } = readPxe(source)
  return { ...emptyList, hosts: hosts.map(({ listed }) => listed), remarks }
}

export function readPxe (source: SourceText): Pick<HostList, 'remarks'> & { readonly hosts: readonly PxeHost[] } {
  const { value: document, remarks } = readObjects(source)
  const listed = memberOf(document, 'hosts')
  if (listed?.kind !== 'object') throw listError(listed?.at ?? document.at, 'hosts: an object of machines by their address was expected')
  const common = variablesOf(memberOf(document, 'common'))
  const hosts = listed.members.map(({ key, at, value }): PxeHost => {
    const get = (name: string) => textOf(memberOf(value, name), name)
    const [mac, channel, hostName, template] = [get('macaddr'), get('channel'), get('$hostname'), get('template')]
    const ip = ipFact(key, at)
    return {
      listed: {
        at,
        name: hostName === undefined ? undefined : nameFact(hostName.value, hostName.at),
        macs: mac === undefined ? [] : [macFact(mac.value, mac.at)],
        ip,
        role: channel === undefined ? undefined : roleFact(channel.value, channel.at)
      },
      template: template?.value ?? 'default.yaml',
      variables: allVariables(ip.value, common, variablesOf(value))
    }
  })
  return { hosts, remarks: [...source.remarks, ...remarks] }
}

/** The program replaces the address first, then what is common: what came first is gone when the next is looked for. */
const allVariables = (ip: Ipv4, common: ReadonlyMap<string, string>, own: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map([...own, ...common, ['private_ipv4', formatIpv4(ip)]])

function variablesOf (value: ObjectValue | undefined): ReadonlyMap<string, string> {
  const members = value?.kind === 'object' ? value.members.filter(({ key }) => /^\$\w+$/.test(key)) : []
  return new Map(members.map(member => [member.key.slice(1), textOf(member.value, member.key)?.value ?? '']))
}
