// Places for connections: who gets one, and who loses one for it.
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import t from 'tap'
import { Connections } from '../../src/net/connections.js'

/** Of a connection what its place depends on. */
class FakeSocket extends EventEmitter {
  readonly name: string
  readonly remoteAddress: string | undefined
  kind: string
  destroyed = false

  /** `ADDRESS/NAME`, `ADDRESS/NAME busy`, `ADDRESS/NAME quiet`. */
  constructor (words: string) {
    super()
    const [name = '', kind = 'idle'] = words.split(' ')
    this.name = name
    this.kind = kind
    this.remoteAddress = name.startsWith('-') ? undefined : name.split('/', 1)[0]
  }

  /** Told of in a later turn, as Node does. */
  destroy (): void {
    this.destroyed = true
    setImmediate(() => { this.emit('close') })
  }

  readonly asSocket = this as unknown as Socket
}

const kindOf = (socket: Socket): string => (socket as unknown as FakeSocket).kind

function hall (limits: { readonly perAddress: number, readonly all: number }, line?: { readonly perAddress: number, readonly all: number }) {
  const displaced: string[] = []
  const sockets = new Map<string, FakeSocket>()
  const places = new Connections({
    ...limits,
    giveWay: [socket => kindOf(socket) === 'idle', socket => kindOf(socket) === 'quiet'],
    ...line !== undefined && { line: { ...line, giveWay: (socket: Socket) => kindOf(socket) === 'quiet' } },
    onDisplaced: socket => {
      const { name, destroyed } = socket as unknown as FakeSocket
      displaced.push(destroyed ? `${name} closed before it was told` : name)
    }
  })
  const come = (words: string): boolean => {
    const socket = new FakeSocket(words)
    sockets.set(socket.name, socket)
    return places.admit(socket.asSocket)
  }
  /** In the order in which they were given a place. */
  const begun: string[] = []
  const enter = (words: string): boolean => {
    const socket = new FakeSocket(words)
    sockets.set(socket.name, socket)
    return places.enter(socket.asSocket, () => { begun.push(socket.name) })
  }
  const open = (): string => [...sockets.values()].filter(({ destroyed }) => !destroyed).map(({ name }) => name).join(' ')
  return { places, come, enter, begun, open, displaced, of: (name: string): FakeSocket => sockets.get(name)! }
}

// Of the last that comes: whether it gets in, and who goes for it.
for (const [what, limits, before, last, isIn, goes] of [
  ['there is room', { perAddress: 2, all: 9 }, ['a/1'], 'a/2', true, ''],
  ['an address that holds its share loses its first', { perAddress: 2, all: 9 }, ['b/1', 'a/1', 'a/2'], 'a/3', true, 'a/1'],
  ['of its share the first that may go', { perAddress: 2, all: 9 }, ['a/1 busy', 'a/2'], 'a/3', true, 'a/2'],
  ['those of the first kind go before those of the second', { perAddress: 2, all: 9 }, ['a/1 quiet', 'a/2'], 'a/3', true, 'a/2'],
  ['of the second kind when there are none of the first', { perAddress: 2, all: 9 }, ['a/1 busy', 'a/2 quiet'], 'a/3', true, 'a/2'],
  ['nobody of its own may go, and others are not looked at', { perAddress: 2, all: 9 }, ['b/1', 'a/1 busy', 'a/2 busy'], 'a/3', false, ''],
  ['that all is taken makes no difference to who holds a share', { perAddress: 2, all: 3 }, ['b/1', 'a/1 busy', 'a/2 busy'], 'a/3', false, ''],
  ['one less than all', { perAddress: 2, all: 3 }, ['a/1', 'b/1'], 'c/1', true, ''],
  ['all is taken: of the address that holds most', { perAddress: 2, all: 3 }, ['b/1', 'a/1', 'a/2'], 'c/1', true, 'a/1'],
  ['that may be a busy one where it holds two more', { perAddress: 3, all: 3 }, ['b/1', 'a/1 busy', 'a/2 busy'], 'c/1', true, 'a/1'],
  ['an idle one of it first', { perAddress: 3, all: 3 }, ['b/1', 'a/1 busy', 'a/2'], 'c/1', true, 'a/2'],
  ['at a difference of one the idle alone', { perAddress: 3, all: 3 }, ['c/1', 'a/1 busy', 'a/2'], 'c/2', true, 'a/2'],
  ['at a difference of one no busy one', { perAddress: 3, all: 3 }, ['c/1', 'a/1 busy', 'a/2 busy'], 'c/2', false, ''],
  ['at a difference of two a busy one', { perAddress: 4, all: 4 }, ['c/1', 'a/1 busy', 'a/2 busy', 'a/3 busy'], 'c/2', true, 'a/1'],
  ['nobody holds more: one of its own', { perAddress: 3, all: 4 }, ['a/1', 'a/2', 'c/1', 'c/2'], 'c/3', true, 'c/1'],
  ['nobody holds more, and its own are busy', { perAddress: 3, all: 4 }, ['a/1', 'a/2', 'c/1 busy', 'c/2 busy'], 'c/3', false, ''],
  ['of two that hold most the one that came first', { perAddress: 3, all: 4 }, ['a/1', 'b/1', 'b/2', 'a/2'], 'c/1', true, 'a/1'],
  ['as many addresses as places: no busy one', { perAddress: 3, all: 2 }, ['a/1 busy', 'b/1 busy'], 'c/1', false, ''],
  ['as many addresses as places: an idle one', { perAddress: 3, all: 2 }, ['a/1 busy', 'b/1'], 'c/1', true, 'b/1'],
  ['no place at all', { perAddress: 0, all: 0 }, [], 'a/1', false, ''],
  ['who has no address has one together with all others who have none', { perAddress: 1, all: 9 }, ['-/1'], '-/2', true, '-/1'],
  ['an address of IPv6 stands for its network', { perAddress: 1, all: 9 }, ['2001:db8::1/1'], '2001:db8::2/1', true, '2001:db8::1/1'],
  ['an address of IPv4 is the same on a socket of IPv6', { perAddress: 1, all: 9 }, ['10.0.0.1/1'], '::ffff:10.0.0.1/1', true, '10.0.0.1/1']
] as const) {
  t.test(what, t => {
    const { places, come, open, displaced, of } = hall(limits)
    for (const words of before) t.equal(come(words), true)
    t.same([places.count, places.refused, places.displaced], [before.length, 0, 0])
    t.equal(come(last), isIn)
    t.same(displaced, goes === '' ? [] : [goes])
    const stay = [...before, last].map(words => words.split(' ', 1)[0]!)
    t.equal(open(), stay.filter(name => name !== goes && (isIn || name !== of(last).name)).join(' '))
    t.same([places.count, places.refused, places.displaced], [before.length + (isIn && goes === '' ? 1 : 0), isIn ? 0 : 1, goes === '' ? 0 : 1])
    t.end()
  })
}

