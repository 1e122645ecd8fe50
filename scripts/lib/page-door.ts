// Passes on what comes in at a listening socket of elsewhere to a port of this machine's loopback.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

export interface Door { readonly port: number, readonly close: () => void }

/** Owns the descriptor from now on. */
export async function openDoor (fd: number, port: number): Promise<Door> {
  const server = createServer(outside => {
    const inside = connect(port, '127.0.0.1')
    for (const [from, to] of [[outside, inside], [inside, outside]] as const) {
      from.pipe(to)
      from.on('error', () => { to.destroy() })
      from.on('close', () => { to.destroy() })
    }
  })
  server.listen({ fd })
  await once(server, 'listening')
  server.unref()
  return { port: (server.address() as AddressInfo).port, close: () => { server.close() } }
}
