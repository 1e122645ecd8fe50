// Whatever bytes come, the TFTP decoders answer a value or DecodeError, and the server lives and forgets.
import fc from 'fast-check'
import t from 'tap'
import { DecodeError } from '../../src/base/errors.js'
import { normaliseFileName } from '../../src/tftp/file-name.js'
import { negotiate } from '../../src/tftp/negotiate.js'
import { decodePacket, encodePacket, type Packet } from '../../src/tftp/packet.js'
import { ReadTransfer } from '../../src/tftp/read-transfer.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { FakeUdp } from '../helpers/fake-udp.js'
import { memoryFiles, serve } from '../helpers/tftp-server.js'
import { cases } from '../helpers/property.js'

const limits = { maxBlockSize: 1468, maxWindowSize: 32 }
const bytes = fc.uint8Array({ maxLength: 600 }).map(array => Buffer.from(array))
const word = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map(code => String.fromCharCode(code)), maxLength: 40 })
const filledWord = word.filter(text => text !== '')
const options = fc.array(fc.tuple(filledWord, word), { maxLength: 4 })
const u16 = fc.integer({ min: 0, max: 65535 })
const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc.record({ opcode: fc.constantFrom('RRQ' as const, 'WRQ' as const), filename: word, mode: filledWord.map(text => text.toLowerCase()), options }),
  fc.record({ opcode: fc.constant('DATA' as const), block: u16, payload: bytes }),
  fc.record({ opcode: fc.constant('ACK' as const), block: u16 }),
  fc.record({ opcode: fc.constant('ERROR' as const), code: u16, message: word }),
  fc.record({ opcode: fc.constant('OACK' as const), options })
)
/** Packets with some bytes changed, cut or added: closer to the truth than chance gets. */
const mangled = fc.tuple(packet, fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 4 }), fc.nat(600), bytes)
  .map(([whole, changes, cut, more]) => {
    const out = Buffer.concat([encodePacket(whole).subarray(0, cut), more.subarray(0, cut % 7)])
    for (const [at, value] of changes) if (at < out.length) out[at] = value
    return out
  })
const anything = fc.oneof(bytes, mangled)

t.test('decodePacket is total', t => {
  let refused = 0
  fc.assert(fc.property(anything, input => {
    try {
      const decoded = decodePacket(input)
      if (decoded.opcode === 'RRQ') {
        const name = normaliseFileName(decoded.filename)
        if (name !== undefined && /^\/|(?:^|\/)\.\.(?:\/|$)|\0/.test(name)) throw new Error(`unsafe: ${name}`)
        const { blksize, windowsize, timeout = 1, answer } = negotiate(decoded.options, { limits, size: 1 })
        return blksize >= 8 && blksize <= 1468 &&
          windowsize >= 1 && windowsize <= 32 && timeout >= 1 && timeout <= 255 && answer.length <= 4
      }
      return true
    } catch (error) {
      refused++
      return error instanceof DecodeError && error.offset >= 0 && error.offset <= Math.max(512, input.length)
    }
  }), cases(t, 20_000))
  t.ok(refused > 1000, `${refused} of them are no packets`)
  t.end()
})

t.test('what is encoded is decoded to the same', t => {
  fc.assert(fc.property(packet, whole => {
    t.same(decodePacket(encodePacket(whole)), whole, { diagnostic: false })
  }), cases(t, 500))
  t.end()
})

t.test('a transfer stays within its window whatever ACKs come', t => {
  let done = 0
  const event = fc.oneof(fc.constant('timer' as const), fc.integer({ min: -40, max: 40 }))
  fc.assert(fc.property(fc.integer({ min: 1, max: 32 }), fc.array(event, { maxLength: 200 }),
    (windowsize, events) => {
      const terms = negotiate([['windowsize', String(windowsize)]], { limits, size: 0 })
      const transfer = new ReadTransfer(terms)
      transfer.start()
      let read = 0
      let over = false
      const follow = (effects: ReturnType<ReadTransfer['handle']>): void => {
        for (const effect of effects) {
          if (effect.type === 'done' || effect.type === 'fail') {
            over = true
            done++
          }
          if (effect.type === 'send' && effect.packets.length > windowsize) throw new Error(`${effect.packets.length} packets at once`)
          if (effect.type === 'read') {
            const packets = Array.from({ length: effect.count }, () => encodePacket({ opcode: 'DATA', block: ++read & 0xffff, payload: Buffer.alloc(512) }))
            follow(transfer.handle({ type: 'blocks', packets }))
          }
        }
        if (read - transfer.acknowledged > windowsize) throw new Error(`${read} read, ${transfer.acknowledged} confirmed`)
      }
      follow(transfer.handle({ type: 'ack', block: 0 }))
      for (const event of events) {
        if (over) break
        follow(transfer.handle(event === 'timer' ? { type: 'timer' } : { type: 'ack', block: transfer.acknowledged + event & 0xffff }))
      }
      return true
    }), cases(t, 2000))
  t.ok(done > 0, `${done} of them came to an end`)
  t.end()
})

t.test('a server that is sent anything lives, and forgets it all', async t => {
  const run = cases(t, 3000)
  const udp = new FakeUdp({ seed: run.seed }, { record: false })
  const clock = new FakeClock()
  const { server, events } = await serve(udp.host('192.0.2.1'), clock, memoryFiles({ a: Buffer.alloc(5000) }), { address: '192.0.2.1', port: 69 })
  const socket = await udp.host('192.0.2.9').bind({ address: '0.0.0.0', port: 0 }, (_data, from) => {
    // A client that answers with noise on the transfer's own port.
    if (from.port !== 69) socket.send(fc.sample(anything, { seed: from.port, numRuns: 1 })[0]!, from)
  })
  await fc.assert(fc.asyncProperty(anything, async input => {
    socket.send(input, { address: '192.0.2.1', port: 69 })
    await Promise.resolve()
  }), run)
  await udp.settle()
  for (let seconds = 0; seconds < 40 && server.transfers > 0; seconds += 0.5) {
    clock.advance(500)
    await udp.settle()
  }
  t.equal(server.transfers, 0)
  t.ok(events.length > 0)
  await server.close()
  await socket.close()
  t.equal(udp.open, 0)
})
