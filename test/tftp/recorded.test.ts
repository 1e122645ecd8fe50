import t from 'tap'
import { encodePacket } from '../../src/tftp/packet.js'
import { recordedOf } from '../../src/tftp/recorded.js'

t.test('what is asked and refused as it is, the first block without its content, and no other', t => {
  const asked = encodePacket({ opcode: 'RRQ', filename: 'a', mode: 'octet', options: [] })
  t.equal(recordedOf(asked), asked)
  const refused = encodePacket({ opcode: 'ERROR', code: 1, message: 'no' })
  t.equal(recordedOf(refused), refused)
  t.same(recordedOf(encodePacket({ opcode: 'DATA', block: 1, payload: Buffer.from('secret') })), Buffer.from('00030001', 'hex'))
  t.same(recordedOf(encodePacket({ opcode: 'ACK', block: 0 })), Buffer.from('00040000', 'hex'))
  for (const block of [2, 65_535]) {
    t.equal(recordedOf(encodePacket({ opcode: 'DATA', block, payload: Buffer.from('x') })), undefined)
    t.equal(recordedOf(encodePacket({ opcode: 'ACK', block })), undefined)
  }
  for (const length of [0, 1, 3]) t.equal(recordedOf(asked.subarray(0, length)), undefined, 'what is no message')
  t.end()
})
