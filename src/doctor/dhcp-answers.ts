// Who answers DHCP on an interface, asked over the wire as a machine would: the running service, and nobody else.
import { AppError, messageOf } from '../base/errors.js'
import { dhcpInterfaces } from '../config/load.js'
import { ports } from '../dhcp/constants.js'
import { askServers, type ServerReply } from '../dhcp/server-question.js'
import { openDeviceSocket } from '../net/device-socket.js'
import { networkInterfaces } from '../net/interfaces.js'
import { contains, formatIpv4, type Ipv4 } from '../net/ipv4.js'
import { portSockets } from '../net/port-owner.js'
import { kernelUdp } from '../net/udp.js'
import { fine, type Finding, note, problem, warning } from './finding.js'
import type { Around, Diagnose } from './ports.js'

/** Mode server: asked from port 68, as serve asks at its start; when the service runs, whether it answers too. */
export const serverAnswers: Diagnose = async ({ name }, { device = '' }, around) => await answersOn(name, device, 'server', around)

/** Mode proxy: what runs answers what firmware asks. Whether another server gives addresses is none of its business. */
export const proxyAnswers: Diagnose = async ({ name }, { device = '' }, around) => {
  const mode = dhcpInterfaces(around.config).find(({ name }) => name === device)?.mode
  return around.running && mode === 'proxy' ? await answersOn(name, device, mode, around) : []
}

/** A client of this machine on port 68, or a user who may not, keeps it from being asked. */
async function answersOn (name: string, device: string, mode: 'server' | 'proxy', { config, clock, running }: Around): Promise<readonly Finding[]> {
  try {
    const interfaces = networkInterfaces()
    const at = interfaces.get(device)
    const own = at?.addresses[0]?.ip
    // What is wrong with the interface is told with it.
    if (at?.mac === undefined || own === undefined || !at.running) return []
    // The service has the port too, and both hear what is broadcast.
    const bind = { address: '0.0.0.0', port: ports.client, fd: openDeviceSocket(device, ports.client, { shared: running }), broadcast: true }
    const answers = await askServers({ network: kernelUdp, bind, mac: at.mac, own, as: mode === 'server' ? 'client' : 'firmware', ownToo: running, clock })
    const { subnets, allow_other_servers: othersAllowed, port } = config.dhcp
    const isHeard = port === ports.server && (mode === 'proxy' || subnets.some(({ subnet }) => at.addresses.some(({ ip }) => contains(subnet, ip))))
    return judgeAnswers({
      name,
      device,
      mode,
      answers,
      expected: running && isHeard,
      othersAllowed,
      ours: new Set([...interfaces.values()].flatMap(({ addresses }) => addresses.map(({ ip }) => ip)))
    })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const [owner] = (await portSockets('udp', ports.client)).flatMap(({ holders }) => holders)
    return [note(name, `who answers DHCP on ${device} can't be asked: ${owner === undefined ? messageOf(error) : `${ports.client}/udp belongs to ${owner.name} (pid ${owner.pid})`}`)]
  }
}

export interface AnswersHeard {
  /** The listener. */
  readonly name: string
  readonly device: string
  readonly mode: 'server' | 'proxy'
  readonly answers: readonly ServerReply[]
  /** This machine's addresses. */
  readonly ours: ReadonlySet<Ipv4>
  /** Whether the service should have answered. */
  readonly expected: boolean
  readonly othersAllowed: boolean
}

export function judgeAnswers ({ name, device, mode, answers, ours, expected, othersAllowed }: AnswersHeard): readonly Finding[] {
  const own = answers.filter(({ server }) => ours.has(server))
  const others = mode === 'proxy' ? [] : [...new Set(answers.map(({ server }) => server).filter(server => !ours.has(server)))]
  const findings: Finding[] = []
  if (others.length > 0) {
    const text = `another DHCP server answers on ${device} (${others.map(formatIpv4).join(', ')})`
    findings.push(othersAllowed
      ? warning(name, `${text}: machines take whichever answer comes first`)
      : { ...problem(name, `${text}: turn it off, set dhcp.mode: proxy to work beside it, or set dhcp.allow_other_servers: true`, 'dhcp.mode: proxy'), isOtherServer: true })
  }
  if (expected && own.length === 0) {
    findings.push(problem(name, `nothing answers a DISCOVER on ${device} from here: machines there are not answered; a firewall has to let in ${ports.server}/udp, and journalctl -u core-provisioner tells what was dropped`))
  }
  // One server answers a question once.
  if (own.some(({ question, server }, index) => own.findIndex(other => other.question === question && other.server === server) < index)) {
    findings.push(problem(name, `a question on ${device} is answered twice by this machine: another DHCP server runs here too`))
  }
  if (findings.length > 0) return findings
  const offered = own.find(({ ip }) => ip !== 0)
  const what = offered === undefined ? '' : ` and offers ${formatIpv4(offered.ip)}`
  return [fine(name, expected
    ? `this service answers a DISCOVER on ${device}${what}${mode === 'proxy' ? '' : ', and nobody else does'}`
    : `no other DHCP server answers on ${device}`)]
}