t.test('who was used goes last, and its address with it', t => {
  const { places, come, displaced, of } = hall({ perAddress: 3, all: 4 })
  for (const words of ['a/1', 'a/2', 'b/1', 'b/2']) come(words)
  places.used(of('a/1').asSocket)
  come('c/1')
  t.same(displaced, ['b/1'], 'the address that did something longest ago')
  come('c/2')
  t.same(displaced, ['b/1', 'a/2'], 'and of one that holds most the connection that was used longest ago')
  places.used(new FakeSocket('a/9').asSocket)
  places.used(new FakeSocket('d/1').asSocket)
  t.equal(places.count, 4, 'who has no place is given none')
  t.end()
})

t.test('a place is given back once: when the connection closes, or before', async t => {
  const closed = (): Promise<unknown> => new Promise(resolve => { setImmediate(resolve) })
  const { places, come, of } = hall({ perAddress: 2, all: 9 })
  for (const words of ['a/1 busy', 'a/2 busy']) come(words)
  places.release(of('a/1').asSocket)
  places.release(of('a/1').asSocket)
  t.equal(places.count, 1)
  t.equal(come('a/3 busy'), true)
  of('a/1').destroy()
  await closed()
  t.equal(places.count, 2, 'it had none any more')
  t.equal(come('a/4 busy'), false)
  of('a/2').destroy()
  of('a/3').destroy()
  await closed()
  t.equal(places.count, 0)
  places.release(new FakeSocket('b/1').asSocket)
  t.equal(places.count, 0)
})

const nextTurn = (): Promise<unknown> => new Promise(resolve => { setImmediate(resolve) })
/** A connection ends, is told of, and those that wait have their turn. */
async function ends (socket: FakeSocket): Promise<void> {
  socket.destroy()
  await nextTurn()
  await nextTurn()
}

t.test('where every address holds as little a newcomer waits, and addresses take turns', async t => {
  const { places, enter, begun, open, of } = hall({ perAddress: 3, all: 3 }, { perAddress: 3, all: 6 })
  for (const words of ['a/1 busy', 'b/1 busy', 'c/1 busy', 'd/1 busy', 'd/2 busy', 'e/1 busy']) t.equal(enter(words), true)
  t.same([places.count, places.waiting, places.refused, places.displaced], [3, 3, 0, 0])
  t.same(begun, ['a/1', 'b/1', 'c/1'])
  await ends(of('a/1'))
  await ends(of('b/1'))
  t.same(begun.slice(3), ['d/1', 'e/1'], 'who has two waiting goes after who has one')
  t.same([places.count, places.waiting], [3, 1])
  of('d/2').destroy()
  await nextTurn()
  t.equal(places.waiting, 0, 'who goes while it waits leaves the line')
  await ends(of('c/1'))
  t.same([places.count, begun.length], [2, 5])
  t.equal(enter('f/1 busy'), true)
  t.equal(open(), 'd/1 e/1 f/1')
  t.same([places.refused, places.displaced], [0, 0])
})

