import t from 'tap'
import { DecodeError } from '../../src/base/errors.js'
import { decodePacket, encodePacket, type Packet } from '../../src/tftp/packet.js'
import { dataPacket } from '../helpers/tftp-packets.js'

const wire = (text: string): Buffer => Buffer.from(text, 'latin1')

const golden: ReadonlyArray<readonly [string, Packet]> = [
  ['\0\x01undionly.kpxe\0octet\0', { opcode: 'RRQ', filename: 'undionly.kpxe', mode: 'octet', options: [] }],
  ['\0\x01a\0octet\0tsize\x000\0blksize\x001468\0', { opcode: 'RRQ', filename: 'a', mode: 'octet', options: [['tsize', '0'], ['blksize', '1468']] }],
  ['\0\x02b\0netascii\0', { opcode: 'WRQ', filename: 'b', mode: 'netascii', options: [] }],
  ['\0\x03\xff\xfedata', { opcode: 'DATA', block: 65534, payload: wire('data') }],
  ['\0\x03\0\x01', { opcode: 'DATA', block: 1, payload: wire('') }],
  ['\0\x04\x01\x02', { opcode: 'ACK', block: 258 }],
  ['\0\x05\0\x01File not found\0', { opcode: 'ERROR', code: 1, message: 'File not found' }],
  ['\0\x06tsize\x0073728\0', { opcode: 'OACK', options: [['tsize', '73728']] }]
]

t.test('golden packets, both ways', t => {
  for (const [bytes, packet] of golden) {
    t.same(decodePacket(wire(bytes)), packet, packet.opcode)
    t.same(encodePacket(packet), wire(bytes), packet.opcode)
  }
  t.end()
})

t.test('a packet cut anywhere is a value or a DecodeError', t => {
  for (const [bytes] of golden) {
    for (let length = 0; length < bytes.length; length++) {
      try {
        decodePacket(wire(bytes.slice(0, length)))
      } catch (error) {
        t.type(error, DecodeError, `${length} bytes of ${JSON.stringify(bytes)}`)
      }
    }
  }
  t.throws(() => decodePacket(wire('')), new DecodeError('truncated', 0))
  t.throws(() => decodePacket(wire('\0\x04\0')), new DecodeError('truncated', 2))
  t.throws(() => decodePacket(wire('\0\x01name')), new DecodeError('missing_nul', 2))
  t.throws(() => decodePacket(wire('\0\x01name\0octet')), new DecodeError('missing_nul', 7))
  t.throws(() => decodePacket(wire('\0\x01name\0octet\0tsize\0')), new DecodeError('missing_nul', 19))
  t.throws(() => decodePacket(wire('\0\x07')), new DecodeError('unknown_opcode', 0))
  t.end()
})

t.test('RFC 2347: a request is at most 512 bytes', t => {
  const request = (length: number): Buffer => wire(`\0\x01${'n'.repeat(length - 9)}\0octet\0`)
  t.equal(decodePacket(request(512)).opcode, 'RRQ')
  t.throws(() => decodePacket(request(513)), new DecodeError('too_long', 512))
  t.equal(decodePacket(Buffer.concat([wire('\0\x03\0\x01'), Buffer.alloc(65464)])).opcode, 'DATA', 'data may be long')
  t.end()
})

t.test('a name with its NUL counted in, and a request padded with NULs', t => {
  t.same(decodePacket(wire('\0\x01pxelinux.0\0\0octet\0')), { opcode: 'RRQ', filename: 'pxelinux.0', mode: 'octet', options: [] })
  t.same(decodePacket(wire('\0\x01a\0OCTET\0tsize\x000\0\0\0\0\0')), { opcode: 'RRQ', filename: 'a', mode: 'octet', options: [['tsize', '0']] })
  t.end()
})

t.test('an ERROR without its NUL still says what it says', t => {
  t.same(decodePacket(wire('\0\x05\0\x08')), { opcode: 'ERROR', code: 8, message: '' })
  t.same(decodePacket(wire('\0\x05\0\0User aborted')), { opcode: 'ERROR', code: 0, message: 'User aborted' })
  t.end()
})

t.test('text keeps every byte but NUL', t => {
  const filename = String.fromCharCode(...Array.from({ length: 255 }, (_, i) => i + 1))
  t.same(decodePacket(encodePacket({ opcode: 'RRQ', filename, mode: 'octet', options: [] })), { opcode: 'RRQ', filename, mode: 'octet', options: [] })
  t.same(decodePacket(encodePacket({ opcode: 'ERROR', code: 0, message: 'a\0b' })), { opcode: 'ERROR', code: 0, message: 'ab' })
  t.end()
})

t.test('the number of a DATA packet wraps', t => {
  for (const [block, number] of [[1, 1], [65535, 65535], [65536, 0], [65537, 1], [131072, 0]] as const) {
    const packet = dataPacket(block, 3)
    packet.write('abc', 4)
    t.same(decodePacket(packet), { opcode: 'DATA', block: number, payload: wire('abc') })
  }
  t.end()
})
