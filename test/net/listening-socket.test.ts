// What connections hold in the kernel, on a listening socket of our own.
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, connect, type AddressInfo } from 'node:net'
import t from 'tap'
import { connectionBuffer, openListeningSocket } from '../../src/net/listening-socket.js'

for (const [host, at] of [['127.0.0.1', '127.0.0.1'], ['0.0.0.0', '127.0.0.1'], ['::1', '::1'], ['::', '127.0.0.1'], ['::', '::1'], ['::ffff:127.0.0.1', '127.0.0.1']] as const) {
  t.test(`${host} is met at ${at}`, async t => {
    const server = createServer(socket => { socket.end('met') })
    server.listen({ fd: openListeningSocket(host, 0) })
    await once(server, 'listening')
    const client = connect((server.address() as AddressInfo).port, at)
    const [data] = await once(client, 'data') as [Buffer]
    t.equal(data.toString(), 'met')
    client.destroy()
    server.close()
    await once(server, 'close')
  })
}

t.test('a port that is taken, and an address of another machine', async t => {
  const server = createServer()
  server.listen({ fd: openListeningSocket('127.0.0.1', 0) })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const open = (): number => readdirSync('/proc/self/fd').length
  const before = open()
  t.throws(() => openListeningSocket('127.0.0.1', port), { code: 'address_in_use', message: `cannot listen on 127.0.0.1:${port}/tcp: another program listens there` })
  t.throws(() => openListeningSocket('192.0.2.1', 80), { code: 'address_not_here' })
  t.equal(open(), before, 'what could not be bound is closed')
  server.close()
})

t.test('no more than so much comes at once, and what is not read stays with the client', async t => {
  const pieces: number[] = []
  let arrived = (): void => {}
  const server = createServer(socket => {
    socket.on('data', data => {
      pieces.push(data.length)
      if (pieces.length === 1) socket.pause()
      arrived()
    })
  })
  server.listen({ fd: openListeningSocket('127.0.0.1', 0) })
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(client, 'connect')
  const first = new Promise<void>(resolve => { arrived = resolve })
  client.write(Buffer.alloc(8 << 20))
  await first
  t.ok(pieces[0]! <= 4 * connectionBuffer, `${pieces[0]} octets`)
  client.destroy()
  server.close()
})
