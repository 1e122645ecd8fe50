import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
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
