// What of `enrolment` leads nowhere as the configuration and the store are.
import { givesAddresses, type LoadedConfig } from '../config/load.js'
import { findProfile, type Store } from '../matchbox/store.js'
import { type Finding, warning } from './finding.js'

export function enrolmentFindings ({ config, where }: LoadedConfig, store: Pick<Store, 'snapshot' | 'unread'>): readonly Finding[] {
  const { enrolment: { profiles }, dhcp } = config
  const said = (path: ReadonlyArray<string | number>, what: string): Finding =>
    warning('configuration', `${where(path)}: ${path.join('.')} ${what}`)
  const isRead = store.unread?.() === undefined
  const denied = profiles.length > 0 && givesAddresses(config) && dhcp.unknown_clients === 'deny'
  return [
    ...denied ? [said(['enrolment', 'profiles'], 'has no effect: dhcp.unknown_clients is deny, so unknown machines get no address to ask from')] : [],
    ...profiles.flatMap(({ profile }, n) => isRead && findProfile(store.snapshot, profile) === undefined
      ? [said(['enrolment', 'profiles', n, 'profile'], `names ${JSON.stringify(profile)}, which is not in the store: machines that come to it are not enrolled`)]
      : [])
  ]
}
