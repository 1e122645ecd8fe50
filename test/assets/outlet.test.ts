// Pieces on their way: two at a time, and each is given back once, whatever becomes of the connection.
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import t from 'tap'
import { Outlet } from '../../src/assets/outlet.js'

function way () {
  const socket = Object.assign(new EventEmitter(), { destroyed: false, destroy: () => { socket.emit('close') } })
  const taken: Array<() => void> = []
  const response = { ended: 0, write: (_: Buffer, done: () => void) => { taken.push(done) }, end: () => { response.ended++ } }
  const released: string[] = []
  const piece = (name: string) => ({ bytes: Buffer.from(name), release: () => { released.push(name) } })
  const open = (): Outlet => new Outlet(response as unknown as ServerResponse, socket as unknown as Socket)
  return { socket, taken, response, released, piece, open }
}

const turn = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })

t.test('two are on their way, and the end waits for both', async t => {
  const { socket, taken, response, released, piece, open } = way()
  const outlet = open()
  for (const name of ['a', 'b']) {
    t.equal(await outlet.hasRoom(), true)
    outlet.write(piece(name))
  }
  let room: boolean | undefined
  const waiting = outlet.hasRoom().then(has => { room = has })
  await turn()
  t.same([room, released], [undefined, []])
  taken.shift()!()
  await waiting
  t.same([room, released], [true, ['a']])
  let isOver = false
  const over = outlet.end().then(() => { isOver = true })
  await turn()
  t.same([isOver, response.ended], [false, 1])
  taken.shift()!()
  await over
  t.same(released, ['a', 'b'])
  t.equal(socket.listenerCount('close'), 0)
})

t.test('a connection that ends gives back what it held, and takes no more', async t => {
  const { socket, taken, released, piece, open } = way()
  const outlet = open()
  outlet.write(piece('a'))
  outlet.write(piece('b'))
  const waiting = outlet.hasRoom()
  outlet.cut()
  t.equal(await waiting, false)
  t.same(released, ['a', 'b'])
  for (const done of taken) done()
  outlet.write(piece('c'))
  t.same([released, taken.length], [['a', 'b', 'c'], 2], 'each once, and nothing more is written')
  await outlet.end()
  socket.destroyed = true
  t.equal(await open().hasRoom(), false, 'one that was gone before')
})

t.test('nobody is warned of the listeners of many answers', t => {
  const { socket, open } = way()
  for (let n = 0; n < 12; n++) open()
  t.equal(socket.getMaxListeners(), 0)
  const few = way()
  few.open()
  t.not(few.socket.getMaxListeners(), 0)
  t.end()
})
