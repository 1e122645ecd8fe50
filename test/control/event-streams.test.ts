import { EventEmitter, once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { EventStreams } from '../../src/control/event-streams.js'

async function serve (t: Test): Promise<{ readonly streams: EventStreams, readonly port: number }> {
  const streams = new EventStreams()
  const server = createServer((_, response) => { streams.add(response, ': first\n\n') }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    streams.end()
    server.closeAllConnections()
    server.close()
  })
  return { streams, port: (server.address() as AddressInfo).port }
}

async function read (port: number): Promise<{ readonly text: () => string, readonly until: (found: RegExp) => Promise<void> }> {
  const [answer] = await once(get({ host: '127.0.0.1', port, agent: false }), 'response') as [IncomingMessage]
  let text = ''
  answer.setEncoding('utf8').on('data', (more: string) => { text += more })
  return { text: () => text, until: async found => { while (!found.test(text)) await once(answer, 'data') } }
}

t.test('an event goes to all who read it, and to nobody who comes later', async t => {
  const { streams, port } = await serve(t)
  const send = (text: string): void => { streams.send(`data: ${text}\n\n`) }
  send('early')
  const readers = await Promise.all(Array.from({ length: 20 }, () => read(port)))
  for (let i = 0; i < 100; i++) send(String(i))
  await Promise.all(readers.map(reader => reader.until(/data: 99\n\n/)))
  for (const { text } of readers) t.equal(text(), `: first\n\n${Array.from({ length: 100 }, (_, i) => `data: ${i}\n\n`).join('')}`)
})

t.test('who does not read is cut off, and the others hear all', async t => {
  const { streams, port } = await serve(t)
  const deaf = connect(port, '127.0.0.1').on('error', () => {})
  deaf.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(deaf, 'data')
  deaf.pause()
  const reader = await read(port)
  t.equal(streams.size, 2)
  let sent = 0
  for (; streams.size === 2 && sent < 1000; sent++) {
    streams.send(`data: ${sent} ${'x'.repeat(64 * 1024)}\n\n`)
    await reader.until(new RegExp(`data: ${sent} x+\n\n`))
  }
  t.equal(streams.size, 1, `${sent} events`)
  deaf.destroy()
})

/** A reader that writes down what it gets. */
class Reader extends EventEmitter {
  readonly writableLength = 0
  readonly heard: string[] = []
  head: unknown
  isEnded = false

  writeHead (...head: unknown[]): void { this.head = head }
  write (text: string | Buffer): void { this.heard.push(text.toString()) }
  end (): void { this.isEnded = true }
}

function played (t: Test): { readonly add: (streams: EventStreams, first?: string) => Reader } {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  t.teardown(() => { mock.timers.reset() })
  return {
    add: (streams, first = '') => {
      const reader = new Reader()
      streams.add(reader as unknown as ServerResponse, first)
      return reader
    }
  }
}

t.test('what happens within twenty milliseconds is one write', t => {
  const { add } = played(t)
  const streams = new EventStreams()
  streams.send('nobody')
  const reader = add(streams, 'first')
  t.same(reader.head, [200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }])
  streams.send('a')
  mock.timers.tick(10)
  streams.send('b')
  mock.timers.tick(9)
  t.same(reader.heard, ['first'])
  mock.timers.tick(1)
  t.same(reader.heard, ['first', 'ab'])
  streams.send('c')
  mock.timers.tick(20)
  streams.send('d')
  const later = add(streams)
  streams.end()
  t.same(reader.heard, ['first', 'ab', 'c', 'd'])
  t.same([later.heard, later.isEnded, reader.isEnded], [[''], true, true], 'what was gathered before it came is not for it')
  t.end()
})

t.test('a gatherer that gathers itself has each event sent at once', t => {
  const { add } = played(t)
  const streams = new EventStreams(0)
  const reader = add(streams)
  streams.send('a')
  t.same(reader.heard, ['', 'a'])
  t.end()
})

t.test('every quarter of a minute a line on which nothing else comes, as long as there is a reader', t => {
  const { add } = played(t)
  const streams = new EventStreams()
  const [one, other] = [add(streams), add(streams)]
  mock.timers.tick(14_999)
  t.same(one.heard, [''])
  mock.timers.tick(1)
  t.same([one.heard, other.heard], [['', ':\n\n'], ['', ':\n\n']], 'one for all, not one for each')
  other.emit('close')
  mock.timers.tick(15_000)
  t.same([one.heard.length, other.heard.length, streams.size], [3, 2, 1])
  one.emit('close')
  mock.timers.tick(10_000)
  const third = add(streams)
  mock.timers.tick(14_999)
  t.same(third.heard, [''], 'from when the first of them came')
  mock.timers.tick(15_001)
  t.same([third.heard.length, one.heard.length], [3, 3])
  t.end()
})
