// Whether machines can reach what they are told: a listener may be on another address than the one that machines are given, and a name
// may resolve to nothing.
import type { Clock } from '../base/clock.js'
import type { LoadedConfig } from '../config/load.js'
import { type Finding, warning } from '../doctor/finding.js'
import { hasAddress } from '../net/interfaces.js'
import { parseIpv4 } from '../net/ipv4.js'
import { resolveProblem } from '../net/resolves.js'
import { isWildcard, type ListenPlace } from './place.js'

const isLoopback = (host: string): boolean => /^(?:127\.|localhost$|::1$|\[::1\]$)/i.test(host)

/** `told` is the name or address that machines are given for what listens at the place. */
export function elsewhere (loaded: Pick<LoadedConfig, 'where'>, { key, host = '0.0.0.0', port }: ListenPlace, told: string): readonly Finding[] {
  if (isWildcard(host) || host === told) return []
  const ip = parseIpv4(told)
  const apart = isLoopback(host) ? !isLoopback(told) : ip !== undefined && hasAddress(ip, false)
  return apart ? [warning(key, `${loaded.where(key.split('.'))}: ${key} is ${host}:${port}, and machines are told ${told}: nobody listens there`)] : []
}

/** Why no machine can be told the address; `host` is where HTTP listens. */
function nowhere (name: string, host: string): string | undefined {
  if (isLoopback(name)) return isLoopback(host) ? undefined : 'which is each machine itself'
  const first = (parseIpv4(name) ?? 1 << 24) >>> 24
  if (first === 0) return 'which is no machine\'s address'
  return first >= 224 ? 'which stands for many' : undefined
}

/** The names in the URLs that machines are given. */
export async function unresolved ({ config, where }: LoadedConfig, clock: Clock): Promise<readonly Finding[]> {
  const script = config.boot.script_url
  const names = [['advertise', config.advertise], ['boot.script_url', script === '' ? '' : new URL(script).hostname]] as const
  const found = await Promise.all(names.map(async ([key, name]): Promise<readonly Finding[]> => {
    const why = nowhere(name, config.http.address.host)
    if (why !== undefined) return [warning(key, `${where(key.split('.'))}: ${key} is ${name}, ${why}: nobody finds this service there`)]
    const problem = name === '' ? undefined : await resolveProblem(name, clock)
    return problem === undefined ? [] : [warning(key, `${where(key.split('.'))}: ${key}: ${name} does not resolve here (${problem}), and machines are given it`)]
  }))
  return found.flat()
}
