import t from 'tap'
import { negotiate, type Terms } from '../../src/tftp/negotiate.js'
import { decodePacket, type TftpOption } from '../../src/tftp/packet.js'
import { dataPacket } from '../helpers/tftp-packets.js'
import { ReadTransfer, type TransferEffect, type TransferEvent } from '../../src/tftp/read-transfer.js'

const terms = (options: readonly TftpOption[] = []): Terms =>
  negotiate(options, { limits: { maxBlockSize: 1468, maxWindowSize: 32 }, size: 1000 })

/** A transfer of a file of `blocks` blocks of 8 bytes, the last one short; reads are answered at once. */
class Script {
  readonly transfer: ReadTransfer
  readonly #blocks: number
  #read = 0

  constructor (blocks: number, options: readonly TftpOption[] = []) {
    this.transfer = new ReadTransfer(terms([['blksize', '8'], ...options]))
    this.#blocks = blocks
  }

  start (): string { return this.#tell(this.transfer.start()) }
  ack (block: number): string { return this.on({ type: 'ack', block }) }
  timer (): string { return this.on({ type: 'timer' }) }
  on (event: TransferEvent): string { return this.#tell(this.transfer.handle(event)) }

  /** The effects in a few words: `OACK`, `D1 D2`, `+1000` for a timer, `done`. */
  #tell (effects: readonly TransferEffect[]): string {
    return effects.map(effect => {
      switch (effect.type) {
        case 'send': return effect.packets.map(nameOf).join(' ')
        case 'read': return this.#tell(this.transfer.handle({ type: 'blocks', packets: this.#next(effect.count) }).filter(e => e.type !== 'timer'))
        case 'timer': return `+${effect.milliseconds}`
        case 'done': return effect.confirmed ? 'done' : 'done unconfirmed'
        case 'fail': return `${effect.reason}: ${effect.message}`
      }
      return ''
    }).join(' ')
  }

  #next (count: number): Buffer[] {
    const packets: Buffer[] = []
    while (packets.length < count && this.#read < this.#blocks) packets.push(dataPacket(++this.#read, this.#read === this.#blocks ? 3 : 8))
    return packets
  }
}

function nameOf (bytes: Buffer): string {
  const packet = decodePacket(bytes)
  return packet.opcode === 'DATA' ? `D${packet.block}` : packet.opcode === 'ERROR' ? `ERROR ${packet.code}` : packet.opcode
}

t.test('lock step: OACK, ACK 0, one block an ACK', t => {
  const s = new Script(3)
  t.equal(s.start(), 'OACK +1000')
  t.equal(s.ack(0), 'D1 +1000')
  t.equal(s.ack(1), 'D2 +1000')
  t.equal(s.ack(2), 'D3 +1000')
  t.equal(s.ack(3), 'done')
  t.equal(s.transfer.resent, 0)
  t.equal(s.ack(3), '', 'nothing happens after the end')
  t.equal(s.timer(), '')
  t.equal(s.on({ type: 'error', code: 0, message: '' }), '')
  t.end()
})

t.test('without options the first block is the answer', t => {
  const transfer = new ReadTransfer(terms())
  t.same(transfer.start(), [{ type: 'read', count: 1, over: true }, { type: 'timer', milliseconds: 1000 }])
  const packet = dataPacket(1, 511)
  t.same(transfer.handle({ type: 'blocks', packets: [packet] }), [{ type: 'send', packets: [packet] }, { type: 'timer', milliseconds: 1000 }])
  t.same(transfer.handle({ type: 'ack', block: 1 }), [{ type: 'done', confirmed: true }])
  t.end()
})

t.test('a file of whole blocks ends with an empty one', t => {
  const transfer = new ReadTransfer(terms())
  transfer.start()
  transfer.handle({ type: 'blocks', packets: [dataPacket(1, 512)] })
  t.match(transfer.handle({ type: 'ack', block: 1 }), [{ type: 'read', count: 1 }, { type: 'timer' }])
  transfer.handle({ type: 'blocks', packets: [dataPacket(2, 0)] })
  t.same(transfer.handle({ type: 'ack', block: 2 }), [{ type: 'done', confirmed: true }])
  t.end()
})

t.test('RFC 1123 4.2.3.1: a repeated ACK never triggers DATA', t => {
  const s = new Script(4)
  s.start()
  for (const block of [0, 1, 2, 3]) {
    t.equal(s.ack(block), `D${block + 1} +1000`)
    t.equal(s.ack(block), '')
    t.equal(s.ack(block), '')
  }
  t.equal(s.ack(4), 'done')
  t.equal(s.transfer.resent, 0)
  t.end()
})

t.test('ACKs of blocks that were not sent, or long ago, are passed over', t => {
  const s = new Script(9)
  s.start()
  t.equal(s.ack(1), '', 'before ACK 0')
  s.ack(0)
  s.ack(1)
  s.ack(2)
  for (const block of [0, 1, 4, 5, 65535, 32768]) t.equal(s.ack(block), '', String(block))
  t.equal(s.ack(3), 'D4 +1000')
  t.end()
})

t.test('a silent client: 1, 2, 4, 8 s, five more sendings, then the end', t => {
  const s = new Script(4)
  s.start()
  s.ack(0)
  t.equal(s.timer(), 'D1 +2000')
  t.equal(s.timer(), 'D1 +4000')
  t.equal(s.timer(), 'D1 +8000')
  t.equal(s.timer(), 'D1 +8000')
  t.equal(s.timer(), 'D1 +8000')
  t.equal(s.timer(), 'timeout: no ACK after block 0')
  t.equal(s.transfer.resent, 5)
  t.end()
})

t.test('an answer starts the back-off anew', t => {
  const s = new Script(4)
  s.start()
  t.equal(s.timer(), 'OACK +2000')
  t.equal(s.ack(0), 'D1 +1000')
  t.equal(s.timer(), 'D1 +2000')
  t.equal(s.timer(), 'D1 +4000')
  t.equal(s.ack(0), '', 'a repeated ACK sends nothing')
  t.equal(s.timer(), 'D1 +2000', 'but shows that the client is there')
  t.equal(s.ack(1), 'D2 +1000')
  t.end()
})

t.test('a client that never says a word has vanished', t => {
  const s = new Script(1)
  s.start()
  for (let i = 0; i < 5; i++) s.timer()
  t.equal(s.timer(), 'vanished: the client never answered')
  t.end()
})

t.test('the last ACK may be lost', t => {
  const s = new Script(2)
  s.start()
  s.ack(0)
  t.equal(s.ack(1), 'D2 +1000')
  t.ok(s.transfer.restartable)
  for (let i = 0; i < 5; i++) s.timer()
  t.equal(s.timer(), 'done unconfirmed')
  t.end()
})

t.test("RFC 2349: the client's own pause", t => {
  const s = new Script(2, [['timeout', '3']])
  t.equal(s.start(), 'OACK +3000')
  for (let i = 0; i < 5; i++) t.equal(s.timer(), 'OACK +3000')
  t.match(s.timer(), /^vanished/)
  const long = new Script(2, [['timeout', '255']])
  t.equal(long.start(), 'OACK +30000')
  t.equal(long.timer(), 'OACK +30000')
  t.match(long.timer(), /^vanished/, 'who asks for minutes holds a transfer for one')
  t.end()
})

t.test('RFC 7440: windows', t => {
  const s = new Script(9, [['windowsize', '4']])
  s.start()
  t.equal(s.ack(0), 'D1 D2 D3 D4 +1000')
  t.equal(s.ack(4), 'D5 D6 D7 D8 +1000')
  t.equal(s.ack(4), '', 'repeated')
  t.equal(s.ack(8), 'D9 +1000')
  t.equal(s.ack(9), 'done')
  t.equal(s.transfer.resent, 0)
  t.end()
})

t.test('RFC 7440: an ACK inside the window goes back to the block after it', t => {
  const s = new Script(9, [['windowsize', '4']])
  s.start()
  s.ack(0)
  t.equal(s.ack(2), 'D3 D4 D5 D6 +1000')
  t.equal(s.ack(2), '')
  t.equal(s.timer(), 'D3 D4 D5 D6 +2000')
  t.equal(s.ack(6), 'D7 D8 D9 +1000')
  t.equal(s.ack(8), 'D9 +1000')
  t.equal(s.ack(9), 'done')
  t.equal(s.transfer.resent, 7)
  t.end()
})

t.test('every ACK twice: as many DATA packets as blocks, with windows and without', t => {
  for (const windowsize of ['1', '4', '32']) {
    const s = new Script(100, [['windowsize', windowsize]])
    let sent = s.start() + s.ack(0) + s.ack(0)
    for (let block = Number(windowsize); block < 100; block += Number(windowsize)) sent += s.ack(block) + s.ack(block)
    sent += s.ack(100)
    t.equal(sent.match(/D\d+/g)?.length, 100, `windowsize ${windowsize}`)
    t.match(sent, /done$/)
  }
  t.end()
})

t.test('block numbers wrap to 0', t => {
  const s = new Script(70_000)
  s.start()
  s.ack(0)
  for (let block = 1; block < 65_535; block++) s.ack(block)
  t.equal(s.ack(65_535), 'D0 +1000')
  t.equal(s.ack(65_535), '')
  t.equal(s.ack(0), 'D1 +1000')
  t.equal(s.ack(0), '')
  for (let block = 65_537; block < 70_000; block++) s.ack(block & 0xffff)
  t.equal(s.ack(70_000 & 0xffff), 'done')
  t.end()
})

t.test('a window across the wrap, with an ACK inside it', t => {
  const s = new Script(65_540, [['windowsize', '32']])
  s.start()
  s.ack(0)
  for (let block = 32; block < 65_536; block += 32) s.ack(block)
  t.equal(s.ack(0), 'D1 D2 D3 D4 +1000')
  t.equal(s.ack(2), 'D3 D4 +1000')
  t.equal(s.ack(4), 'done')
  t.end()
})

t.test('edk2, VMware: a size asked and then ERROR is a probe, whatever its code', t => {
  for (const code of [8, 0]) {
    const probe = new Script(2, [['tsize', '0']])
    probe.start()
    t.match(probe.on({ type: 'error', code, message: 'User aborted the transfer' }), /^probe: ERROR . User aborted the transfer$/)
  }
  const sizeNotAsked = new Script(2)
  sizeNotAsked.start()
  t.match(sizeNotAsked.on({ type: 'error', code: 8, message: '' }), /^aborted: ERROR 8$/)
  const midway = new Script(2, [['tsize', '0']])
  midway.start()
  midway.ack(0)
  midway.ack(1)
  t.match(midway.on({ type: 'error', code: 3, message: 'disk full' }), /^aborted: ERROR 3 disk full$/)
  t.end()
})

t.test('a read that fails is told to the client', t => {
  const transfer = new ReadTransfer(terms())
  transfer.start()
  const effects = transfer.handle({ type: 'readFailed', message: 'EIO' })
  t.match(effects, [{ type: 'send' }, { type: 'fail', reason: 'unreadable', message: 'EIO' }])
  t.equal(effects[0]?.type === 'send' && nameOf(effects[0].packets[0]!), 'ERROR 0')
  t.end()
})

t.test('blocks are read over those before when none of these may be sent again', t => {
  const transfer = new ReadTransfer(terms([['windowsize', '2']]))
  transfer.start()
  t.match(transfer.handle({ type: 'ack', block: 0 }), [{ type: 'read', count: 2, over: true }, { type: 'timer' }])
  transfer.handle({ type: 'blocks', packets: [1, 2].map(block => dataPacket(block, 512)) })
  t.match(transfer.handle({ type: 'ack', block: 1 }), [{ type: 'send' }, { type: 'read', count: 1, over: false }, { type: 'timer' }])
  transfer.handle({ type: 'blocks', packets: [dataPacket(3, 512)] })
  t.match(transfer.handle({ type: 'ack', block: 3 }), [{ type: 'read', count: 2, over: true }, { type: 'timer' }])
  t.end()
})

t.test('while a read is under way nothing is read twice', t => {
  const transfer = new ReadTransfer(terms([['windowsize', '4']]))
  transfer.start()
  t.match(transfer.handle({ type: 'ack', block: 0 }), [{ type: 'read', count: 4 }, { type: 'timer' }])
  t.same(transfer.handle({ type: 'ack', block: 0 }), [])
  t.same(transfer.handle({ type: 'timer' }), [{ type: 'timer', milliseconds: 2000 }])
  transfer.handle({ type: 'blocks', packets: [1, 2, 3, 4].map(block => dataPacket(block, 512)) })
  t.match(transfer.handle({ type: 'ack', block: 1 }), [{ type: 'send' }, { type: 'read', count: 1 }, { type: 'timer' }])
  t.match(transfer.handle({ type: 'ack', block: 2 }), [{ type: 'send' }, { type: 'timer' }], 'the one under way comes first')
  t.end()
})

t.test('the same client asks anew', t => {
  const early = new Script(5)
  early.start()
  t.notOk(early.transfer.restartable, 'the network may have doubled the request')
  early.timer()
  t.notOk(early.transfer.restartable, 'curl asks again after the same pause after which the OACK is sent again')
  early.ack(0)
  t.notOk(early.transfer.restartable)
  early.timer()
  t.ok(early.transfer.restartable, 'a client that answered and then fell silent began again')
  t.match(early.on({ type: 'replaced' }), /^aborted/)
  const late = new Script(1)
  late.start()
  late.ack(0)
  t.equal(late.on({ type: 'replaced' }), 'done unconfirmed', 'its last ACK came behind its next request')
  t.end()
})
