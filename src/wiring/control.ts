// The control socket, which asks all other parts.
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { errnoOf } from '../base/errors.js'
import { stateAt } from '../dhcp/leases.js'
import { assertNothingElse, assertSocketPath, buildControlApp, listenControl } from '../control/control-app.js'
import { boundedServer, progressTimeout } from '../http/bounded-server.js'
import { ClientConnections } from '../http/client-connections.js'
import { connectionShares, descriptorLimit } from '../net/descriptors.js'
import { formatIpv4 } from '../net/ipv4.js'
import { closeApp, machineRoutes } from './http.js'
import type { Ground } from './ground.js'
import type { PreparedListener } from './listener.js'
import type { ListenPlace } from './place.js'
import { problem } from '../doctor/finding.js'
import { remedyFor } from '../disk/denied.js'
import { noFolder } from '../disk/no-folder.js'
import { makeFolder } from '../disk/make-folder.js'

/** Why no socket can be made there: its folder is made too, in the nearest one that there is. */
async function socketAmiss (path: string): Promise<string | undefined> {
  for (let at = dirname(resolve(path)); ; at = dirname(at)) {
    try {
      if (!(await stat(at)).isDirectory()) return `${at} is no folder`
      await access(at, constants.W_OK | constants.X_OK)
      return undefined
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOTDIR') return await noFolder(at)
      if (errno !== 'ENOENT' || at === '/') return `no socket can be made in ${at} (${errno})${remedyFor(at, error)}`
    }
  }
}

export async function prepareControl ({ loaded }: Ground, { path = '' }: ListenPlace): Promise<PreparedListener> {
  const named = loaded.keyAt(['control_socket'])
  assertSocketPath(path, named)
  await assertNothingElse(path, named)
  const amiss = loaded.isWritten(['control_socket']) ? await socketAmiss(path) : undefined
  return {
    what: 'for commands of this machine',
    findings: amiss === undefined ? [] : [problem('configuration', `${named}: ${amiss}`)],
    listen: async parts => {
      const { leases, clock, dhcpServers, enrolment, observer, dayTwo } = parts
      const limits = connectionShares(descriptorLimit()).control
      const connections = new ClientConnections({ ...limits, progressTimeout, pace: parts.pace, clock })
      const app = buildControlApp({
        ...machineRoutes(parts),
        hold: (request, response) => { connections.hold(request, response) },
        serverFactory: boundedServer(connections),
        leases: () => [...leases.table.values()].sort((a, b) => a.ip - b.ip).map(lease => ({
          ip: formatIpv4(lease.ip),
          mac: lease.mac,
          state: stateAt(lease, clock.now()),
          since: new Date(lease.since).toISOString(),
          expires: new Date(lease.expires).toISOString(),
          ...lease.hostName !== undefined && { hostname: lease.hostName }
        })),
        dayTwo: dayTwo === undefined ? undefined : { ...dayTwo, now: clock.now },
        releaseLease: ip => dhcpServers.release(ip),
        adopt: async wanted => {
          const done = await enrolment.adopt(wanted)
          return 'refusal' in done ? done : { group: done.group.id }
        },
        setInstalled: mac => { observer.onInstalled(mac) }
      })
      await makeFolder(dirname(path)).catch(() => {})
      await listenControl(app, path)
      return { listens: { at: path }, close: grace => closeApp(app, grace, clock) }
    }
  }
}
