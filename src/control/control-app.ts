// The control socket: what the commands of the same machine ask of a running appliance. HTTP over a Unix socket that only
// root and the service's own group may open; nothing of it is reachable over the network.
import { chmod, lstat, rm } from 'node:fs/promises'
import type { RequestListener, Server } from 'node:http'
import fastify, { type FastifyInstance } from 'fastify'
import { AppError, messageOf } from '../base/errors.js'
import { noSchemas } from '../base/no-schemas.js'
import { parseIpv4, type Ipv4 } from '../net/ipv4.js'
import { isSocketAnswered } from '../net/socket-answered.js'
import { type MachineActions, registerMachineActions } from './machine-actions.js'
import { type MachineRoutesOptions, registerMachineRoutes } from './machine-routes.js'
import { refuse, refuseErrors } from './refuse.js'
import { registerUpdateRoutes, type UpdateControlOptions } from './update-routes.js'

/** A lease as people read it; times in ISO 8601. */
export interface LeaseShown {
  readonly ip: string
  readonly mac: string
  readonly state: string
  readonly since: string
  readonly expires: string
  readonly hostname?: string
}

export interface ControlOptions extends MachineRoutesOptions, MachineActions {
  readonly leases: () => readonly LeaseShown[]
  /** Ends the lease of an address; false when it has none. */
  readonly releaseLease: (ip: Ipv4) => Promise<boolean>
  /** undefined where no groups are configured. */
  readonly dayTwo?: UpdateControlOptions | undefined
  /** The server, with what its clients may hold; one without bounds when it is left out. */
  readonly serverFactory?: (handle: RequestListener) => Server
}

export function buildControlApp (options: ControlOptions): FastifyInstance {
  const { leases, releaseLease, dayTwo, serverFactory } = options
  const limits = { bodyLimit: 64 * 1024, ...serverFactory !== undefined && { serverFactory } }
  const app = fastify({ schemaController: noSchemas, ...limits })
  refuseErrors(app)
  registerMachineRoutes(app, options)
  registerMachineActions(app, options)
  app.get('/v1/leases', () => leases())
  app.post<{ Params: { ip: string } }>('/v1/leases/:ip/release', async (request, reply) => {
    const ip = parseIpv4(request.params.ip)
    if (ip !== undefined && await releaseLease(ip)) return { ip: request.params.ip, released: true }
    return refuse(reply, 404, `no lease of ${request.params.ip}`)
  })
  if (dayTwo !== undefined) registerUpdateRoutes(app, dayTwo)
  else {
    for (const room of ['updates', 'reboots']) {
      for (const below of ['', '/*']) {
        app.route({ method: ['GET', 'POST'], url: `/v1/${room}${below}`, handler: async (_, reply) => await refuse(reply, 404, 'no groups are configured (updates.groups)') })
      }
    }
  }
  return app
}

/** struct sockaddr_un holds 108, the NUL included. */
const longestPath = 107

/** AppError `config_invalid` for a path that no socket can have; `named` is what its key is called. */
export function assertSocketPath (path: string, named = 'control_socket'): void {
  if (Buffer.byteLength(path) > longestPath) throw new AppError('config_invalid', `${named}: ${path} is longer than the ${longestPath} bytes that a Unix socket may have`, { key: 'control_socket' })
}

/** AppError `config_invalid` where something else stands that a socket would replace. */
export async function assertNothingElse (path: string, named = 'control_socket'): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isSocket() === false) throw new AppError('config_invalid', `${named}: ${path} is no socket, and stays as it is: move it away, or name another path`)
}

/** Listens on `path`, taking over a socket that a crash left behind but not one that somebody answers on. */
export async function listenControl (app: FastifyInstance, path: string): Promise<void> {
  assertSocketPath(path)
  await assertNothingElse(path)
  // What else is wrong with it shows when the socket is made.
  if (await isSocketAnswered(path)) throw new AppError('address_in_use', `cannot listen on ${path}: another appliance runs with this control_socket`)
  try {
    await rm(path, { force: true })
    await app.listen({ path })
    await chmod(path, 0o660)
  } catch (error) {
    throw new AppError('socket_failed', `cannot listen on ${path} (control_socket): ${messageOf(error)}`, { cause: error })
  }
}
