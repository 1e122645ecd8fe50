// The capture file, octet by octet; that tcpdump reads it is shown in test/interop/packets.test.ts.
import t from 'tap'
import { encodePcap } from '../../src/net/pcap.js'
import { withoutUrlSecrets } from '../../src/net/secret-text.js'

t.test('a datagram of which the beginning is kept', t => {
  const file = encodePcap([{
    at: 1_700_000_000_123, from: { address: '172.30.0.21', port: 68 }, to: { address: '172.30.0.1', port: 67 }, data: Buffer.from('abcd'), length: 100
  }])
  t.equal(file.subarray(0, 24).toString('hex'), 'd4c3b2a1020004000000000000000000ffff000065000000')
  t.same([file.readUInt32LE(24), file.readUInt32LE(28), file.readUInt32LE(32), file.readUInt32LE(36)], [1_700_000_000, 123_000, 32, 128])
  const ip = file.subarray(40, 60)
  t.equal(ip.toString('hex'), '45000080000000004011' + '221b' + 'ac1e0015' + 'ac1e0001')
  let sum = 0
  for (let at = 0; at < 20; at += 2) sum += ip.readUInt16BE(at)
  t.equal((sum & 0xffff) + (sum >>> 16), 0xffff, 'the sum over a header with its checksum')
  t.equal(file.subarray(60).toString('hex'), '00440043' + '006c' + '0000' + '61626364')
  t.end()
})

t.test('secrets in URLs are x, and as long as they were', t => {
  const shown = (text: string): string => withoutUrlSecrets(Buffer.from(text, 'latin1')).toString('latin1')
  t.equal(shown('http://anna:pass@h/ignition?mac=1&guard=abc123&x=1\0token=no'), 'http://xxxxxxxxx@h/ignition?mac=1&guard=xxxxxx&x=1\0token=no')
  t.equal(shown('\u00ff\u0080?token=a b'), '\u00ff\u0080?token=x b')
  t.equal(shown('tftp://172.30.0.1/undionly.kpxe'), 'tftp://172.30.0.1/undionly.kpxe')
  t.end()
})
