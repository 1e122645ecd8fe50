// Who has the port of a listener, and whether that is as it should be.
import { readFileSync } from 'node:fs'
import type { Clock } from '../base/clock.js'
import type { Config } from '../config/load.js'
import { linkProblem, networkInterfaces } from '../net/interfaces.js'
import { portSockets } from '../net/port-owner.js'
import { isSocketAnswered } from '../net/socket-answered.js'
import { fine, type Finding, problem } from './finding.js'
import { judgePort } from './port-judge.js'

interface Wanted { readonly name: string, readonly transport: 'udp' | 'tcp' | 'unix', readonly systemd?: string | undefined }
interface Where { readonly port: number, readonly device?: string, readonly path?: string }

export interface Around {
  readonly config: Config
  readonly clock: Clock
  /** Whether the appliance should be there. */
  readonly running: boolean
  /** Its processes, as far as they can be told. */
  readonly own: ReadonlySet<number>
  /** Socket units that systemd keeps open for it. */
  readonly units: ReadonlySet<string>
}

export type Diagnose = (listener: Wanted, place: Where, around: Around) => Promise<readonly Finding[]>

/** Free while nothing runs, listened on by the appliance alone when it does. */
export const portAsItShouldBe: Diagnose = async ({ name, transport, systemd = '' }, { port }, { running, own, units }) => {
  if (transport === 'unix') return []
  const sockets = await portSockets(transport, port)
  const kept = units.has(`core-provisioner-${systemd}.socket`)
  return judgePort({ name, where: `${port}/${transport}`, sockets, running, own, kept, isLibvirts })
}

function isLibvirts ({ pid }: { readonly pid: number }): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('/libvirt/dnsmasq/')
  } catch {
    return false
  }
}

/** Whether machines on the interface can be heard. */
export const interfaceUp: Diagnose = async (_, { device = '' }) => {
  const amiss = linkProblem(device, networkInterfaces().get(device))
  return [amiss === undefined ? fine('interface', `${device} is up`) : problem('interface', amiss)]
}

/** Whether somebody answers on a Unix socket. */
export const socketAnswered: Diagnose = async ({ name }, { path = '' }, { running }) => {
  const answered = await isSocketAnswered(path)
  return running === answered ? [] : [problem(name, running ? `nobody answers on ${path}` : `another program answers on ${path}`)]
}

/** All of them, in turn. */
export const each = (...looks: readonly Diagnose[]): Diagnose => async (listener, place, around) =>
  (await Promise.all(looks.map(look => look(listener, place, around)))).flat()
