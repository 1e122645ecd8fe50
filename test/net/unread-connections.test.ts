// Connections that wait: nothing is read of them, and who is broken goes.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { UnreadConnections } from '../../src/net/unread-connections.js'
import { withoutDescriptors } from '../helpers/no-descriptor.js'
import { until } from '../helpers/until.js'

interface Pair { readonly client: Socket, readonly theirs: Socket }

async function stage (t: Test, come: (socket: Socket) => void): Promise<{ readonly server: Server, readonly connected: () => Promise<Pair> }> {
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {})
    come(socket)
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const connected = async (): Promise<Pair> => {
    const came = once(server, 'connection') as Promise<[Socket]>
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
    const [theirs] = await came
    t.teardown(() => { client.destroy(); theirs.destroy() })
    if (client.connecting) await once(client, 'connect')
    return { client, theirs }
  }
  return { server, connected }
}

const sent = (socket: Socket, text: string): Promise<unknown> => new Promise(resolve => { socket.write(text, resolve) })
/** What came before it has been read by then: another connection's octets, which came later, were. */
async function turn (connected: () => Promise<Pair>, release: (socket: Socket) => void): Promise<void> {
  const { client, theirs } = await connected()
  release(theirs)
  const read = once(theirs, 'data')
  await sent(client, 'x')
  await read
}

t.test('nothing is read of one until it is released, and then all', async t => {
  const unread = new UnreadConnections()
  const { connected } = await stage(t, socket => { unread.add(socket) })
  const { client, theirs } = await connected()
  const half = await connected()
  await sent(client, 'abc')
  half.client.end('def')
  await turn(connected, socket => { unread.release(socket) })
  t.same([theirs.bytesRead, half.theirs.bytesRead, unread.count], [0, 0, 2])
  unread.look()
  t.same([theirs.destroyed, half.theirs.destroyed], [false, false], 'who has sent all that he will may wait for an answer')
  for (const { theirs: socket, text } of [{ theirs, text: 'abc' }, { theirs: half.theirs, text: 'def' }]) {
    unread.release(socket)
    t.equal(String((await once(socket, 'data'))[0]), text)
  }
  if (!half.theirs.readableEnded) await once(half.theirs, 'end')
  t.equal(unread.count, 0)
})

t.test('of any number that are reset none stays, and nothing is left of them', async t => {
  const open = (): number => readdirSync('/proc/self/fd').length
  const unread = new UnreadConnections()
  const { connected } = await stage(t, socket => { unread.add(socket) })
  const before = open()
  const stays = await connected()
  const pairs: Pair[] = []
  for (let n = 0; n < 150; n++) pairs.push(await connected())
  for (const { client } of pairs) {
    await sent(client, 'x'.repeat(1000))
    client.resetAndDestroy()
  }
  await Promise.all(pairs.map(async ({ client }) => { if (!client.closed) await once(client, 'close') }))
  t.equal(unread.count, 151)
  unread.look()
  await until('they are gone', () => unread.count === 1)
  t.ok(pairs.every(({ theirs }) => theirs.destroyed))
  t.notOk(stays.theirs.destroyed)
  stays.theirs.destroy()
  stays.client.destroy()
  await until('all are closed', () => open() === before)
})

t.test('where none can be looked at they are read from, so that Node notices', async t => {
  const unread = new UnreadConnections()
  const { connected } = await stage(t, socket => { withoutDescriptors(() => { unread.add(socket) }) })
  const { client, theirs } = await connected()
  t.equal(unread.count, 0)
  await sent(client, 'abc')
  await until('it is read', () => theirs.bytesRead === 3)
  const closed = new Promise(resolve => { theirs.once('close', resolve) })
  client.resetAndDestroy()
  await closed
  unread.look()
  unread.release(theirs)
})
