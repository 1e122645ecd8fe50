import { Writable } from 'node:stream'
import t from 'tap'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { AppError } from '../../src/base/errors.js'
import { createLog } from '../../src/base/log.js'
import { memoryFile } from '../../src/disk/open-file.js'
import type { Endpoint } from '../../src/net/endpoint.js'
import { kernelUdp, type UdpNetwork, type UdpSocket } from '../../src/net/udp.js'
import type { FileSource } from '../../src/tftp/file-source.js'
import { decodePacket, encodePacket, type TftpOption, type Packet } from '../../src/tftp/packet.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { FakeUdp } from '../helpers/fake-udp.js'
import { randomBytes } from '../helpers/random.js'
import { handedSocket } from '../helpers/handed-sockets.js'
import { readFile } from '../helpers/tftp-client.js'
import { memoryFiles, serve } from '../helpers/tftp-server.js'

const here = '192.0.2.1'
const server: Endpoint = { address: here, port: 69 }
const onHere = { address: here, port: 69 }
const rrq = (filename: string, options: readonly TftpOption[] = [], mode = 'octet'): Packet => ({ opcode: 'RRQ', filename, mode, options })

/** A client that does only what the test says. */
class Hand {
  readonly heard: string[] = []
  peer: Endpoint | undefined
  #socket: UdpSocket | undefined

