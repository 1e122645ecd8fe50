// Who has the port of a listener, and whether that is as it should be.
import { connect } from 'node:net'
import type { Clock } from '../base/clock.js'
import { AppError, messageOf } from '../base/errors.js'
import type { Config } from '../config/load.js'
import { findOtherServers } from '../dhcp/other-servers.js'
import { openDeviceSocket } from '../net/device-socket.js'
import { formatIpv4 } from '../net/ipv4.js'
import { kernelUdp } from '../net/udp.js'
import { linkProblem, networkInterfaces } from '../net/interfaces.js'
import { type PortOwner, portOwner } from '../net/port-owner.js'
import { fine, type Finding, note, problem, warning } from './finding.js'

interface Wanted { readonly name: string, readonly transport: 'udp' | 'tcp' | 'unix' }
interface Where { readonly port: number, readonly device?: string, readonly path?: string }

export interface Around {
  readonly config: Config
  readonly clock: Clock
  /** Whether the appliance should be there. */
  readonly running: boolean
}

export type Diagnose = (listener: Wanted, place: Where, around: Around) => Promise<readonly Finding[]>

/** Free while nothing runs, listened on when the appliance does. */
export const portAsItShouldBe: Diagnose = async ({ name, transport }, { port }, { running }) => {
  if (transport === 'unix') return []
  const owner = await portOwner(transport, port)
  const where = `${port}/${transport}`
  if (owner === undefined) return [running ? problem(name, `the appliance runs, and nobody listens on ${where}`) : fine(name, `${where} is free`)]
  return [running ? fine(name, `${where} is listened on by ${named(owner)}`) : problem(name, `${where} is taken by ${named(owner)}: stop that first`)]
}

/**
 * Whether another DHCP server answers on the interface: asked from port 68, as serve asks at its start. A client of this machine
 * there, or a user who may not, keeps it from being asked.
 */
export const otherServers: Diagnose = async ({ name }, { device = '', port }, { config, clock }) => {
  try {
    const interfaces = networkInterfaces()
    const own = interfaces.get(device)
    const server = own?.addresses[0]?.ip
    // What is wrong with the interface is told with it.
    if (own?.mac === undefined || server === undefined || !own.running) return []
    const bind = { address: '0.0.0.0', port, fd: openDeviceSocket(device, port), broadcast: true }
    const ours = [...interfaces.values()].flatMap(({ addresses }) => addresses.map(({ ip }) => ip))
    const found = await findOtherServers({ network: kernelUdp, bind, mac: own.mac, server, ours, clock })
    if (found.length === 0) return [fine(name, `no other DHCP server answers on ${device}`)]
    const text = `another DHCP server answers on ${device} (${found.map(formatIpv4).join(', ')})`
    return [config.dhcp.allow_other_servers
      ? warning(name, `${text}: machines take whichever answer comes first`)
      : problem(name, `${text}: turn it off, set dhcp.mode: proxy to work beside it, or set dhcp.allow_other_servers: true`)]
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const owner = await portOwner('udp', port)
    return [note(name, `whether another DHCP server answers on ${device} can't be asked: ${owner === undefined ? messageOf(error) : `${port}/udp belongs to ${named(owner)}`}`)]
  }
}

/** Whether machines on the interface can be heard. */
export const interfaceUp: Diagnose = async (_, { device = '' }) => {
  const amiss = linkProblem(device, networkInterfaces().get(device))
  return [amiss === undefined ? fine('interface', `${device} is up`) : problem('interface', amiss)]
}

/** Whether somebody answers on a Unix socket. */
export const socketAnswered: Diagnose = async ({ name }, { path = '' }, { running }) => {
  const answered = await new Promise<boolean>(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => { resolve(false) })
  })
  return running === answered ? [] : [problem(name, running ? `nobody answers on ${path}` : `another program answers on ${path}`)]
}

/** All of them, in turn. */
export const each = (...looks: readonly Diagnose[]): Diagnose => async (listener, place, around) =>
  (await Promise.all(looks.map(look => look(listener, place, around)))).flat()

const named = (owner: PortOwner | 'unknown'): string => owner === 'unknown' ? 'a program of another user' : `${owner.name} (pid ${owner.pid})`
