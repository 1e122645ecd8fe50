// Run by a test in a network namespace: asks a publisher whose name has a silent address, one without a way, and a good one.
import { systemClock } from '../../src/base/clock.js'
import { HttpClient } from '../../src/mirror/http-client.js'
import { Publisher } from './publisher.js'

const server = await Publisher.start()
server.put('/file', 'here')
const { port } = new URL(server.url)
const ask = async (...addresses: readonly string[]): Promise<string> => {
  const resolve = async () => addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
  const client = new HttpClient({ env: {}, timeout: 3000, clock: systemClock, signal: new AbortController().signal, resolve })
  return await client.get(`http://publisher.example:${port}/file`).then(({ statusCode }) => String(statusCode), (error: unknown) => String(error))
}
// 192.0.2.0/24 and 2001:db8::/32 are for documentation; here the first is behind an interface that answers nothing.
console.log(JSON.stringify({
  silentFirst: await ask('192.0.2.99', '127.0.0.1'),
  noWay: await ask('127.0.0.1', '2001:db8::1'),
  noWayFirst: await ask('2001:db8::1', '192.0.2.99', '127.0.0.1'),
  onlySilent: await ask('192.0.2.99', '2001:db8::1')
}))
await server.close()
process.exit()
