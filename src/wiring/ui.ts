// The page for people, on a listener of its own.
import { hostname } from 'node:os'
import { bundledPath } from '../base/bundled.js'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { remedyForSecret } from '../disk/denied.js'
import { readWholeSync } from '../disk/whole-file.js'
import { warning } from '../doctor/finding.js'
import { boundedServer, defaultLimits, progressTimeout, serverOptions } from '../http/bounded-server.js'
import { ClientConnections } from '../http/client-connections.js'
import { connectionShares, descriptorLimit } from '../net/descriptors.js'
import { unmapped } from '../net/ipv4.js'
import { listenError } from '../net/udp.js'
import { Access, parseUsers, type Users } from '../ui/access.js'
import { buildTlsServer, renewTls } from '../ui/tls-server.js'
import { buildUiApp } from '../ui/ui-app.js'
import { type ServerCertificate, openCertificate } from './certificate.js'
import { watchFleet } from './fleet.js'
import type { Ground } from './ground.js'
import { closeApp } from './http.js'
import type { PreparedListener } from './listener.js'
import { boundPort, hostsOf, listensAt } from './listens.js'
import type { ListenPlace } from './place.js'
import { uiSource } from './ui-source.js'

/** AppError names the line of the configuration, or of the file of users, that can't be. */
export async function prepareUi (ground: Ground, place: ListenPlace): Promise<PreparedListener> {
  const { key, host = '0.0.0.0', port } = place
  const { config: { ui, advertise } } = ground
  const certificate = await openTls(ground)
  let users = readUsers(ground)
  const how = [...certificate === undefined ? [] : ['over TLS by client certificate'], ...users === undefined ? [] : ['by name and password']]
  const everybody = ui.allow.some(({ length }) => length === 0) && users === undefined && certificate === undefined
  return {
    what: `shows ${ui.allow.map(({ address, length }) => `${address}/${length}`).join(', ')} what machines do${how.length === 0 ? '' : `, ${how.join(' or ')}`}`,
    findings: [
      ...certificate?.findings ?? [],
      ...ui.allow.length === 0 ? [warning('ui', 'ui.allow is empty: nobody may look')] : [],
      ...everybody ? [warning('ui', 'ui.allow lets everybody look, and neither ui.users_file nor ui.client_certificates asks who it is')] : []
    ],
    ...certificate !== undefined && { close: () => certificate.reloader.close() },
    listen: async parts => {
      const { clock, pace } = parts
      const { fleet, close: stopCounting } = watchFleet(parts)
      const access = new Access(ui.allow, () => users, () => performance.now())
      const connections = new ClientConnections({ ...connectionShares(descriptorLimit()).ui, progressTimeout, pace, clock })
      const app = buildUiApp({
        serverFactory: certificate === undefined ? boundedServer(connections) : overTls(connections, certificate, access),
        source: uiSource(parts, fleet),
        access,
        ...certificate !== undefined && { identity: () => certificate.reloader.identity },
        names: new Set([hostname().toLowerCase(), advertise.toLowerCase()].filter(name => name !== '')),
        filePath: name => bundledPath(`ui/${name}`)
      })
      certificate?.serve(parts, () => { renewTls(app.server, certificate.reloader.identity) })
      const socket = parts.sockets.take('ui', { key, host, port })
      try {
        await app.listen({ host, port, ...socket !== undefined && { fd: socket.fd } })
      } catch (error) {
        stopCounting()
        throw listenError(error, host, { port, transport: 'tcp' })
      }
      return {
        listens: listensAt({ transport: 'tcp' }, place, boundPort(app.server, port), hostsOf(place, ground.homes), host => `http${certificate === undefined ? '' : 's'}://${host}/ui/`),
        reload: async () => {
          await certificate?.reloader.reload()
          try {
            users = readUsers(ground)
            parts.amiss.delete('users')
          } catch (error) {
            parts.amiss.set('users', [`${messageOf(error)}: those that were read before stay in force`])
            parts.log.warn({ error: messageOf(error) }, 'ui.users')
          }
        },
        close: async grace => {
          stopCounting()
          await closeApp(app, grace, clock)
        }
      }
    }
  }
}

type ServerFactory = ReturnType<typeof boundedServer>

const overTls = (connections: ClientConnections, { reloader }: ServerCertificate, access: Access): ServerFactory => handle => {
  const isAllowed = (address: string | undefined): boolean => access.isAllowed(unmapped(address ?? ''))
  const server = buildTlsServer(reloader.identity, isAllowed, serverOptions(defaultLimits), connections.listener(handle))
  connections.watch(server)
  return server
}

/** The certificates of the gRPC API, where the page asks for its clients'. */
async function openTls (ground: Ground): Promise<ServerCertificate | undefined> {
  const { config: { ui, rpc } } = ground
  if (!ui.client_certificates) return undefined
  try {
    return await openCertificate('ui', ['rpc'], { caFile: rpc.ca_file, certFile: rpc.cert_file, keyFile: rpc.key_file, crlFile: rpc.crl_file }, ground)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, `${error.message} (ui.client_certificates needs it)`, { cause: error })
  }
}

function readUsers ({ loaded: { config: { ui }, keyAt } }: Ground): Users | undefined {
  const path = ui.users_file
  if (path === '') return undefined
  const refuse = (why: string): never => { throw new AppError('config_invalid', `${keyAt(['ui', 'users_file'])}: ${why}`) }
  let text: string
  try {
    text = readWholeSync(path, 'credentials').toString()
  } catch (error) {
    return refuse(errnoOf(error) === 'ENOENT' ? `there is no file ${path}; core-provisioner ui password prints its lines` : `cannot read ${path}: ${messageOf(error)}${remedyForSecret(path, error)}`)
  }
  const users = parseUsers(text)
  if ('wrongLine' in users) return refuse(`${path}:${users.wrongLine}: expected NAME:$scrypt$..., as core-provisioner ui password prints it`)
  return users.size === 0 ? refuse(`${path} names nobody`) : users
}
