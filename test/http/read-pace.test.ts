// What many clients pipeline is read a part in each turn of the event loop, and all of it in the end.
import { createServer } from 'node:http'
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import t from 'tap'
import { ClientConnections } from '../../src/http/client-connections.js'
import { ReadPace } from '../../src/http/read-pace.js'

const [clients, pipelined] = [40, 50]

t.test('a turn reads for its time and what one connection had, and nobody is forgotten', async t => {
  // A clock of work: a millisecond for each request that is read.
  let reads = 0
  const connections = new ClientConnections({ all: 100, perAddress: 100, progressTimeout: 60_000, readPace: new ReadPace(() => reads) })
  const server = createServer(connections.listener((_, response) => { response.end('ok') }))
  connections.watch(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets: Socket[] = []
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const answers: Array<Promise<number>> = []
  for (let n = 0; n < clients; n++) {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    sockets.push(socket)
    await once(socket, 'connect')
    let text = ''
    answers.push(new Promise(resolve => {
      socket.setEncoding('latin1').on('data', (more: string) => {
        text += more
        const count = text.split('HTTP/1.1 200 ').length - 1
        if (count === pipelined) resolve(count)
      })
    }))
  }
  const perTurn: number[] = []
  let isOver = false
  const nextTurn = (): void => {
    perTurn.push(reads - perTurn.reduce((sum, count) => sum + count, 0))
    if (!isOver) setImmediate(nextTurn)
  }
  server.on('request', () => { reads++ })
  setImmediate(nextTurn)
  for (const socket of sockets) socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(pipelined))
  t.same(await Promise.all(answers), sockets.map(() => pipelined))
  isOver = true
  t.ok(Math.max(...perTurn) <= 10 + pipelined, `${Math.max(...perTurn)} requests in a turn at most`)
  t.equal(reads, clients * pipelined)
})
