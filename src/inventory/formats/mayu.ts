// A machine's conf.json in Mayu's folder `cluster/<serial>/` (0.x and 1.x): its addresses, name and profile, in the names of Go.
import { ipFact, macFact, nameFact, roleFact } from '../facts.js'
import { emptyList, type HostList } from '../host-list.js'
import { itemsOf, memberOf, readObjects, textOf } from '../object-notation.js'
import { listError, type SourceText } from '../source-text.js'

export function readMayu (source: SourceText): HostList {
  const { value: document, remarks } = readObjects(source)
  if (document.kind !== 'object') throw listError(document.at, 'the record of one machine was expected')
  const get = (name: string) => textOf(memberOf(document, name), name)
  const [hostName, address, profile] = [get('Hostname') ?? get('Name'), get('InternalAddr'), get('Profile')]
  const macs = itemsOf(memberOf(document, 'MacAddresses')).map(item => {
    const mac = textOf(item, 'MacAddresses')
    return macFact(mac?.value ?? '', item.at)
  })
  const host = {
    at: document.at,
    name: hostName === undefined ? undefined : nameFact(hostName.value, hostName.at),
    macs,
    ip: address === undefined ? undefined : ipFact(address.value, address.at),
    role: profile === undefined ? undefined : roleFact(profile.value, profile.at)
  }
  return { ...emptyList, hosts: [host], remarks: [...source.remarks, ...remarks] }
}
