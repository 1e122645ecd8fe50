// Who has the port of a listener, and whether that is as it should be.
import { connect } from 'node:net'
import { linkProblem, networkInterfaces } from '../net/interfaces.js'
import { type PortOwner, portOwner } from '../net/port-owner.js'
import { fine, type Finding, note, problem } from './finding.js'

interface Wanted { readonly name: string, readonly transport: 'udp' | 'tcp' | 'unix' }
interface Where { readonly port: number, readonly device?: string, readonly path?: string }

/** `running`: when the appliance should be there. */
export type Diagnose = (listener: Wanted, place: Where, running: boolean) => Promise<readonly Finding[]>

/** Free while nothing runs, listened on when the appliance does. */
export const portAsItShouldBe: Diagnose = async ({ name, transport }, { port }, running) => {
  if (transport === 'unix') return []
  const owner = await portOwner(transport, port)
  const where = `${port}/${transport}`
  if (owner === undefined) return [running ? problem(name, `the appliance runs, and nobody listens on ${where}`) : fine(name, `${where} is free`)]
  return [running ? fine(name, `${where} is listened on by ${named(owner)}`) : problem(name, `${where} is taken by ${named(owner)}: stop that first`)]
}

/** A port that is only asked from, at the start: with a client of this machine there the service starts unasked. */
export const portToAskFrom: Diagnose = async ({ name }, { port }, running) => {
  const owner = running ? undefined : await portOwner('udp', port)
  return owner === undefined ? [] : [note(name, `${port}/udp belongs to ${named(owner)}: whether another DHCP server answers can't be asked from there`)]
}

/** Whether machines on the interface can be heard. */
export const interfaceUp: Diagnose = async (_, { device = '' }) => {
  const amiss = linkProblem(device, networkInterfaces().get(device))
  return [amiss === undefined ? fine('interface', `${device} is up`) : problem('interface', amiss)]
}

/** Whether somebody answers on a Unix socket. */
export const socketAnswered: Diagnose = async ({ name }, { path = '' }, running) => {
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
export const each = (...looks: readonly Diagnose[]): Diagnose => async (listener, place, running) =>
  (await Promise.all(looks.map(look => look(listener, place, running)))).flat()

const named = (owner: PortOwner | 'unknown'): string => owner === 'unknown' ? 'a program of another user' : `${owner.name} (pid ${owner.pid})`
