// What the configuration names, and may lead nowhere as seen from here: receivers of webhooks, channels that nobody mirrors, an address
// that is another machine's, ports that firmware does not ask at.
import { dhcpInterfaces, type LoadedConfig } from '../config/load.js'
import { ports as dhcpPorts } from '../dhcp/constants.js'
import { parseIpv4 } from '../net/ipv4.js'
import { resolveProblem } from '../net/resolves.js'
import type { Ground } from '../wiring/ground.js'
import { type Finding, note, warning } from './finding.js'

type Seen = Pick<Ground, 'loaded' | 'config' | 'clock' | 'ownAddresses' | 'sources' | 'cluster'>

export const diagnoseLeads = async (ground: Seen): Promise<readonly Finding[]> => [
  ...await receivers(ground),
  ...channels(ground),
  ...elsewhere(ground),
  ...otherPorts(ground.loaded)
]

const told = ({ where }: Pick<LoadedConfig, 'where'>, path: ReadonlyArray<string | number>, what: string): string => `${where(path)}: ${path.join('.')} ${what}`

/** All at once: where a name server says nothing it is waited for one time. */
async function receivers ({ loaded, config, clock }: Seen): Promise<readonly Finding[]> {
  const hosts = new Map(config.webhooks.map(({ url }, n) => [new URL(url).hostname, n]))
  const found = await Promise.all([...hosts].map(async ([host, n]) => {
    const problem = await resolveProblem(host, clock)
    return problem === undefined ? [] : [warning('webhooks', told(loaded, ['webhooks', n, 'url'], `names ${host}, which does not resolve here (${problem}): it is told of nothing until it does`))]
  }))
  return found.flat()
}

/** Releases that are there are given all the same. */
function channels ({ loaded, config, sources }: Seen): readonly Finding[] {
  return config.updates.groups.flatMap(({ os, channel }, n) => {
    if (channel === undefined || sources.some(source => source.os === os && source.channel === channel)) return []
    const mirrored = [...new Set(sources.filter(source => source.os === os).map(source => source.channel))].join(', ')
    return [warning('updates', told(loaded, ['updates', 'groups', n, 'channel'], `is ${channel}, which no source of images.sources mirrors${mirrored === '' ? '' : ` (of ${os}: ${mirrored})`}: its machines hear of no new release`))]
  })
}

/** It may float, or a router lead here from it: only who wrote it knows. */
function elsewhere ({ loaded, config, ownAddresses, cluster }: Seen): readonly Finding[] {
  const ip = parseIpv4(config.advertise)
  if (ip === undefined || cluster !== undefined) return []
  let own: ReturnType<typeof ownAddresses>
  try {
    own = ownAddresses()
  } catch {
    return []
  }
  // What machines never reach is a warning of its own (wiring/reach).
  if (own.some(address => address.ip === ip) || ip >>> 24 === 0 || ip >>> 24 === 127 || ip >>> 28 >= 14) return []
  return [note('advertise', told(loaded, ['advertise'], `is ${config.advertise}, which is no address of this machine: machines boot only where it leads here, as one that floats does`))]
}

function otherPorts ({ config, where }: LoadedConfig): readonly Finding[] {
  const { tftp, dhcp } = config
  const asked = [
    ...tftp.address === null ? [] : [[['tftp', 'address'], tftp.address.port, 69] as const],
    ...dhcpInterfaces(config).length === 0 ? [] : [[['dhcp', 'port'], dhcp.port, dhcpPorts.server] as const],
    ...dhcpInterfaces(config).some(({ mode }) => mode === 'proxy') ? [[['dhcp', 'boot_server_port'], dhcp.boot_server_port, dhcpPorts.bootServer] as const] : []
  ]
  return asked.flatMap(([path, port, usual]) => port === usual || port === 0 ? [] : [note(path[0], told({ where }, path, `has port ${port}: firmware asks at ${usual} alone, and hears nothing unless that leads here`))])
}