t.test('idle connections give way to who waits when they are looked at, and to a newcomer while nobody waits', async t => {
  const { places, enter, begun, displaced, of } = hall({ perAddress: 4, all: 3 }, { perAddress: 4, all: 4 })
  for (const words of ['a/1 busy', 'b/1', 'c/1 busy', 'd/1 busy']) t.equal(enter(words), true)
  t.same(displaced, [], 'idle for a moment')
  places.seat()
  t.same([displaced, places.waiting], [[], 1])
  of('c/1').kind = 'quiet'
  t.equal(enter('e/1 busy'), true)
  t.same([displaced, places.waiting], [[], 2], 'it does not go before who waits')
  places.seat()
  t.same([displaced, begun, places.waiting], [['c/1'], ['a/1', 'b/1', 'c/1', 'd/1'], 1])
  of('b/1').kind = 'quiet'
  places.seat()
  t.same([displaced, places.waiting], [['c/1', 'b/1'], 0])
  of('a/1').kind = 'quiet'
  t.equal(enter('f/1 busy'), true)
  t.same([displaced, begun.at(-1)], [['c/1', 'b/1', 'a/1'], 'f/1'])
  await nextTurn()
})

t.test('who holds much loses a busy one to who holds little, past those that wait', async t => {
  const { places, enter, begun, displaced } = hall({ perAddress: 3, all: 4 }, { perAddress: 4, all: 4 })
  for (const words of ['a/1 busy', 'a/2 busy', 'a/3 busy', 'b/1 busy']) enter(words)
  t.equal(enter('b/2 busy'), true)
  t.same([displaced, places.waiting], [['a/1'], 0])
  for (const words of ['a/4 busy', 'b/3 busy']) enter(words)
  t.equal(places.waiting, 2)
  t.equal(enter('c/1 busy'), true)
  t.same([places.waiting, displaced], [2, ['a/1', 'a/2']], 'and the place is not given to who waits')
  await nextTurn()
  t.same([begun, places.waiting], [['a/1', 'a/2', 'a/3', 'b/1', 'b/2', 'c/1'], 2])
})

t.test('one that waits behind its own does not keep others back', t => {
  const { places, enter, begun, displaced, of } = hall({ perAddress: 3, all: 3 }, { perAddress: 3, all: 6 })
  for (const words of ['a/1 busy', 'b/1 busy', 'c/1 busy', 'a/2 busy', 'd/1 busy']) enter(words)
  of('b/1').kind = 'quiet'
  places.seat()
  t.same([displaced, begun.at(-1), places.waiting], [['b/1'], 'd/1', 1], 'a holds no less than b')
  of('a/1').kind = 'quiet'
  places.seat()
  t.same([displaced, begun.at(-1), places.waiting], [['b/1', 'a/1'], 'a/2', 0], 'its own gives way to it')
  t.end()
})

t.test('a full line: the last of the address with most there, at a difference of two; else the newcomer', t => {
  const { places, enter, open } = hall({ perAddress: 3, all: 1 }, { perAddress: 3, all: 4 })
  for (const words of ['a/1 busy', 'b/1', 'b/2', 'b/3', 'c/1']) t.equal(enter(words), true)
  t.equal(places.waiting, 4)
  t.equal(enter('b/4'), false, 'its share of the line')
  t.equal(enter('c/2'), true)
  t.equal(open(), 'a/1 b/1 b/2 c/1 c/2')
  t.equal(enter('c/3'), false, 'nobody has two more')
  t.equal(enter('d/1'), true)
  t.equal(enter('e/1'), true)
  t.equal(open(), 'a/1 b/1 c/1 d/1 e/1')
  t.equal(enter('f/1'), false)
  t.same([places.waiting, places.refused], [4, 6])
  places.dismiss()
  t.equal(open(), 'a/1')
  t.equal(enter('f/2'), false, 'nobody waits any more')
  t.same([places.waiting, places.count], [0, 1])
  t.end()
})

t.test('who has got its share meanwhile is sent away', async t => {
  const { places, enter, come, open, of } = hall({ perAddress: 2, all: 3 }, { perAddress: 2, all: 6 })
  for (const words of ['a/1 busy', 'b/1 busy', 'c/1 busy', 'a/2 busy', 'a/3 busy']) enter(words)
  places.release(of('b/1').asSocket)
  t.equal(come('a/4 busy'), true)
  await nextTurn()
  t.equal(open(), 'a/1 b/1 c/1 a/4')
  t.same([places.waiting, places.refused], [0, 2])
})

t.test('they are given places a few in a turn', async t => {
  const { places, enter, begun, of } = hall({ perAddress: 2, all: 100 }, { perAddress: 2, all: 100 })
  for (let n = 0; n < 200; n++) enter(`${n}/1 busy`)
  for (let n = 0; n < 100; n++) places.release(of(`${n}/1`).asSocket)
  const turns: number[] = []
  while (places.waiting > 0 && turns.length < 10) {
    await nextTurn()
    turns.push(begun.length - 100)
  }
  t.same(turns, [32, 64, 96, 100])
})
