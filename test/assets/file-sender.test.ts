// What becomes of an image that is given to a thread, and of the thread: one that is played, on sockets that are real.
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { ImageThread, type Sent } from '../../src/assets/file-sender.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { until } from '../helpers/until.js'

/** Does with each file what its name says. */
const played = `
import { closeSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
const held = new Map()
const tell = (id, octets, isWhole) => {
  closeSync(held.get(id))
  held.delete(id)
  parentPort.postMessage({ type: 'ended', id, sent: { octets, isWhole, problem: undefined } })
}
parentPort.on('message', call => {
  if (call.type === 'end') process.exit(0)
  if (call.type === 'cut') return held.has(call.id) && tell(call.id, 3, false)
  held.set(call.id, call.socket)
  parentPort.postMessage({ type: 'progress', far: [[call.id, 3], [99, 4]] })
  if (call.path === 'crash') throw new Error('odd')
  if (call.path === 'whole') tell(call.id, call.length, true)
})`

const counted = (what: 'fd' | 'task'): number => readdirSync(`/proc/self/${what}`).length

async function scene (t: Test, { most = 8, source = played } = {}) {
  const file = join(t.testdir(), 'thread.mjs')
  writeFileSync(file, source)
  const [clock, crashes] = [new FakeClock(), [] as string[]]
  const own = { clock, most, onCrash: (error: Error) => { crashes.push(error.message) }, entry: pathToFileURL(file) }
  const thread = new ImageThread(own)
  // The thread keeps no process alive, and here nothing else does.
  const alive = setInterval(() => {}, 1000)
  t.teardown(async () => {
    clearInterval(alive)
    await thread.close()
  })
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const socket = async (): Promise<Socket> => {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {}).resume()
    const [met] = await once(server, 'connection') as [Socket]
    met.on('error', () => {})
    t.teardown(() => {
      client.destroy()
      met.destroy()
    })
    return met
  }
  const progress: number[] = []
  const identity = { dev: 1n, ino: 1n, size: 9n, mtimeNs: 1n, ctimeNs: 1n, nlink: 1n, mode: 0o100444n, uid: 0n, gid: 0n }
  const send = (on: Socket, path: string): Promise<Sent> | undefined =>
    thread.send(on, { path, from: { fd: 0, identity, place: path }, start: 0, length: 9 }, octets => { progress.push(octets) })
  return { thread, clock, crashes, own, socket, send, progress }
}

t.test('told of on its way and in the end; a minute after the last one the thread ends, and another begins with the next', async t => {
  const { thread, clock, socket, send, progress } = await scene(t)
  const on = await socket()
  const [descriptors, threads, listeners] = [counted('fd'), counted('task'), on.listenerCount('close')]
  t.same(await send(on, 'whole'), { octets: 9, isWhole: true, problem: undefined })
  t.same(progress, [3])
  t.same([thread.count, on.listenerCount('close'), on.getMaxListeners()], [0, listeners, 10])
  t.equal(clock.pending, 1)
  const held = send(on, 'held')!
  t.equal(clock.pending, 0, 'one is on its way')
  t.equal(thread.count, 1)
  t.same(await send(await socket(), 'whole'), { octets: 9, isWhole: true, problem: undefined })
  t.equal(clock.pending, 0, 'one still is')
  on.destroy()
  t.same(await held, { octets: 3, isWhole: false, problem: undefined }, 'a client that is gone cuts its own')
  clock.advance(59_999)
  t.equal(clock.pending, 1)
  t.equal(counted('task') > threads, true)
  clock.advance(1)
  await until('the thread has ended', () => counted('task') === threads)
  t.equal(clock.pending, 0)
  const next = await socket()
  t.match(await send(next, 'whole'), { isWhole: true })
  await thread.close()
  t.equal(clock.pending, 0)
  await until('no descriptor is left: the first connection is closed, and there are two more', () => counted('fd') === descriptors + 2)
  t.equal(send(next, 'whole'), undefined, 'what is closed takes none')
})

t.test('so many at a time', async t => {
  const { thread, socket, send } = await scene(t, { most: 2 })
  const sockets = [await socket(), await socket(), await socket()] as const
  const [one, two] = [send(sockets[0], 'held')!, send(sockets[1], 'held')!]
  t.equal(thread.count, 2)
  t.equal(send(sockets[2], 'whole'), undefined)
  sockets[0].destroy()
  await one
  t.match(await send(sockets[2], 'whole'), { isWhole: true })
  await thread.close()
  t.match(await two, { octets: 3, isWhole: false }, 'broken off')
})

t.test('one that ends by an error breaks off what is on its way, and there is none for a minute', async t => {
  const { thread, clock, crashes, socket, send } = await scene(t)
  const [one, other] = [await socket(), await socket()]
  const descriptors = counted('fd')
  const held = send(one, 'held')!
  const broken = { octets: 3, isWhole: false, problem: 'the thread of images ended' }
  t.same(await Promise.all([held, send(other, 'crash')]), [broken, broken])
  t.same([crashes, thread.count, clock.pending, counted('fd')], [['odd'], 0, 1, descriptors])
  clock.advance(59_999)
  t.equal(send(one, 'whole'), undefined)
  clock.advance(1)
  t.match(await send(one, 'whole'), { isWhole: true })
  await thread.close()
  t.equal(clock.pending, 0)
})

t.test('a thread that can not be begun leaves nothing open, and the file to the caller', async t => {
  const { thread, own, socket, send } = await scene(t)
  const good = own.entry
  own.entry = new URL('http://no.thread/')
  const on = await socket()
  const descriptors = counted('fd')
  t.equal(send(on, 'whole'), undefined)
  t.same([thread.count, counted('fd')], [0, descriptors])
  own.entry = good
  t.match(await send(on, 'whole'), { isWhole: true })
})

t.test('one that ends by an error while it is closed leaves no timer', async t => {
  const { thread, clock, crashes, socket, send } = await scene(t, { source: played.replace('process.exit(0)', 'throw new Error(\'at the end\')') })
  t.match(await send(await socket(), 'whole'), { isWhole: true })
  await thread.close()
  t.same([crashes, clock.pending], [['at the end'], 0])
})

t.test('nobody is warned of the listeners of a connection that has many', async t => {
  const { socket, send } = await scene(t)
  for (const [many, most] of [[9, 10], [10, 0], [11, 0]] as const) {
    const on = await socket()
    on.setMaxListeners(20)
    while (on.listenerCount('close') < many) on.on('close', () => {})
    on.setMaxListeners(10)
    t.match(await send(on, 'whole'), { isWhole: true })
    t.equal(on.getMaxListeners(), most, `${many} listen`)
  }
})
