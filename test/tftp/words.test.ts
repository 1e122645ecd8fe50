// A packet in a sentence about its machine.
import t from 'tap'
import { encodePacket } from '../../src/tftp/packet.js'
import { packetInWords } from '../../src/tftp/words.js'

t.test('sentences', t => {
  const said = (packet: Parameters<typeof encodePacket>[0], isSent = false, octets = 516): string => packetInWords(encodePacket(packet), { isSent, octets })
  t.equal(said({ opcode: 'RRQ', filename: 'undionly.kpxe', mode: 'octet', options: [['blksize', '1468'], ['tsize', '0']] }), 'asks for the file undionly.kpxe (blksize 1468, tsize 0)')
  t.equal(said({ opcode: 'RRQ', filename: 'x', mode: 'octet', options: [] }), 'asks for the file x')
  t.equal(said({ opcode: 'WRQ', filename: 'x', mode: 'octet', options: [] }), 'wants to write the file x')
  t.equal(said({ opcode: 'OACK', options: [['tsize', '7']] }, true), 'is told tsize 7')
  t.equal(said({ opcode: 'DATA', block: 1, payload: Buffer.alloc(0) }, true), 'is sent block 1, 512 octets')
  t.equal(said({ opcode: 'ACK', block: 0 }), 'has block 0')
  t.equal(said({ opcode: 'ERROR', code: 8, message: 'User aborted' }), 'says error 8: User aborted')
  t.equal(said({ opcode: 'ERROR', code: 1, message: 'file not found' }, true), 'is told error 1: file not found')
  t.equal(packetInWords(Buffer.from([0, 9, 0, 0]), { isSent: false, octets: 4 }), 'sends what is no packet of TFTP (unknown_opcode)')
  t.end()
})
