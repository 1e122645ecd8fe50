// What a connection leaves behind that ends with many requests on it.
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import t from 'tap'
import { Turns } from '../../src/http/in-turn.js'
import { until } from '../helpers/until.js'

t.test('requests whose connection ends are given up without a stack for each', async t => {
  const depth = Error.stackTraceLimit
  const turns = new Turns()
  const begun: IncomingMessage[] = []
  const errors: string[] = []
  const server = createServer(turns.listener(request => {
    begun.push(request)
    request.on('error', error => { errors.push(error.stack ?? '') })
  })).listen(0, '127.0.0.1')
  t.teardown(() => { server.close() })
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(client, 'connect')
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(60))
  await until('all are read', () => turns.waiting === 59)
  client.resetAndDestroy()
  await until('all are given up', () => turns.waiting === 0)
  await until('the one that had begun hears of it', () => errors.length === 1)
  t.equal(begun.length, 1)
  t.same(errors, ['Error: aborted'], 'nobody asks where')
  t.equal(Error.stackTraceLimit, depth, 'other errors have theirs')
  t.match(new Error('x').stack, /in-turn\.test/)
})
