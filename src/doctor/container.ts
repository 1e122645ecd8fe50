// In a container, whether its network is the host's: DHCP is broadcasts, and an engine's bridge carries none of the machines'.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { answersDhcp, type Config } from '../config/load.js'
import { type Finding, warning } from './finding.js'

/** What made a container, and how it is told to give it the host's network. */
const engines = {
  Kubernetes: 'hostNetwork: true',
  Docker: 'docker run --network host',
  Podman: 'podman run --network host --cap-add NET_RAW'
} as const
type Engine = keyof typeof engines

/** `root` has its /proc, /sys and /run. */
export function diagnoseContainer (config: Config, root = ''): readonly Finding[] {
  const engine = engineOf(root)
  const links = engine === undefined ? undefined : linksToElsewhere(root)
  if (engine === undefined || links === undefined) return []
  return judgeContainer(engine, links, { dhcp: answersDhcp(config), tftp: config.tftp.address !== null })
}

interface Served { readonly dhcp: boolean, readonly tftp: boolean }

/** `links` are its interfaces. A warning, since somebody may have joined their other ends to the machines' network. */
function judgeContainer (engine: Engine, links: readonly string[], { dhcp, tftp }: Served): readonly Finding[] {
  const where = links.length === 0 ? 'no interface' : `${links.join(', ')}, which ${links.length === 1 ? 'ends' : 'end'} at a bridge of the engine's`
  const text = `this container (${engine}) has a network of its own, with ${where}`
  const fix = engines[engine]
  if (dhcp) return [warning('container', `${text}: the broadcasts of DHCP do not get there, so no machine is heard. Give it the host's network: ${fix}`)]
  if (tftp) return [warning('container', `${text}: TFTP answers from ports that nobody published, and firmware waits in vain. Give it the host's network: ${fix}`)]
  return []
}

function engineOf (root: string): Engine | undefined {
  // Containers of a pod get /etc/hosts from the kubelet, whatever runs them below it.
  if (/^(?:\S+ ){3}\S*\/pods\/\S+ \/etc\/hosts /m.test(textOf(`${root}/proc/self/mountinfo`))) return 'Kubernetes'
  if (existsSync(`${root}/.dockerenv`)) return 'Docker'
  return existsSync(`${root}/run/.containerenv`) ? 'Podman' : undefined
}

/** The interfaces when all are veth pairs whose other end is in another namespace; undefined where one leads to a network by itself. */
function linksToElsewhere (root: string): readonly string[] | undefined {
  const folder = `${root}/sys/class/net`
  let names: readonly string[]
  try {
    names = readdirSync(folder).filter(name => existsSync(`${folder}/${name}/ifindex`))
  } catch {
    return undefined
  }
  const links = names.map(name => {
    const [index, other] = ['ifindex', 'iflink'].map(file => Number(textOf(`${folder}/${name}/${file}`)))
    // What leads somewhere by itself has a device, or is of a type (macvlan, ipvlan, vlan, bridge, bond); a veth has neither.
    return { name, index, other, leads: existsSync(`${folder}/${name}/device`) || /^DEVTYPE=/m.test(textOf(`${folder}/${name}/uevent`)) }
  })
  const here = new Set(links.map(({ index }) => index))
  // The loopback, and the tunnels that the kernel adds to each namespace, have themselves or nothing at their other end.
  const wired = links.filter(({ index, other, leads }) => leads || (other !== index && other !== 0))
  return wired.some(({ other, leads }) => leads || here.has(other)) ? undefined : wired.map(({ name }) => name)
}

function textOf (file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
