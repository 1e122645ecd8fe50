import t from 'tap'
import { bytesOf, DataBlocks } from '../../src/tftp/data-blocks.js'
import { memoryFile, type OpenFile, type FilePiece } from '../../src/disk/open-file.js'
import { decodePacket, encodePacket } from '../../src/tftp/packet.js'
import { random, randomBytes } from '../helpers/random.js'

async function all (file: OpenFile, blksize: number, count: number): Promise<Buffer> {
  const blocks = new DataBlocks(bytesOf(file), blksize)
  const parts: Buffer[] = []
  for (let expected = 1; ;) {
    const packets = await blocks.next(count)
    for (const packet of packets) {
      const data = decodePacket(packet)
      if (data.opcode !== 'DATA' || data.block !== expected++) throw new Error(`${data.opcode} instead of block ${expected - 1}`)
      parts.push(data.payload)
      if (data.payload.length < blksize) return Buffer.concat(parts)
    }
    if (packets.length !== count) throw new Error(`${packets.length} packets instead of ${count}`)
  }
}

/** A file in pieces of so many bytes, which must be given back before the next is asked for, and are overwritten then. */
const inPieces = (file: OpenFile, bytes: number, later: boolean): OpenFile => {
  let out = false
  const piece = (position: number, most: number): FilePiece => {
    if (out) throw new Error('the piece before is still held')
    out = true
    const copy = Buffer.from((file.piece(position, Math.min(most, bytes)) as FilePiece).bytes)
    return {
      bytes: copy,
      release: () => {
        out = false
        copy.fill('?')
      }
    }
  }
  return { ...file, piece: later ? async (position, most) => piece(position, most) : piece }
}

t.test('a file cut into packets is the file', async t => {
  for (const size of [0, 1, 511, 512, 513, 1024, 4096, 5000]) {
    const content = randomBytes(size, size)
    const file = memoryFile('memory', content)
    for (const count of [1, 3, 32]) {
      t.ok((await all(file, 512, count)).equals(content), `${size} bytes, ${count} at a time`)
      for (const piece of [512, 700, 4096]) {
        for (const later of [false, true]) {
          t.ok((await all(inPieces(file, piece, later), 512, count)).equals(content), `${size} bytes, ${count} at a time, in pieces of ${piece}${later ? ', later' : ''}`)
        }
      }
    }
  }
})

t.test('from memory the packets are there at once', t => {
  t.type(new DataBlocks(bytesOf(memoryFile('memory', Buffer.alloc(9))), 8).next(2), Array)
  t.end()
})

t.test('packets are written over those before when they may be, and only then', async t => {
  const next = random(1)
  for (const later of [false, true]) {
    const content = randomBytes(12_345, 7)
    const blocks = new DataBlocks(bytesOf(inPieces(memoryFile('memory', content), 1000, later)), 512)
    /** Packets that are still needed, each with a copy of what it was. */
    let held: Array<readonly [packet: Buffer, copy: Buffer]> = []
    for (let expected = 1, ended = false; !ended;) {
      const over = next() < 0.5
      const packets = await blocks.next(1 + Math.floor(next() * 3), over)
      if (over) held = []
      for (const packet of packets) {
        held.push([packet, Buffer.from(packet)])
        const payload = content.subarray((expected - 1) * 512, expected * 512)
        t.ok(packet.equals(encodePacket({ opcode: 'DATA', block: expected++, payload })), `block ${expected - 1}`)
        ended = payload.length < 512
      }
      t.ok(held.every(([packet, copy]) => packet.equals(copy)), 'what is needed stays as it was')
    }
  }
  const lockStep = new DataBlocks(bytesOf(memoryFile('memory', Buffer.alloc(100_000))), 512)
  const memories = new Set<ArrayBufferLike>()
  for (let n = 0; n < 196; n++) memories.add((await lockStep.next(1, true))[0]!.buffer)
  t.equal(memories.size, 1, 'a transfer in lock step has one piece of memory for all')
})
