import t from 'tap'
import { DecodeError } from '../../src/errors.js'
import { ByteReader, ByteWriter } from '../../src/net/bytes.js'

t.test('a writer that has to grow keeps every byte, whichever call makes it grow', t => {
  const steps: ReadonlyArray<readonly [string, (writer: ByteWriter) => ByteWriter, string]> = [
    ['u8', w => w.u8(0x12), '12'],
    ['u16', w => w.u16(0x1234), '1234'],
    ['u32', w => w.u32(0x12345678), '12345678'],
    ['bytes', w => w.bytes(Buffer.from('abcdef', 'hex')), 'abcdef'],
    ['field', w => w.field(Buffer.from('ab', 'hex'), 3), 'ab0000'],
    ['zeros', w => w.zeros(2), '0000']
  ]
  for (const [name, step, hex] of steps) {
    for (const expected of [0, 1, 2, 3]) {
      t.equal(step(new ByteWriter(expected).u8(0xee)).finish().toString('hex'), `ee${hex}`, `${name} from ${expected}`)
    }
  }
  t.end()
})

t.test('a reader never reads past the end', t => {
  const reader = new ByteReader(Buffer.from('0102030405'.padEnd(10, '0'), 'hex'))
  t.equal(reader.u8(), 1)
  t.equal(reader.u16(), 0x0203)
  t.throws(() => reader.u32(), new DecodeError('truncated', 3))
  t.throws(() => reader.untilNul(), new DecodeError('missing_nul', 3))
  t.same(reader.rest(), Buffer.from([4, 5]))
  t.equal(reader.remaining, 0)
  t.end()
})
