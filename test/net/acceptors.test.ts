// Several handles on one listening descriptor: what they take is the server's, and ends with it.
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { acceptInNumbers, type Acceptors } from '../../src/net/acceptors.js'
import { openListeningSocket } from '../../src/net/listening-socket.js'

interface Stage { readonly server: Server & { closeIdleConnections: () => void, closeAllConnections: () => void }, readonly acceptors: Acceptors, readonly port: number }

async function stage (t: Test, answer: Parameters<typeof createServer>[1]): Promise<Stage> {
  const server = createServer(answer)
  const fd = openListeningSocket('127.0.0.1', 0)
  server.listen({ fd })
  await once(server, 'listening')
  const acceptors = acceptInNumbers(server, fd)
  t.teardown(() => { server.closeAllConnections() })
  return { server, acceptors, port: (server.address() as AddressInfo).port }
}

t.test('a crowd is answered, most of it through the other handles', async t => {
  const { server, acceptors, port } = await stage(t, (request, response) => { response.end(request.url) })
  const sockets: Socket[] = Array.from({ length: 64 }, (_, n) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET /${n} HTTP/1.1\r\nhost: a\r\n\r\n`)
    return socket
  })
  const answers = await Promise.all(sockets.map(async socket => String((await once(socket, 'data'))[0])))
  answers.forEach((text, n) => { t.match(text, new RegExp(`^HTTP/1.1 200 [^]*\r\n\r\n/${n}$`)) })
  const own = await promisify(server.getConnections.bind(server))()
  t.ok(own < 64, `${own} came to the server's own handle`)
  const closed = once(server, 'close')
  server.close()
  await Promise.all([acceptors.close(), closed])
  await Promise.all(sockets.map(async socket => { if (!socket.closed) await once(socket, 'close') }))
  const refused = connect(port, '127.0.0.1')
  t.match(await once(refused, 'error'), [{ code: 'ECONNREFUSED' }])
})

t.test('who is being answered when it closes is answered', async t => {
  let release = (): void => {}
  const asked = new Promise<void>(resolve => { release = resolve })
  let finish = (): void => {}
  const { server, acceptors, port } = await stage(t, (_, response) => {
    finish = () => { response.end('done') }
    release()
  })
  const answer = new Promise<string>((resolve, reject) => {
    get({ port, host: '127.0.0.1', agent: false }, response => { response.setEncoding('utf8').on('data', resolve) }).on('error', reject)
  })
  await asked
  const closed = Promise.all([acceptors.close(), once(server, 'close'), server.close()])
  finish()
  t.equal(await answer, 'done')
  await closed
})
