// A TCP port of loopback that nobody listens on at the moment, for programs that have to be told one. It lies below those that the
// kernel gives to whoever connects (32768 and above), or another test's connection could have it by the time its program listens. It is
// this test's until its process ends, also while its program is stopped: no test beside it is given the same.
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** `beyond` is the first that is none. */
interface PortRange { readonly lowest: number, readonly beyond: number }

export async function freePort ({ lowest, beyond }: PortRange = { lowest: 10_000, beyond: 32_768 }): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(lowest, beyond)
    // An abstract name of Linux's: it goes with the process that has it, however that ends.
    const claim = await listening(`\0core-provisioner-test-port-${port}`)
    if (claim === undefined) continue
    const listener = await listening(port)
    await closed(listener ?? claim)
    if (listener === undefined) continue
    claim.unref()
    return port
  }
  throw new Error('a hundred ports of loopback that were tried are all taken')
}

/** undefined where somebody has it. */
async function listening (at: number | string): Promise<Server | undefined> {
  const server = createServer()
  if (typeof at === 'string') server.listen(at)
  else server.listen(at, '127.0.0.1')
  try {
    await once(server, 'listening')
    return server
  } catch {
    return undefined
  }
}

const closed = async (server: Server): Promise<void> => { await new Promise(resolve => { server.close(resolve) }) }
