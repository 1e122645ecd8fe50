import t from 'tap'
import { negotiate } from '../../src/tftp/negotiate.js'
import { memoryFile, type OpenFile, type FilePiece } from '../../src/disk/open-file.js'
import { decodePacket, encodePacket, type Packet } from '../../src/tftp/packet.js'
import { type Ending, TransferSession } from '../../src/tftp/transfer-session.js'
import { FakeClock } from '../helpers/fake-clock.js'

interface Stage {
  readonly session: TransferSession
  readonly sent: Packet[]
  readonly endings: Ending[]
  readonly turn: () => Promise<void>
}

function session (file: OpenFile, clock: FakeClock): Stage {
  const sent: Packet[] = []
  const endings: Ending[] = []
  const session = new TransferSession({
    name: 'a',
    mode: 'octet',
    client: { address: '192.0.2.9', port: 1024 },
    file,
    terms: negotiate([], { limits: { maxBlockSize: 1468, maxWindowSize: 32 }, size: file.size }),
    socket: { send: data => { sent.push(decodePacket(Buffer.from(data))) } },
    clock,
    onEnd: ending => { endings.push(ending) }
  })
  return { session, sent, endings, turn: async () => { await new Promise(resolve => { setImmediate(resolve) }) } }
}

const ack = (block: number): Packet => decodePacket(encodePacket({ opcode: 'ACK', block }))
const opcodesOf = (packets: readonly Packet[]): string[] => packets.map(packet => packet.opcode)

t.test('the deadline is looked at, not armed', t => {
  const clock = new FakeClock()
  const { session: s, sent } = session(memoryFile('a', Buffer.alloc(600)), clock)
  s.start()
  const tick = (milliseconds: number): void => { clock.advance(milliseconds); s.tick(clock.now()) }
  tick(999)
  t.equal(sent.length, 1)
  tick(1)
  t.equal(sent.length, 2)
  tick(1999)
  t.equal(sent.length, 2)
  tick(1)
  t.equal(sent.length, 3)
  s.receive(ack(1))
  t.equal(sent.length, 4)
  t.match(s.facts, { file: 'a', bytes: 512, ms: 3000, resent: 2 })
  t.equal(clock.pending, 0)
  t.end()
})

t.test('a read that fails, at once or later, ends the transfer with an ERROR', async t => {
  const file = memoryFile('a', Buffer.alloc(600))
  const { session: s, sent, endings, turn } = session({ ...file, piece: async () => { throw new Error('EIO') } }, new FakeClock())
  s.start()
  await turn()
  t.match(sent, [{ opcode: 'ERROR', code: 0, message: 'EIO' }])
  t.match(endings, [{ type: 'fail', reason: 'unreadable' }])
})

t.test('what a read brings after the end is let go', async t => {
  let answer: (piece: FilePiece) => void = () => {}
  let released = 0
  const file: OpenFile = { ...memoryFile('a', Buffer.alloc(600)), piece: async () => await new Promise(resolve => { answer = resolve }) }
  const { session: s, sent, endings, turn } = session(file, new FakeClock())
  s.start()
  s.stop('the server is stopping')
  s.stop('twice')
  answer({ bytes: Buffer.alloc(512), release: () => { released++ } })
  await turn()
  t.equal(released, 1)
  t.same(opcodesOf(sent), ['ERROR'])
  t.equal(endings.length, 1)
})

t.test('a transfer that goes on and on is ended', t => {
  const clock = new FakeClock()
  const { session: s, sent, endings } = session(memoryFile('a', Buffer.alloc(512 * 1000)), clock)
  s.start()
  for (let block = 1; endings.length === 0 && block < 1000; block++) {
    clock.advance(900)
    s.receive(ack(block))
    clock.advance(20_000)
    s.tick(clock.now())
    s.tick(clock.now())
  }
  t.match(endings, [{ type: 'fail', message: 'the transfer took too long' }])
  t.equal(sent.at(-1)?.opcode, 'ERROR')
  t.end()
})

t.test('two hours are not too long, a millisecond more is', t => {
  const clock = new FakeClock()
  const { session: s, endings } = session(memoryFile('a', Buffer.alloc(512 * 1000)), clock)
  s.start()
  clock.advance(2 * 3600_000 - 1)
  s.receive(ack(1))
  clock.advance(1)
  s.tick(clock.now())
  t.same(endings, [])
  clock.advance(1)
  s.tick(clock.now())
  t.match(endings, [{ message: 'the transfer took too long' }])
  t.end()
})

t.test('a socket that keeps what it is given is given memory that stays as it is', t => {
  const content = Buffer.concat([Buffer.alloc(512, 'a'), Buffer.alloc(512, 'b'), Buffer.alloc(100, 'c')])
  for (const keeps of [true, false]) {
    const given: Uint8Array[] = []
    const take = (data: Uint8Array): void => { given.push(data) }
    const s = new TransferSession({
      name: 'a',
      mode: 'octet',
      client: { address: '192.0.2.9', port: 1024 },
      file: memoryFile('a', content),
      terms: negotiate([], { limits: { maxBlockSize: 1468, maxWindowSize: 32 }, size: content.length }),
      socket: keeps ? { send: take } : { send: take, sendAll: packets => { packets.forEach(take) } },
      clock: new FakeClock(),
      onEnd: () => {}
    })
    s.start()
    for (const block of [1, 2]) s.receive(ack(block))
    t.equal(given.length, 3)
    const shown = given.map(data => String.fromCharCode(data[4]!)).join('')
    t.equal(shown, keeps ? 'abc' : 'ccc')
  }
  t.end()
})