  async open (network: UdpNetwork, port = 0): Promise<this> {
    this.#socket = await network.bind({ address: '0.0.0.0', port }, (data, from) => {
      const packet = decodePacket(data)
      this.peer ??= from
      this.heard.push(packet.opcode === 'ERROR'
        ? `ERROR ${packet.code} ${packet.message}`
        : packet.opcode === 'OACK' ? `OACK ${packet.options.join(' ')}` : packet.opcode === 'DATA' ? `DATA ${packet.block}` : packet.opcode)
    })
    return this
  }

  send (packet: Packet, to = server): void { this.raw(encodePacket(packet), to) }
  raw (bytes: Buffer, to = server): void { this.#socket?.send(bytes, to) }
  ack (block: number): void { this.send({ opcode: 'ACK', block }, this.peer) }
  take (): string[] { return this.heard.splice(0) }
  async close (): Promise<void> { await this.#socket?.close() }
}

t.test('a read over real sockets, and what is said of it', async t => {
  const content = randomBytes(1, 100_000)
  const lines: string[] = []
  const destination = new Writable({ write: (line, _encoding, done) => { lines.push(String(line)); done() } })
  const { server, events } = await serve(kernelUdp, systemClock, memoryFiles({ 'a/b': content }), {}, {
    macOf: ip => ip === '127.0.0.1' ? '52:54:00:12:34:56' : undefined,
    log: createLog({ level: 'info', pretty: false, destination })
  })
  const at = server.addresses[0]!
  const { content: got, oack, peer } = await readFile(kernelUdp, { server: at, file: '/a\\b\xff', options: [['blksize', '1024'], ['tsize', '0']], clock: systemClock })
  t.ok(got.equals(content))
  t.same(oack, [['blksize', '1024'], ['tsize', '100000']])
  t.not(peer.port, at.port, 'a port of its own')
  await server.close(1000)
  t.match(events, [{ type: 'done', ip: '127.0.0.1', mac: '52:54:00:12:34:56', file: 'a/b', path: 'a/b', bytes: 100_000, blksize: 1024, windowsize: 1, resent: 0, confirmed: true }])
  t.match(JSON.parse(lines.join('')), { level: 'info', msg: 'tftp.done', ip: '127.0.0.1', mac: '52:54:00:12:34:56', file: 'a/b', bytes: 100_000, ms: Number })
})

t.test('what is refused, and how', async t => {
  const udp = new FakeUdp()
  const files: FileSource = {
    open: async name => {
      if (name === 'denied') throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
      if (name === 'link') throw new AppError('permission_denied', 'is a link to elsewhere')
      if (name === 'broken') throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
      return undefined
    }
  }
  const silent = createLog({ level: 'fatal' as 'error', pretty: false, destination: process.stderr })
  const { server: started, counts, events } = await serve(udp.host(here), new FakeClock(), files, onHere, { log: silent })
  const hand = await new Hand().open(udp.host('192.0.2.9'))
  const rows: ReadonlyArray<readonly [Packet | string, string[], Readonly<Record<string, number>>]> = [
    [rrq('none'), ['ERROR 1 file not found'], { missing: 1 }],
    [rrq(''), ['ERROR 1 file not found'], { missing: 1 }],
    [rrq('../none'), ['ERROR 2 a name may not contain ..'], { refused: 1 }],
    [rrq('none', [], 'mail'), ['ERROR 4 only the modes octet and netascii are known'], { refused: 1 }],
    [{ opcode: 'WRQ', filename: 'none', mode: 'octet', options: [] }, ['ERROR 2 this server is read-only'], { refused: 1 }],
    [rrq('denied'), ['ERROR 2 the file may not be read'], { refused: 1 }],
    [rrq('link'), ['ERROR 2 the file may not be read'], { refused: 1 }],
    [rrq('broken'), ['ERROR 0 the file cannot be read'], { refused: 1 }],
    ['\0\x01no-nul', ['ERROR 4 malformed request: missing_nul'], { malformed: 1 }],
    [`\0\x02${'n'.repeat(600)}\0octet\0`, ['ERROR 4 malformed request: too_long'], { malformed: 1 }],
    ['\0\x01', ['ERROR 4 malformed request: missing_nul'], { malformed: 1 }],
    ['', [], { malformed: 1 }],
    ['\0', [], { malformed: 1 }],
    ['\xff\xff\xff\xff', [], { malformed: 1 }],
    ['\0\x04\0', [], { malformed: 1 }],
    [{ opcode: 'DATA', block: 1, payload: Buffer.from('x') }, [], { ignored: 1 }],
    [{ opcode: 'ACK', block: 1 }, [], { ignored: 1 }],
    [{ opcode: 'ERROR', code: 0, message: '' }, [], { ignored: 1 }],
    [{ opcode: 'OACK', options: [] }, [], { ignored: 1 }]
  ]
  for (const [sent, heard, counted] of rows) {
    events.length = 0
    hand.raw(typeof sent === 'string' ? Buffer.from(sent, 'latin1') : encodePacket(sent))
    await udp.settle()
    t.same(hand.take(), heard, JSON.stringify(sent))
    t.same(counts(), counted, JSON.stringify(sent))
  }
  t.equal(started.transfers, 0)
  await started.close()
  await hand.close()
  t.equal(udp.open, 0)
})

for (const singlePort of [false, true]) {
  t.test(`the ports of a transfer, ${singlePort ? 'one for all' : 'one each'}`, async t => {
    const udp = new FakeUdp()
    const clock = new FakeClock()
    const files = memoryFiles({ a: Buffer.alloc(1200) })
    const { server: started, counts } = await serve(udp.host(here), clock, files, { ...onHere, singlePort })
    const hand = await new Hand().open(udp.host('192.0.2.9'))
    hand.send(rrq('a'))
    hand.send(rrq('a'))
    await udp.settle()
    t.same(hand.take(), ['DATA 1'], 'a request that came twice is one transfer')
    t.equal(hand.peer?.address, here)
    t.equal(hand.peer?.port === 69, singlePort)
    t.same(counts(), { duplicate: 1 })

    const stranger = await new Hand().open(udp.host('192.0.2.66'))
    stranger.send({ opcode: 'ACK', block: 1 }, hand.peer)
    stranger.send({ opcode: 'ERROR', code: 0, message: 'die' }, hand.peer)
    stranger.raw(Buffer.from('?'), hand.peer)
    await udp.settle()
    t.same(stranger.take(), singlePort ? [] : ['ERROR 5 this port serves another transfer'])
    t.same(counts(), singlePort ? { duplicate: 1, ignored: 2, malformed: 1 } : { duplicate: 1, foreign: 2, malformed: 1 })

    for (const block of [1, 1, 2]) hand.ack(block)
    await udp.settle()
    t.same(hand.take(), ['DATA 2', 'DATA 3'], 'the transfer is unharmed')
    hand.ack(3)
    await udp.settle()
    t.equal(counts().done, 1)
    t.equal(started.transfers, 0)
    for (const ack of [3, 3]) hand.ack(ack)
    await udp.settle()
    t.same(hand.take(), [], 'the last ACK once more is nothing foreign')
    clock.advance(3200)
    await udp.settle()
    t.equal(udp.open, 3, 'no socket for long without a transfer')
    t.equal(clock.pending, 0, 'nor a timer')
    await started.close()
    await hand.close()
    await stranger.close()
    t.equal(udp.open, 0)
  })
}

t.test('the answer comes from the address that was asked', async t => {
  const udp = new FakeUdp()
  const clock = new FakeClock()
  const localAddresses = (): string[] => [here, '198.51.100.1']
  const { server: started } = await serve(udp.host(here), clock, memoryFiles({ a: 'a' }), { address: '0.0.0.0', port: 69 }, { localAddresses })
  for (const address of [here, '198.51.100.1']) {
    const { peer, content } = await readFile(udp.host('192.0.2.9'), { server: { address, port: 69 }, file: 'a', clock })
    t.equal(peer.address, address)
    t.equal(content.toString(), 'a')
  }
  await udp.settle()
  await started.close()
})

t.test('edk2: asks the size, says ERROR, and asks again from the same port', async t => {
  const udp = new FakeUdp()
  const { server: started, counts, events } = await serve(udp.host(here), new FakeClock(), memoryFiles({ a: 'content' }), onHere)
  const hand = await new Hand().open(udp.host('192.0.2.9'), 1044)
  hand.send(rrq('a', [['tsize', '0'], ['blksize', '1468']]))
  await udp.settle()
  t.same(hand.take(), ['OACK tsize,7 blksize,1468'])
  hand.send({ opcode: 'ERROR', code: 8, message: 'User aborted the transfer' }, hand.peer)
  hand.peer = undefined
  hand.send(rrq('a', [['blksize', '1468']]))
  await udp.settle()
  t.same(hand.take(), ['OACK blksize,1468'])
  hand.ack(0)
  await udp.settle()
  hand.ack(1)
  await udp.settle()
  t.same(hand.take(), ['DATA 1'])
  t.same(counts(), { probe: 1, done: 1 })
  t.match(events[0], { type: 'probe', file: 'a', bytes: 0 })
  await started.close()
  await hand.close()
})

t.test('a client that begins anew from the same port gets a new transfer', async t => {
  const udp = new FakeUdp()
  const clock = new FakeClock()
  const { server: started, counts } = await serve(udp.host(here), clock, memoryFiles({ a: Buffer.alloc(2000), b: 'b' }), onHere)
  const hand = await new Hand().open(udp.host('192.0.2.9'), 2070)
  hand.send(rrq('a'))
  await udp.settle()
  hand.send(rrq('b'))
  await udp.settle()
  t.same(hand.take(), ['DATA 1', 'DATA 1'], 'another file')
  t.same(counts(), { aborted: 1 })
  hand.send({ opcode: 'ERROR', code: 0, message: '' }, hand.peer)
  hand.peer = undefined
  hand.send(rrq('a'))
  await udp.settle()
  clock.advance(1000)
  hand.send(rrq('a'))
  await udp.settle()
  t.same(hand.take(), ['DATA 1', 'DATA 1'], 'sent again after a second, and once only')
  hand.ack(1)
  await udp.settle()
  clock.advance(1000)
  await udp.settle()
  t.same(hand.take(), ['DATA 2', 'DATA 2'])
  const before = hand.peer
  hand.peer = undefined
  hand.send(rrq('a'))
  await udp.settle()
  t.same(hand.take(), ['DATA 1'], 'the same file, after a silence')
  t.not(hand.peer, before)
  t.equal(started.transfers, 1)
  hand.send({ opcode: 'ERROR', code: 0, message: '' }, hand.peer)
  await started.close()
  await hand.close()
  t.equal(udp.open, 0)
})

t.test('requests that nobody ever answers to hold no place against a machine that boots', async t => {
  const udp = new FakeUdp()
  const clock = new FakeClock()
  const places = { maxTransfers: 6, maxTransfersPerClient: 3 }
  const { server: started, counts } = await serve(udp.host(here), clock, memoryFiles({ a: Buffer.alloc(2000) }), { ...onHere, ...places })
  const hands: Hand[] = []
  const ask = async (address: string): Promise<Hand> => {
    const hand = await new Hand().open(udp.host(address))
    hands.push(hand)
    hand.send(rrq('a'))
    await udp.settle()
    return hand
  }
  for (let n = 0; n < 6; n++) await ask(`192.0.2.${n < 3 ? 8 : 9}`)
  const machine = await ask('192.0.2.10')
  t.same(machine.take(), [], 'a moment is everybody\'s to confirm in')
  clock.advance(200)
  await udp.settle()
  t.same(machine.take(), ['DATA 1'])
  t.same((await ask('192.0.2.8')).take(), ['DATA 1'], 'one whose own requests went unanswered too')
  machine.send({ opcode: 'ACK', block: 1 }, machine.peer)
  await udp.settle()
  clock.advance(200)
  for (let n = 0; n < 4; n++) await ask(`192.0.2.${20 + n}`)
  t.same(machine.take(), ['DATA 2'], 'a transfer that is confirmed goes on')
  t.equal(started.transfers, 6)
  t.same(counts(), { waits: 1, vanished: 6 })
  await started.close()
  for (const hand of hands) await hand.close()
  t.equal(udp.open, 0)
})

t.test('transfers that are confirmed and then held give way, whatever pause was chosen', async t => {
  const udp = new FakeUdp()
  const clock = new FakeClock()
  const { server: started, counts } = await serve(udp.host(here), clock, memoryFiles({ a: Buffer.alloc(2000) }), { ...onHere, maxTransfers: 6, maxTransfersPerClient: 3 })
  const hands: Hand[] = []
  const ask = async (address: string): Promise<Hand> => {
    const hand = await new Hand().open(udp.host(address))
    hands.push(hand)
    hand.send(rrq('a', [['timeout', '255']]))
    await udp.settle()
    return hand
  }
  const ack = async (hand: Hand, block: number): Promise<void> => {
    hand.ack(block)
    await udp.settle()
  }
  for (let n = 0; n < 6; n++) await ack(await ask(`192.0.2.${n < 3 ? 8 : 9}`), 0)
  const held = [...hands]
  clock.advance(900)
  await ack(held[0]!, 1)
  clock.advance(99)
  await udp.settle()
  const machine = await ask('192.0.2.10')
  t.same(machine.take(), [], 'not yet')
  // Said again, it moves nothing.
  await ack(held[1]!, 0)
  clock.advance(1)
  await udp.settle()
  t.same(machine.take(), ['OACK timeout,255'])
  await ack(machine, 0)
  const another = await ask('192.0.2.11')
  t.same(another.take(), ['OACK timeout,255'])
  await ack(another, 0)
  t.same(counts(), { waits: 1, vanished: 2 })
  held[0]!.take()
  await ack(held[0]!, 2)
  t.same(held[0]!.take(), ['DATA 3'], 'who got on goes on')
  await started.close()
  for (const hand of hands) await hand.close()
})

t.test('the last quarter of the places is for clients that hold few', async t => {
  const udp = new FakeUdp()
  const { server: started, counts } = await serve(udp.host(here), new FakeClock(), memoryFiles({ a: Buffer.alloc(2000) }), { ...onHere, maxTransfers: 400 })
  const hands: Hand[] = []
  const ask = async (address: string, times: number): Promise<string[]> => {
    for (let n = 0; n < times; n++) hands.push(await new Hand().open(udp.host(address)))
    for (const hand of hands.slice(-times)) hand.send(rrq('a'))
    await udp.settle()
    return hands.slice(-times).flatMap(hand => hand.take())
  }
  t.same(new Set(await ask('192.0.2.8', 299)), new Set(['DATA 1']))
  t.same(await ask('192.0.2.8', 2), ['DATA 1'])
  t.same((await ask('192.0.2.9', 100)).filter(said => said !== 'DATA 1'), [], 'and another has all that are left')
  await started.close()
  for (const hand of hands) await hand.close()
  t.same(counts(), { waits: 1, failed: 400 })

  const other = await serve(udp.host('192.0.2.2'), new FakeClock(), memoryFiles({ a: Buffer.alloc(2000) }), { ...onHere, address: '192.0.2.2', maxTransfers: 600 })
  const to = async (address: string, times: number): Promise<string[]> => {
    const some: Hand[] = []
    for (let n = 0; n < times; n++) some.push(await new Hand().open(udp.host(address)))
    for (const hand of some) hand.send(rrq('a'), { address: '192.0.2.2', port: server.port })
    await udp.settle()
    hands.push(...some)
    return some.flatMap(hand => hand.take())
  }
  await to('192.0.2.8', 450)
  t.equal((await to('192.0.2.9', 129)).length, 128)
  await other.server.close()
  for (const hand of hands) await hand.close()
})

t.test('a client that answered while the loop was held does not give way, and a loop that comes late gives more time', async t => {
  const udp = new FakeUdp()
  const clock = new FakeClock()
  let [isHeld, late] = [false, 0]
  const network: UdpNetwork = {
    bind: async (options, onDatagram) => {
      const waiting: Array<() => void> = []
      const socket = await udp.host(here).bind(options, (data, from) => {
        if (isHeld && options.port === 0) waiting.push(() => { onDatagram(data, from) })
        else onDatagram(data, from)
      })
      return { ...socket, readWaiting: () => { for (const pass of waiting.splice(0)) pass() } }
    }
  }
  const lateClock: Clock = { now: () => clock.now() + late, after: clock.after, every: clock.every }
  const { server: started, counts } = await serve(network, lateClock, memoryFiles({ a: Buffer.alloc(2000) }), { ...onHere, maxTransfers: 2 })
  const ask = async (address: string): Promise<Hand> => {
    const hand = await new Hand().open(udp.host(address))
    hand.send(rrq('a'))
    await udp.settle()
    return hand
  }
  const [first, second] = [await ask('192.0.2.8'), await ask('192.0.2.9')]
  isHeld = true
  first.ack(1)
  second.ack(1)
  await udp.settle()
  clock.advance(200)
  const third = await ask('192.0.2.10')
  t.same([first.take(), second.take(), third.take()], [['DATA 1', 'DATA 2'], ['DATA 1', 'DATA 2'], []], 'they are heard before one of them would give way')
  isHeld = false
  first.send({ opcode: 'ERROR', code: 0, message: 'enough' }, first.peer)
  await udp.settle()
  t.same(third.take(), ['DATA 1'], 'it waited for the place')
  late = 300
  clock.advance(100)
  const fourth = await ask('192.0.2.11')
  t.same(fourth.take(), [], 'the loop was late by 300 ms: what the third one said may still wait somewhere')
  clock.advance(400)
  await udp.settle()
  t.same(fourth.take(), ['DATA 1'])
  t.same(counts(), { aborted: 1, waits: 2, vanished: 1 })
  await started.close()
  for (const hand of [first, second, third, fourth]) await hand.close()
})

t.test('no more transfers than there are places, for one client and for all', async t => {
  const udp = new FakeUdp()
  const clock = new FakeClock()
  const places = { maxTransfers: 5, maxTransfersPerClient: 3 }
  const { server: started, counts } = await serve(udp.host(here), clock, memoryFiles({ a: Buffer.alloc(2000) }), { ...onHere, ...places })
  const hands: Hand[] = []
  for (let i = 0; i < 8; i++) {
    const hand = await new Hand().open(udp.host(`192.0.2.${i < 4 ? 8 : 9}`))
    hands.push(hand)
    hand.send(rrq('a'))
    await udp.settle()
  }
  const taken = (): string[][] => hands.map(hand => hand.take())
  t.same(taken(), [['DATA 1'], ['DATA 1'], ['DATA 1'], [], ['DATA 1'], ['DATA 1'], [], []])
  t.same(counts(), { waits: 3 })
  hands[7]?.send(rrq('a'))
  await udp.settle()
  t.same([taken().flat(), counts()], [[], { waits: 3, duplicate: 1 }], 'who asks again waits on')
  for (let block = 1; block <= 4; block++) hands[0]?.ack(block)
  await udp.settle()
  t.same(taken(), [['DATA 2', 'DATA 3', 'DATA 4'], [], [], ['DATA 1'], [], [], [], []], 'the place goes to the first of those who wait')
  clock.advance(100)
  for (let block = 1; block <= 4; block++) hands[1]?.ack(block)
  await udp.settle()
  t.same(taken(), [[], ['DATA 2', 'DATA 3', 'DATA 4'], [], [], [], [], ['DATA 1'], []])
  for (let i = 0; i < 320; i++) {
    clock.advance(100)
    await udp.settle()
  }
  t.same(counts(), { waits: 3, duplicate: 1, done: 2, vanished: 6 })
  t.equal(started.transfers, 0, 'a client that vanished leaves nothing')
  await started.close()
  t.equal(udp.open, hands.length)
  await Promise.all(hands.map(hand => hand.close()))
})

t.test('closing', async t => {
  for (const singlePort of [false, true]) {
    const udp = new FakeUdp()
    const clock = new FakeClock()
    const { server: started, counts } = await serve(udp.host(here), clock, memoryFiles({ a: Buffer.alloc(600) }), { ...onHere, singlePort })
    const [quick, slow, late] = await Promise.all([1, 2, 3].map(async () => await new Hand().open(udp.host('192.0.2.9')))) as [Hand, Hand, Hand]
    quick.send(rrq('a'))
    slow.send(rrq('a'))
    await udp.settle()
    let closed = false
    const closing = started.close(3000).then(() => { closed = true })
    t.equal(started.close(0), started.close(), 'closing twice is closing once')
    late.send(rrq('a'))
    for (const block of [1, 2]) {
      quick.ack(block)
      await udp.settle()
    }
    t.same(counts(), { done: 1 }, 'what is under way may finish')
    t.notOk(closed)
    clock.advance(3000)
    await closing
    await udp.settle()
    t.equal(slow.take().at(-1), 'ERROR 0 the server is stopping')
    t.same(late.take(), [], 'nothing new begins')
    t.equal(udp.open, 3)
    t.equal(clock.pending, 0)
    await Promise.all([quick, slow, late].map(hand => hand.close()))
  }
})

t.test('a transfer that ended has closed its file, and a server that closed has closed its ports', async t => {
  const udp = new FakeUdp()
  const host = udp.host(here)
  // A socket takes a turn to close, as the kernel's do.
  const network: UdpNetwork = {
    ...host,
    bind: async (...args) => {
      const socket = await host.bind(...args)
      const close = async (): Promise<void> => {
        await new Promise(resolve => { setImmediate(resolve) })
        await socket.close()
      }
      return { ...socket, local: socket.local, send: socket.send.bind(socket), close }
    }
  }
  let closed = 0
  const files: FileSource = { open: async name => ({ ...memoryFile(name, Buffer.alloc(100)), close: async () => { closed++ } }) }
  const { server: started, counts } = await serve(network, new FakeClock(), files, onHere)
  const hand = await new Hand().open(udp.host('192.0.2.9'))
  hand.send(rrq('a'))
  await udp.settle()
  hand.ack(1)
  await udp.settle()
  t.same([counts(), closed], [{ done: 1 }, 1])
  await started.close()
  t.equal(udp.open, 1, 'the client alone')
  await hand.close()
})

t.test('no port left for a transfer: told, and its place is free again', async t => {
  const udp = new FakeUdp()
  const host = udp.host(here)
  let binds = 0
  const network: UdpNetwork = {
    ...host,
    bind: async (...args) => {
      if (binds++ > 0) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
      return await host.bind(...args)
    }
  }
  let closed = 0
  const files: FileSource = { open: async name => ({ ...memoryFile(name, Buffer.alloc(600)), close: async () => { closed++ } }) }
  const log = createLog({ level: 'fatal' as 'error', pretty: false, destination: process.stderr })
  const { server: started, counts } = await serve(network, new FakeClock(), files, onHere, { log })
  const hand = await new Hand().open(udp.host('192.0.2.9'))
  hand.send(rrq('a'))
  await udp.settle()
  t.same([hand.take(), started.transfers, closed, counts()], [['ERROR 0 the file cannot be read'], 0, 1, { refused: 1 }])
  await started.close()
  await hand.close()
})

t.test('closing while a file is being opened', async t => {
  const udp = new FakeUdp()
  const clock = new FakeClock()
  const asked: Array<() => void> = []
  let closedFiles = 0
  const slow: FileSource = {
    open: async () => await new Promise(resolve => {
      asked.push(() => { resolve({ ...memoryFile('slow', Buffer.alloc(1)), close: async () => { closedFiles++ } }) })
    })
  }
  const { server: started, events } = await serve(udp.host(here), clock, slow, onHere)
  const hand = await new Hand().open(udp.host('192.0.2.9'))
  hand.send(rrq('slow'))
  await udp.settle()
  t.equal(started.transfers, 1)
  await started.close()
  for (const answer of asked) answer()
  await udp.settle()
  t.equal(closedFiles, 1)
  t.same(events, [])
  await hand.close()
  t.equal(udp.open, 0)
})

t.test('500 reads at once over real sockets', async t => {
  const content = randomBytes(2, 73_728)
  // Its patience is twenty times as long: on a busy machine both sides, which share this process, may be held for many seconds.
  const unhurried: Clock = {
    now: () => systemClock.now() / 20,
    after: (milliseconds, fire) => systemClock.after(milliseconds * 20, fire),
    every: (milliseconds, fire) => systemClock.every(milliseconds * 20, fire)
  }
  const { server, counts } = await serve(kernelUdp, unhurried, memoryFiles({ a: content }))
  // Ends the file when a read fails.
  t.teardown(() => server.close())
  const options: TftpOption[] = [['blksize', '1468'], ['tsize', '0'], ['windowsize', '4']]
  const reads = Array.from({ length: 500 }, async () => await readFile(kernelUdp, { server: server.addresses[0]!, file: 'a', options, clock: systemClock, tries: 100 }))
  const results = await Promise.all(reads)
  t.equal(results.filter(result => result.content.equals(content)).length, 500)
  await server.close(5000)
  t.equal(counts().done, 500)
})

t.test('a port in use is one clear error', async t => {
  const { server: first } = await serve(kernelUdp, systemClock, memoryFiles({}))
  const { port } = first.addresses[0]!
  await t.rejects(serve(kernelUdp, systemClock, memoryFiles({}), { port }), { code: 'address_in_use', message: `cannot listen on 127.0.0.1:${port}/udp: another program listens there` })
  await first.close()
})

t.test('a real machine: 0.0.0.0 is each of its addresses', async t => {
  const localAddresses = (): string[] => ['127.0.0.1', '127.0.0.2']
  const { server: started } = await serve(kernelUdp, systemClock, memoryFiles({ a: 'a' }), { address: '0.0.0.0' }, { localAddresses })
  t.same(started.addresses.map(({ address }) => address), localAddresses())
  t.equal(new Set(started.addresses.map(({ port }) => port)).size, 1)
  for (const at of started.addresses) {
    const { peer } = await readFile(kernelUdp, { server: at, file: 'a', clock: systemClock })
    t.equal(peer.address, at.address)
  }
  await started.close()
})

t.test('a socket of systemd on all addresses does not tell which was asked: transfers come from the one that DHCP named', async t => {
  const handed = handedSocket('udp', { address: '0.0.0.0' })
  const sockets = [{ address: '0.0.0.0', port: handed.port, fd: handed.fd }]
  const { server: started } = await serve(kernelUdp, systemClock, memoryFiles({ a: 'a' }), { address: '0.0.0.0', sockets }, { askedAddress: () => '127.0.0.2' })
  t.match(started.addresses, [{ address: '0.0.0.0', port: handed.port }])
  const { peer } = await readFile(kernelUdp, { server: { address: '127.0.0.2', port: handed.port }, file: 'a', clock: systemClock })
  t.equal(peer.address, '127.0.0.2')
  await started.close()
})
