// Options as a configuration has them.
import t from 'tap'
import { optionFromText } from '../../src/dhcp/option-text.js'

const wire = (code: number, text: string): string => {
  const found = optionFromText(code, text)
  return 'bytes' in found ? Buffer.from(found.bytes).toString('hex') : found.problem
}

t.test('what the option holds', t => {
  t.equal(wire(42, '192.168.100.5'), 'c0a86405')
  t.equal(wire(42, '192.168.100.5, 10.0.0.1'), 'c0a864050a000001')
  t.equal(wire(26, '9000'), '2328')
  t.equal(wire(2, '3600'), '00000e10')
  t.equal(wire(19, '1'), '01')
  t.equal(wire(15, 'example.com'), '6578616d706c652e636f6d')
  t.equal(wire(43, '0x060108FF'), '060108ff')
  t.equal(wire(26, '0x05dc'), '05dc', 'hex for every one')
  t.equal(wire(252, 'http://wpad'), '687474703a2f2f77706164', 'text where nothing is known')
  t.equal(wire(224, '10.0.0.1'), '0a000001', 'an address where nothing is known')
  t.end()
})

t.test('what is wrong', t => {
  t.equal(wire(42, 'soon'), 'expected IPv4 addresses, separated by commas for option 42 (ntpServers), or octets in hex (0x0102ff)')
  t.match(wire(28, '10.0.0.1,10.0.0.2'), /expected one IPv4 address/)
  t.match(wire(26, '65536'), /0 to 65535/)
  t.match(wire(26, '-1'), /0 to 65535/)
  t.match(wire(53, '5'), /option 53 \(dhcpMessageType\) is the protocol's own/)
  t.match(wire(51, '60'), /protocol's own/)
  t.match(wire(256, 'a'), /option number/)
  t.match(wire(252, 'a'.repeat(256)), /longer than 255/)
  t.match(wire(12, ''), /expected text/)
  t.end()
})
