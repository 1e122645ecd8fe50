// firewalld, asked by its own command: whether it runs, which zone an interface is in, and, for a question to the network, whether its
// answers may come in (firewall-cmd(1)).
import { ports } from '../dhcp/constants.js'
import { ask, type Ask } from './command.js'

export const firewalldRuns = async (run: Ask = ask): Promise<boolean> => (await run('firewall-cmd', ['--state'])).code === 0

/** The zone that the interface is in: firewalld's default where it has not been told. */
export const zoneOf = async (interfaceName: string, run: Ask = ask): Promise<string> =>
  await toldZoneOf(interfaceName, run) ?? await defaultZone(run)

/** The zone that firewalld was told for the interface, by a person or by NetworkManager; undefined where nobody did. */
export async function toldZoneOf (interfaceName: string, run: Ask = ask): Promise<string | undefined> {
  const { code, stdout } = await run('firewall-cmd', [`--get-zone-of-interface=${interfaceName}`])
  const zone = code === 0 ? stdout.trim() : ''
  return zone === '' || zone.includes(' ') ? undefined : zone
}

/** The zones of the interfaces, each once; the default one for no interface at all, none where firewalld does not run. */
export async function zonesOf (interfaces: readonly string[], run: Ask = ask): Promise<readonly string[]> {
  if (!await firewalldRuns(run)) return []
  const zones = await Promise.all(interfaces.map(name => zoneOf(name, run)))
  return [...new Set(zones.length === 0 ? [await defaultZone(run)] : zones)].filter(zone => zone !== '')
}

const defaultZone = async (run: Ask): Promise<string> => (await run('firewall-cmd', ['--get-default-zone'])).stdout.trim()

/** Seconds after which firewalld itself shuts what was opened for a question. */
const openFor = 60
const answers = `${ports.client}/udp`

/**
 * Lets answers of DHCP servers in while `question` is asked: without a service of ours firewalld drops them, and a server that is
 * there is not heard.
 */
export async function whileHeard<T> (interfaces: readonly string[], question: () => Promise<T>, run: Ask = ask): Promise<T> {
  const opened: string[] = []
  for (const zone of interfaces.length === 0 ? [] : await zonesOf(interfaces, run)) {
    if ((await run('firewall-cmd', ['--quiet', `--zone=${zone}`, `--query-port=${answers}`])).code === 0) continue
    if ((await run('firewall-cmd', ['--quiet', `--zone=${zone}`, `--add-port=${answers}`, `--timeout=${openFor}`])).code === 0) opened.push(zone)
  }
  try {
    return await question()
  } finally {
    for (const zone of opened) await run('firewall-cmd', ['--quiet', `--zone=${zone}`, `--remove-port=${answers}`])
  }
}
