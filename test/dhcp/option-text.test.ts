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

t.test('every option that people set by hand, and what it would not be: no machine gets text for an address', t => {
  const forms = {
    list: { codes: [3, 4, 6, 7, 9, 33, 41, 42, 44, 69, 70, 72, 150], takes: [['10.0.0.1', '0a000001'], ['10.0.0.1,10.0.0.2', '0a0000010a000002']], refuses: ['1', 'soon', '10.0.0.256'] },
    one: { codes: [1, 16, 28], takes: [['10.0.0.1', '0a000001']], refuses: ['1', 'soon', '10.0.0.1,10.0.0.2'] },
    u8: { codes: [19, 23, 46], takes: [['0', '00'], ['255', 'ff']], refuses: ['256', '-1', 'soon', '10.0.0.1'] },
    u16: { codes: [26], takes: [['0', '0000'], ['65535', 'ffff']], refuses: ['65536', '-1', 'soon', '10.0.0.1'] },
    u32: { codes: [2, 35, 58, 59], takes: [['0', '00000000'], ['4294967295', 'ffffffff']], refuses: ['4294967296', '-1', 'soon', '10.0.0.1'] },
    text: { codes: [12, 15, 17, 60, 66, 67], takes: [['10.0.0.1', '31302e302e302e31'], ['1', '31']], refuses: [''] },
    // Text or addresses, whichever it looks like, on both sides of those above.
    none: { codes: [5, 8, 10, 11, 14, 18, 20, 22, 24, 25, 27, 29, 32, 34, 36, 40, 43, 45, 47, 68, 71, 73, 149, 151], takes: [['10.0.0.1', '0a000001'], ['soon', '736f6f6e'], ['1', '31']], refuses: [''] }
  } as const
  for (const [form, { codes, takes, refuses }] of Object.entries(forms)) {
    for (const code of codes) {
      for (const [text, octets] of takes) t.equal(wire(code, text), octets, `${form} ${code} ${text}`)
      for (const text of refuses) t.match(wire(code, text), /^expected /, `${form} ${code} ${text}`)
    }
  }
  t.end()
})

t.test('what is wrong', t => {
  t.equal(wire(42, 'soon'), 'expected IPv4 addresses, separated by commas for option 42 (ntpServers), or octets in hex (0x0102ff)')
  t.match(wire(28, '10.0.0.1,10.0.0.2'), /expected one IPv4 address/)
  t.match(wire(26, '65536'), /0 to 65535/)
  t.match(wire(26, '-1'), /0 to 65535/)
  for (const code of [0, 50, 51, 52, 53, 54, 55, 57, 61, 82, 255]) t.match(wire(code, '0x01'), /protocol's own/)
  t.match(wire(53, '5'), /option 53 \(dhcpMessageType\) is the protocol's own/)
  t.match(wire(51, '60'), /protocol's own/)
  t.match(wire(256, 'a'), /option number/)
  t.match(wire(-1, 'a'), /option number/)
  t.match(wire(1.5, 'a'), /option number/)
  t.match(wire(252, 'a'.repeat(256)), /longer than 255/)
  t.equal(wire(252, 'a'.repeat(255)), '61'.repeat(255))
  t.match(wire(12, ''), /expected text/)
  t.end()
})
