// The optional TLS listener of the HTTP API, its certificate kept in step with the files.
import { once } from 'node:events'
import { AppError } from '../base/errors.js'
import { buildHttpsServer } from '../http/https-server.js'
import { acceptInNumbers } from '../net/acceptors.js'
import { listenError } from '../net/udp.js'
import type { TlsReloader } from '../tls/reload.js'
import { type ServerCertificate, openCertificate } from './certificate.js'
import type { Ground } from './ground.js'
import type { PreparedListener } from './listener.js'
import { boundPort, listensAt, toldHosts } from './listens.js'
import type { ListenPlace } from './place.js'

/** AppError names the key and the line it was written on. */
export async function prepareHttps (ground: Ground, place: ListenPlace): Promise<PreparedListener> {
  const { key, host = '0.0.0.0', port } = place
  const { config: { http: { https } }, log } = ground
  const { reloader, findings, serve } = await open(ground)
  return {
    what: `as ${https.cert_file}`,
    findings,
    close: () => reloader.close(),
    listen: async ({ app, sockets, metrics, amiss, clock }) => {
      const { fd, inherited } = sockets.toListenOn('https', { key, host, port })
      await app.ready()
      const server = buildHttpsServer(app, pairOf(reloader), log)
      serve({ metrics, amiss }, () => { server.setSecureContext({ ...pairOf(reloader), minVersion: 'TLSv1.2' }) })
      server.listen(fd === undefined ? { host, port } : { fd })
      try {
        await once(server, 'listening')
      } catch (error) {
        throw listenError(error, host, { port, transport: 'tcp' })
      }
      const acceptors = fd === undefined ? undefined : acceptInNumbers(server, fd)
      return {
        inherited,
        listens: listensAt({ transport: 'tcp' }, place, boundPort(server, port), toldHosts(ground.homes), host => `https://${host}`),
        reload: async () => { await reloader.reload() },
        close: async grace => {
          app.connections.dismiss()
          const impatient = clock.after(grace, () => { server.closeAllConnections() })
          const closed = Promise.all([acceptors?.close(), once(server, 'close')])
          server.close()
          server.closeIdleConnections()
          await closed
          impatient.cancel()
        }
      }
    }
  }
}

async function open (ground: Ground): Promise<ServerCertificate> {
  const { cert_file: certFile, key_file: keyFile } = ground.config.http.https
  try {
    return await openCertificate('https', ['http', 'https'], { caFile: undefined, certFile, keyFile }, ground)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, `${error.message}; http.https.address: "" turns https off`, { cause: error, port: error.port })
  }
}

const pairOf = ({ identity: { cert, key } }: TlsReloader): { cert: string, key: string } => ({ cert, key })
