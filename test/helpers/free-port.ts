// A TCP port of loopback that nobody listens on at the moment, for programs that have to be told one.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

export async function freePort (): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  await new Promise(resolve => { listener.close(resolve) })
  return port
}
