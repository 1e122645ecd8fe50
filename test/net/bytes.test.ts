// The reader never reads past the end, the writer grows without losing what it has.
import t from 'tap'
import { DecodeError } from '../../src/base/errors.js'
import { ByteReader, ByteWriter, isNul, withoutTail } from '../../src/net/bytes.js'

t.test('reads in network order, and checks every bound', t => {
  const reader = new ByteReader(Buffer.from('0102030405060708616263007a', 'hex'))
  t.equal(reader.u8(), 1)
  t.equal(reader.u16(), 0x0203)
  t.equal(reader.u32(), 0x04050607)
  t.same(reader.bytes(1), Buffer.from([8]))
  t.same(reader.untilNul(), Buffer.from('abc'))
  t.equal(reader.offset, 12)
  t.throws(() => reader.u16(), new DecodeError('truncated', 12))
  t.throws(() => reader.untilNul(), new DecodeError('missing_nul', 12))
  t.throws(() => reader.bytes(2), new DecodeError('truncated', 12))
  t.same(reader.rest(), Buffer.from('z'))
  t.equal(reader.remaining, 0)
  t.throws(() => reader.u8(), new DecodeError('truncated', 13))
  t.end()
})

t.test('a writer of any expected size writes the same', t => {
  for (let expected = 1; expected < 40; expected++) {
    const bytes = new ByteWriter(expected).u8(1).u16(0x0203).u32(0x04050607).bytes(Buffer.from('abc')).field(Buffer.from('xyz'), 2)
      .field(Buffer.from('q'), 3).zeros(2).finish()
    t.equal(bytes.toString('hex'), '0102030405060761626378797100000000', `expected ${expected}`)
  }
  t.end()
})

t.test('what was written can be changed, taken back, and written over', t => {
  const writer = new ByteWriter(2).text('ab\u00e9').u8(0x1ff).u16(0x10203).u32(0x89abcdef)
  t.equal(writer.finish().toString('hex'), '6162e9ff020389abcdef')
  t.equal(writer.length, 10)
  writer.patch(9, 1)
  writer.patch(10, 0xaa)
  t.equal(writer.u8(2).finish().toString('hex'), '6162e9ff020389abcd0102', 'nothing is put behind what was written')
  t.equal(writer.since(9).toString('hex'), '0102')
  writer.rewind(20)
  t.equal(writer.length, 11)
  writer.rewind(3)
  t.equal(writer.field(Buffer.from('xyz'), 3).finish().toString(), Buffer.from('6162e978797a', 'hex').toString())
  t.equal(writer.reset().u8(7).finish().toString('hex'), '07')
  t.end()
})

t.test('octets at the end that say nothing are cut off', t => {
  for (const [bytes, left] of [['', ''], ['00', ''], ['0000', ''], ['6100', '61'], ['610062', '610062'], ['0061000000', '0061']] as const) {
    t.equal(withoutTail(Buffer.from(bytes, 'hex'), isNul).toString('hex'), left, bytes)
  }
  t.end()
})
