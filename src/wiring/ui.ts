// The page for people, on a listener of its own.
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { bundledPath } from '../base/bundled.js'
import { AppError, messageOf } from '../base/errors.js'
import { warning } from '../doctor/finding.js'
import { boundedServer, progressTimeout } from '../http/bounded-server.js'
import { ClientConnections } from '../http/client-connections.js'
import { connectionShares, descriptorLimit } from '../net/descriptors.js'
import { listenError } from '../net/udp.js'
import { Access, parseUsers, type Users } from '../ui/access.js'
import { buildUiApp } from '../ui/ui-app.js'
import type { Ground } from './ground.js'
import { closeApp } from './http.js'
import type { PreparedListener } from './listener.js'
import { boundPort, hostsOf, listensAt } from './listens.js'
import type { Place } from './place.js'
import { uiSource } from './ui-source.js'

/** AppError names the line of the configuration, or of the file of users, that can't be. */
export async function prepareUi (ground: Ground, place: Place): Promise<PreparedListener> {
  const { key, host = '0.0.0.0', port } = place
  const { config: { ui, advertise } } = ground
  let users = readUsers(ground)
  const everybody = ui.allow.some(({ length }) => length === 0) && users === undefined
  return {
    what: `shows ${ui.allow.map(({ address, length }) => `${address}/${length}`).join(', ')} what machines do${users === undefined ? '' : ', by name and password'}`,
    findings: everybody ? [warning('ui', 'ui.allow lets everybody look, and no ui.users_file asks for a password')] : [],
    listen: async shared => {
      const { clock, pace } = shared
      const connections = new ClientConnections({ ...connectionShares(descriptorLimit()).ui, progressTimeout, pace, clock })
      const app = buildUiApp({
        serverFactory: boundedServer(connections),
        source: uiSource(shared),
        access: new Access(ui.allow, () => users, () => performance.now()),
        names: new Set([hostname().toLowerCase(), advertise.toLowerCase()].filter(name => name !== '')),
        filePath: name => bundledPath(`ui/${name}`)
      })
      const socket = shared.sockets.take('ui', { key, host, port })
      try {
        await app.listen({ host, port, ...socket !== undefined && { fd: socket.fd } })
      } catch (error) {
        throw listenError(error, `${host}:${port}/tcp`)
      }
      return {
        inherited: socket !== undefined,
        listens: listensAt({ transport: 'tcp' }, place, boundPort(app.server, port), hostsOf(place, ground.homes), host => `http://${host}/ui/`),
        reload: async () => {
          try {
            users = readUsers(ground)
          } catch (error) {
            shared.log.warn({ error: messageOf(error) }, 'ui.users')
          }
        },
        close: grace => closeApp(app, grace, clock)
      }
    }
  }
}

function readUsers ({ loaded: { config: { ui }, where } }: Ground): Users | undefined {
  const path = ui.users_file
  if (path === '') return undefined
  const refuse = (why: string): never => { throw new AppError('config_invalid', `${where(['ui', 'users_file'])}: ui.users_file: ${why}`) }
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return refuse(messageOf(error))
  }
  const users = parseUsers(text)
  if ('wrongLine' in users) return refuse(`${path}:${users.wrongLine}: expected NAME:$scrypt$..., as core-provisioner ui password prints it`)
  return users.size === 0 ? refuse(`${path} names nobody`) : users
}
