// What administrators do with machines, over the control socket only: have one start over, say what state it is in, give it a group;
// and which machines there should be.
import type { FastifyInstance, FastifyReply } from 'fastify'
import { findMachine } from '../machines/find-machine.js'
import { type Mac, parseMac } from '../net/mac.js'
import { type MachineRoutesOptions, unkeptOf } from './machine-routes.js'
import { refuse } from './refuse.js'

export interface MachineActions {
  /** Writes a group for the machine; fulfilled with its id, or with why not. */
  readonly adopt: (wanted: { readonly mac: Mac, readonly name: string, readonly ip: string | undefined, readonly profile: string }) =>
  Promise<{ readonly group: string } | { readonly refusal: string }>
  /** The machine is installed, though it did not say so itself. */
  readonly setInstalled: (mac: Mac) => void
}

interface MachineRoute { Params: { mac: string }, Body: unknown }

const textIn = (body: unknown, key: string): string | undefined => {
  const value: unknown = Object(body)[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function registerMachineActions (app: FastifyInstance, options: MachineRoutesOptions & MachineActions): void {
  const { registry, named = () => [], adopt, setInstalled } = options
  /** The machine, or undefined after the request was refused. */
  const machineOf = (text: string, reply: FastifyReply): Mac | undefined => {
    const found = findMachine(text, registry, named())
    if ('problem' in found) refuse(reply, found.several === undefined ? 404 : 409, found.problem)
    else if (registry.get(found.mac) !== undefined) return found.mac
    else refuse(reply, 404, `no machine ${found.mac} has been seen`)
    return undefined
  }
  /** The reply of what could not be kept. */
  const keptFirst = async (mac: Mac, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const unkept = await unkeptOf(registry, mac)
    return unkept === undefined ? undefined : refuse(reply, 503, unkept)
  }
  app.post<MachineRoute>('/v1/machines/:mac/reset', async (request, reply) => {
    const mac = machineOf(request.params.mac, reply)
    if (mac === undefined) return reply
    registry.reset(mac)
    return await keptFirst(mac, reply) ?? reply.send({ mac, reset: true })
  })
  app.post<MachineRoute>('/v1/machines/:mac/state', async (request, reply) => {
    const state = textIn(request.body, 'state')
    if (state !== 'configured' && state !== 'installed') return refuse(reply, 400, 'state takes configured, to install the machine again, or installed; the other states are seen, not set')
    const mac = machineOf(request.params.mac, reply)
    if (mac === undefined) return reply
    if (state === 'configured') registry.reset(mac)
    else setInstalled(mac)
    return await keptFirst(mac, reply) ?? reply.send({ mac, state })
  })
  app.post<MachineRoute>('/v1/machines/:mac/adopt', async (request, reply) => {
    const mac = parseMac(request.params.mac)
    const [name, ip, profile] = ['name', 'ip', 'profile'].map(key => textIn(request.body, key))
    if (mac === undefined) return refuse(reply, 400, `${JSON.stringify(request.params.mac)} is not a hardware address`)
    if (name === undefined || profile === undefined) return refuse(reply, 400, 'name and profile are needed')
    const done = await adopt({ mac, name, ip, profile })
    return 'refusal' in done ? refuse(reply, 409, done.refusal) : { mac, group: done.group }
  })
  app.get('/v1/named', () => [...named()])
}
