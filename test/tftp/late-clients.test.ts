// Clients that are heard of when their transfer has given way, or been given up: a slow firmware, a lost packet. None may be told ERROR 5
// ("unknown transfer ID"), which ends a boot; their transfers go on, from the port that they know.
import t from 'tap'
import { memoryFile } from '../../src/disk/open-file.js'
import type { Endpoint } from '../../src/net/endpoint.js'
import { kernelUdp, type UdpNetwork, type UdpSocket } from '../../src/net/udp.js'
import type { FileSource } from '../../src/tftp/file-source.js'
import { decodePacket, encodePacket, type Packet, type TftpOption } from '../../src/tftp/packet.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { FakeUdp } from '../helpers/fake-udp.js'
import { type Served, serve } from '../helpers/tftp-server.js'

const here = '192.0.2.1'
const options: readonly TftpOption[] = [['blksize', '1000']]
const unknown = 'ERROR 5 this port serves another transfer'

/** A client that does only what the test says; where it hears from is part of what it hears. */
class Hand {
  readonly #heard: string[] = []
  readonly #server: Endpoint
  #socket: UdpSocket | undefined
  #onHeard: () => void = () => {}
  /** Who answered first. */
  peer: Endpoint | undefined

  constructor (server: Endpoint) { this.#server = server }

  async open (network: UdpNetwork, address = '0.0.0.0', port = 0): Promise<this> {
    this.#socket = await network.bind({ address, port }, (data, from) => {
      const packet = decodePacket(data)
      this.peer ??= from
      const elsewhere = from.port === this.peer.port ? '' : ' from elsewhere'
      this.#heard.push((packet.opcode === 'ERROR'
        ? `ERROR ${packet.code} ${packet.message}`
        : packet.opcode === 'DATA' ? `DATA ${packet.block} ${packet.payload[0] ?? 'empty'}` : packet.opcode) + elsewhere)
      this.#onHeard()
    })
    return this
  }

  ask (filename = 'a', asked = options): void { this.send({ opcode: 'RRQ', filename, mode: 'octet', options: asked }, this.#server) }
  ack (block: number): void { this.send({ opcode: 'ACK', block }) }
  send (packet: Packet, to = this.peer!): void { this.#socket?.send(encodePacket(packet), to) }
  take (): string[] { return this.#heard.splice(0) }
  /** Waits until it has heard something. */
  async hear (): Promise<string[]> {
    while (this.#heard.length === 0) await new Promise<void>(resolve => { this.#onHeard = resolve })
    return this.take()
  }

  async close (): Promise<void> { await this.#socket?.close() }
}

/** Each block of 1000 bytes has its number in it. */
const content = (blocks: number): Buffer => Buffer.concat(Array.from({ length: blocks }, (_, n) => Buffer.alloc(1000, n + 1)))

class Hall {
  readonly udp = new FakeUdp()
  readonly clock = new FakeClock()
  /** Word for the content of the files, which are as on a disk. */
  identity: string | undefined = 'x'
  readonly files: Record<string, Buffer> = { a: content(4), b: content(2) }
  /** What an open waits for. */
  opens: Promise<void> = Promise.resolve()
  readonly hands: Hand[] = []
  served: Served | undefined

  async start (extra: Parameters<typeof serve>[3] = {}): Promise<this> {
    const files: FileSource = {
      open: async name => {
        await this.opens
        const found = this.files[name]
        return found === undefined ? undefined : { ...memoryFile(name, found), ...this.identity === undefined ? {} : { identity: this.identity } }
      }
    }
    const at = { address: here, port: 69, maxTransfers: 1 }
    this.served = await serve(this.udp.host(here), this.clock, files, { ...at, ...extra })
    return this
  }

  async hand (address: string, port = 0): Promise<Hand> {
    const hand = await new Hand({ address: here, port: 69 }).open(this.udp.host(address), '0.0.0.0', port)
    this.hands.push(hand)
    return hand
  }

  /** One that has asked; what it heard is still to be taken. */
  async asks (address: string, ...asked: Parameters<Hand['ask']>): Promise<Hand> {
    const hand = await this.hand(address)
    hand.ask(...asked)
    await this.udp.settle()
    return hand
  }

  /** Another machine takes the one place, and gives it back after so many milliseconds. */
  async takesPlace (milliseconds: number, address = '192.0.2.99'): Promise<void> {
    const hand = await this.hand(address)
    hand.ask('b')
    await this.pass(300)
    if (hand.take()[0] !== 'OACK') throw new Error('nobody gave way')
    hand.ack(0)
    await this.pass(milliseconds)
    hand.send({ opcode: 'ERROR', code: 0, message: 'enough' })
    await this.udp.settle()
  }

  async pass (milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 100) {
      this.clock.advance(100)
      await this.udp.settle()
    }
  }

  async says (hand: Hand, ...blocks: readonly number[]): Promise<string[]> {
    for (const block of blocks) {
      hand.ack(block)
      await this.udp.settle()
    }
    return hand.take()
  }

  get counts (): Readonly<Record<string, number>> { return this.served!.counts() }

  async close (): Promise<void> {
    await this.served?.server.close()
    for (const hand of this.hands) await hand.close()
  }
}

for (const singlePort of [false, true]) {
  t.test(`a client that confirms late has its transfer on, ${singlePort ? 'on the port of all' : 'on the port it knows'}`, async t => {
    const hall = await new Hall().start({ singlePort })
    const late = await hall.asks('192.0.2.10')
    t.same(late.take(), ['OACK'])
    await hall.takesPlace(10_000)
    await hall.pass(40_000)
    t.same(await hall.says(late, 0), ['DATA 1 1'])
    t.same(await hall.says(late, 1, 2, 3), ['DATA 2 2', 'DATA 3 3', 'DATA 4 4'])
    t.same(await hall.says(late, 4, 5), ['DATA 5 empty'])
    t.match(hall.counts, { vanished: 1, resumed: 1, done: 1 })
    t.match(hall.served!.events.at(-1), { type: 'done', file: 'a', bytes: 4000, blksize: 1000, confirmed: true, resent: 0 })
    await hall.pass(10_000)
    t.equal(hall.clock.pending, 0, 'and nobody is waited for any more')
    await hall.close()
    t.equal(hall.udp.open, 0)
  })
}

t.test('a minute later nobody is expected any more, nor is anything open', async t => {
  const hall = await new Hall().start()
  await hall.asks('192.0.2.10')
  await hall.takesPlace(100)
  await hall.pass(59_000)
  t.equal(hall.udp.open, 1 + 2 + 1, 'the port that it knows')
  await hall.pass(2000)
  t.equal(hall.udp.open, 1 + 2)
  t.equal(hall.clock.pending, 0)
  await hall.close()
})

t.test('one that had no options, and whose first block was on its way', async t => {
  const hall = await new Hall().start()
  hall.files['a'] = Buffer.concat([1, 2, 3].map(n => Buffer.alloc(512, n)))
  const late = await hall.asks('192.0.2.10', 'a', [])
  t.same(late.take(), ['DATA 1 1'])
  await hall.takesPlace(10_000)
  t.same(await hall.says(late, 1, 2), ['DATA 2 2', 'DATA 3 3'], 'not the first once more')
  await hall.close()
})

t.test('one that fell silent in the midst, and gave way to an address with fewer', async t => {
  const hall = await new Hall().start({ maxTransfers: 2, maxTransfersPerClient: 2 })
  const late = await hall.hand('192.0.2.10')
  const same = await hall.hand('192.0.2.10')
  late.ask('a', [...options, ['windowsize', '2']])
  same.ask('a')
  await hall.udp.settle()
  await hall.says(same, 0)
  await hall.says(late, 0)
  await hall.pass(900)
  await hall.says(same, 1)
  await hall.pass(100)
  await hall.takesPlace(10_000)
  late.take()
  t.same(await hall.says(late, 1), ['DATA 2 2', 'DATA 3 3'], 'a window from where it is')
  await hall.close()
})

t.test('one that missed the last word of it', async t => {
  const hall = await new Hall().start()
  hall.files['a'] = content(1).subarray(0, 500)
  const late = await hall.asks('192.0.2.10', 'a', [])
  t.same(late.take(), ['DATA 1 1'])
  hall.files['a'] = content(1).subarray(0, 500)
  await hall.takesPlace(10_000)
  t.same(await hall.says(late, 1), [])
  t.match(hall.served!.events.at(-1), { type: 'done', bytes: 500, confirmed: true }, 'it has the file')
  t.equal(hall.served!.server.transfers, 0)
  await hall.close()
})

t.test('one that was silent until it was given up', async t => {
  const hall = await new Hall().start({ maxTransfers: 10 })
  const late = await hall.hand('192.0.2.10')
  const midst = await hall.hand('192.0.2.11')
  for (const hand of [late, midst]) hand.ask()
  await hall.udp.settle()
  await hall.says(midst, 0, 1)
  await hall.pass(31_500)
  t.match(hall.counts, { vanished: 1, failed: 1 })
  for (const hand of [late, midst]) hand.take()
  // Their port is open for others.
  const another = await hall.hand('192.0.2.12')
  for (let n = 0; n < 8; n++) {
    const others = await hall.hand('192.0.2.13')
    others.ask()
  }
  another.ask()
  await hall.udp.settle()
  await hall.pass(4000)
  t.same(await hall.says(late, 0), ['DATA 1 1'])
  t.same(await hall.says(midst, 2), ['DATA 3 3'])
  await hall.close()
})

t.test('one whose turn has to come first waits for it in silence', async t => {
  const hall = await new Hall().start()
  const late = await hall.asks('192.0.2.10')
  const busy = await hall.hand('192.0.2.99')
  busy.ask()
  await hall.pass(300)
  await hall.says(busy, 0)
  await hall.pass(5000)
  late.take()
  t.same(await hall.says(late, 0, 0), [])
  t.equal(hall.counts['resumed'], undefined)
  busy.send({ opcode: 'ERROR', code: 0, message: 'enough' })
  await hall.udp.settle()
  t.same(late.take(), ['DATA 1 1'])
  t.same(await hall.says(late, 1), ['DATA 2 2'])
  await hall.close()
})

t.test('the port goes on for it where it has asked again meanwhile', async t => {
  const hall = await new Hall().start()
  const late = await hall.asks('192.0.2.10')
  await hall.takesPlace(1000)
  late.ask()
  await hall.udp.settle()
  t.same(late.take(), ['OACK', 'OACK from elsewhere'])
  t.same(await hall.says(late, 0, 1), ['DATA 1 1', 'DATA 2 2'], 'the last word counts, and it is said to the first port')
  t.equal(hall.served!.server.transfers, 1)
  await hall.close()

  const other = await new Hall().start()
  const moved = await other.asks('192.0.2.10')
  await other.takesPlace(1000)
  const first = moved.peer!
  moved.take()
  moved.peer = undefined
  moved.ask()
  await other.udp.settle()
  t.same(await other.says(moved, 0), ['OACK', 'DATA 1 1'])
  moved.send({ opcode: 'ACK', block: 0 }, first)
  await other.udp.settle()
  t.same(moved.take(), [], 'it goes on elsewhere: what comes late is passed over')
  t.same(await other.says(moved, 1), ['DATA 2 2'])
  await other.close()
})

t.test('a request that was repeated before the answer came, and is read in the midst of the transfer, does not end it', async t => {
  for (const [blocks, before] of [[4, 2], [2, 1]] as const) {
    const hall = await new Hall().start()
    hall.files['a'] = content(blocks).subarray(0, blocks * 1000 - 1)
    const hand = await hall.asks('192.0.2.10')
    await hall.says(hand, ...Array.from({ length: before + 1 }, (_, block) => block))
    // What was sent last is lost, then the request comes once more, and what it begins gives way.
    await hall.pass(1100)
    hand.ask()
    await hall.udp.settle()
    await hall.takesPlace(100)
    hand.take()
    t.same(await hall.says(hand, before), [`DATA ${before + 1} ${before + 1}`], `${blocks} blocks`)
    for (let block = before + 1; block <= blocks; block++) await hall.says(hand, block)
    t.match(hall.served!.events.at(-1), { type: 'done', confirmed: true })
    t.equal(hall.served!.server.transfers, 0)
    await hall.close()
  }
})

t.test('who did ask anew is served at the new port, whatever comes late at the old one', async t => {
  const hall = await new Hall().start()
  const hand = await hall.asks('192.0.2.10')
  await hall.says(hand, 0, 1)
  const first = hand.peer!
  await hall.pass(1100)
  hand.peer = undefined
  hand.take()
  hand.ask()
  await hall.udp.settle()
  t.same(hand.take(), ['OACK'])
  const second = hand.peer!
  hand.send({ opcode: 'ACK', block: 1 }, first)
  await hall.udp.settle()
  hand.take()
  t.not(second.port, first.port)
  t.same(await hall.says(hand, 0), ['DATA 1 1'], 'where it speaks last')
  t.same(await hall.says(hand, 1), ['DATA 2 2'])
  await hall.close()
})

t.test('who has begun something else is left alone at its old port', async t => {
  const hall = await new Hall().start()
  const hand = await hall.asks('192.0.2.10')
  await hall.takesPlace(1000)
  const first = hand.peer!
  hand.take()
  hand.peer = undefined
  hand.ask('b')
  await hall.udp.settle()
  const said = await hall.says(hand, 0)
  hand.send({ opcode: 'ACK', block: 0 }, first)
  await hall.udp.settle()
  t.same([said, hand.take()], [['OACK', 'DATA 1 1'], []], 'an ERROR would end what it does now, of a ROM that looks at no sender')
  t.same(await hall.says(hand, 1, 2, 3), ['DATA 2 2', 'DATA 3 empty'])
  await hall.pass(4000)
  hand.send({ opcode: 'ACK', block: 0 }, first)
  await hall.udp.settle()
  t.same(hand.take(), [`${unknown} from elsewhere`], 'when that is over it is nobody\'s port')
  await hall.close()
})

t.test('a file that is another by now is not gone on with, nor is its client told so', async t => {
  for (const change of [
    (hall: Hall) => { hall.identity = 'y' },
    (hall: Hall) => { delete hall.files['a'] },
    (hall: Hall) => { hall.opens = Promise.reject(new Error('EIO')) }
  ]) {
    const hall = await new Hall().start()
    const late = await hall.asks('192.0.2.10')
    late.take()
    await hall.takesPlace(5000)
    const { identity, opens } = hall
    change(hall)
    hall.opens.catch(() => {})
    t.same(await hall.says(late, 0, 0), [])
    t.equal(hall.served!.server.transfers, 0)
    Object.assign(hall, { identity, opens })
    hall.files['a'] = content(4)
    t.same(await hall.says(late, 0), ['DATA 1 1'], 'as soon as it is there again')
    await hall.close()
  }
})

t.test('who has given up is given up', async t => {
  const hall = await new Hall().start()
  const late = await hall.asks('192.0.2.10')
  late.take()
  await hall.takesPlace(5000)
  late.send({ opcode: 'ERROR', code: 0, message: 'enough' })
  await hall.udp.settle()
  t.same(await hall.says(late, 0), [unknown])
  t.equal(hall.served!.server.transfers, 0)
  await hall.close()
})

t.test('a stranger is told, who may have been forgotten is not', async t => {
  const hall = await new Hall().start({ maxTransfers: 600, maxTransfersPerClient: 600 })
  const late = await hall.hand('192.0.2.10', 5000)
  late.ask()
  await hall.udp.settle()
  const stranger = await hall.hand('192.0.2.66')
  stranger.peer = late.peer
  t.same(await hall.says(stranger, 0), [unknown])
  late.send({ opcode: 'ERROR', code: 0, message: '' })
  // More than are remembered of one address.
  const many: Hand[] = []
  for (let n = 0; n < 600; n++) many.push(await hall.hand('192.0.2.20'))
  for (const hand of many) hand.ask()
  await hall.udp.settle()
  await hall.pass(31_500)
  many[0]!.take()
  // Their ports are open for others.
  for (let n = 0; n < 8; n++) (await hall.hand('192.0.2.30')).ask()
  await hall.pass(4000)
  t.same(await hall.says(many[0]!, 0), [], 'it is not remembered, and not told')
  await hall.close()
})

t.test('over real sockets: it gives way, is silent for longer than a port is kept, and has its file', async t => {
  const clock = new FakeClock()
  const files: FileSource = { open: async name => memoryFile(name, content(3)) }
  const { server, counts } = await serve(kernelUdp, clock, files, { maxTransfers: 1 })
  const at = server.addresses[0]!
  const [late, quick] = await Promise.all([1, 2].map(async () => await new Hand(at).open(kernelUdp, '127.0.0.1'))) as [Hand, Hand]
  late.ask()
  t.same(await late.hear(), ['OACK'])
  quick.ask()
  while (counts()['waits'] === undefined) await new Promise(resolve => { setImmediate(resolve) })
  clock.advance(300)
  t.same(await quick.hear(), ['OACK'])
  quick.ack(0)
  t.same(await quick.hear(), ['DATA 1 1'])
  quick.send({ opcode: 'ERROR', code: 0, message: 'enough' })
  while (counts()['aborted'] === undefined) await new Promise(resolve => { setImmediate(resolve) })
  for (let seconds = 0; seconds < 30; seconds++) clock.advance(1000)
  for (let block = 0; block < 3; block++) {
    late.ack(block)
    t.same(await late.hear(), [`DATA ${block + 1} ${block + 1}`])
  }
  late.ack(3)
  t.same(await late.hear(), ['DATA 4 empty'])
  late.ack(4)
  while (counts()['done'] === undefined) await new Promise(resolve => { setImmediate(resolve) })
  await server.close()
  for (const hand of [late, quick]) await hand.close()
})
