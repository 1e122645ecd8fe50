// Where each request comes in: who answers it, what ends its connection, and what is told of it.
import { once } from 'node:events'
import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { createLog } from '../../src/base/log.js'
import type { Arrival } from '../../src/http/arrival.js'
import { front } from '../../src/http/front.js'
import type { RequestEvent } from '../../src/http/machine-log.js'
import { logLines } from '../helpers/log-lines.js'

async function serve (t: Test, handlers: Readonly<Record<string, (arrival: Arrival) => void | Promise<void>>>) {
  const { stream, entries } = logLines()
  const events: RequestEvent[] = []
  const closing = { is: false }
  const server = createServer(front({
    route: ({ path }) => handlers[path],
    others: arrival => { arrival.send({ status: 404, headers: {}, body: Buffer.from('others') }) },
    isClosing: () => closing.is,
    log: createLog({ level: 'info', pretty: false, destination: stream }),
    onRequest: event => { events.push(event) }
  })).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const ask = async (path: string, headers: Record<string, string | number> = {}, body = '') => {
    const asked = request({ port, host: '127.0.0.1', path, method: 'POST', headers, agent: false })
    asked.end(body)
    const [answer] = await once(asked, 'response') as [IncomingMessage]
    let text = ''
    for await (const piece of answer) text += String(piece)
    asked.destroy()
    return { status: answer.statusCode, connection: answer.headers.connection, text }
  }
  return { ask, closing, entries, events, server }
}

t.test('a body of 256 KiB is drained, and a longer one, or one of no length, ends the connection', async t => {
  const { ask, closing } = await serve(t, {})
  const connection = async (headers: Record<string, string | number>, body = ''): Promise<string | undefined> => (await ask('/', { connection: 'keep-alive', ...headers }, body)).connection
  const drained = 256 * 1024
  t.equal(await connection({ 'content-length': 0 }), 'keep-alive')
  t.equal(await connection({ 'content-length': drained }, 'x'.repeat(drained)), 'keep-alive')
  t.equal(await connection({ 'content-length': drained + 1 }, 'x'.repeat(drained + 1)), 'close')
  t.equal(await connection({ 'transfer-encoding': 'chunked' }, 'x'), 'close')
  closing.is = true
  t.equal(await connection({ 'content-length': 0 }), 'close')
})

t.test('what goes wrong is answered as long as nothing has left, else the connection ends', async t => {
  const { ask, entries, events } = await serve(t, {
    '/throws': () => { throw new Error('at once') },
    '/rejects': async () => { throw new Error('later') },
    '/begun': async arrival => {
      arrival.begin(200, {}, 10)
      arrival.response.write('half')
      throw new Error('on the way')
    },
    '/fine': arrival => { arrival.send({ status: 200, headers: { 'x-a': 'b' }, body: Buffer.from('fine') }) }
  })
  for (const path of ['/throws', '/rejects']) t.match(await ask(path), { status: 500, text: '500 Internal Server Error\n' }, path)
  await t.rejects(ask('/begun'), 'broken off')
  t.match(await ask('/fine'), { status: 200, text: 'fine' })
  t.match(await ask('/other'), { status: 404, text: 'others' })
  t.same(entries().filter(({ msg }) => msg === 'http.failed').map(({ err }) => err), ['at once', 'later', 'on the way'])
  t.same(events.map(({ path, status, finished }) => [path, status, finished]), [
    ['/throws', 500, true], ['/rejects', 500, true], ['/begun', 200, false], ['/fine', 200, true], ['/other', 404, true]
  ])
  t.match(events[3], { bytes: 4, ip: '127.0.0.1' })
})
