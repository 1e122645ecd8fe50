// The reader never reads past the end, the writer grows without losing what it has.
import t from 'tap'
import { DecodeError } from '../../src/base/errors.js'
import { ByteReader, ByteWriter } from '../../src/net/bytes.js'

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
