// Hardware and IPv4 addresses in text: what is one, and in which form it is kept.
import t from 'tap'
import fc from 'fast-check'
import { formatIpv4, parseIpv4, unmapped } from '../../src/net/ipv4.js'
import { parseMac } from '../../src/net/mac.js'
import { cases } from '../helpers/property.js'

t.test('IPv4: four decimal octets without leading zeros, and nothing else', t => {
  const refused = ['', '.', '1', '1.2.3', '1.2.3.', '.1.2.3', '1..2.3', '1.2.3.4.', '1.2.3.4.5', '1.2.3.256', '1.2.3.1000', '01.2.3.4', '1.2.3.00', '1.2.3.4 ', ' 1.2.3.4',
    '1.2.3.-4', '1.2.3.+4', '0x1.2.3.4', '1.2.3.4/8', '1.2.3.٤', '1,2,3,4', '::ffff:1.2.3.4']
  for (const text of refused) t.equal(parseIpv4(text), undefined, text)
  for (const text of ['0.0.0.0', '255.255.255.255', '10.0.0.9', '192.168.100.21', '1.20.0.0']) t.equal(formatIpv4(parseIpv4(text) ?? -1), text)
  // As an expression says it, of text that is nearly one.
  const octet = '(?:0|[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])'
  const whole = new RegExp(`^${octet}(?:\\.${octet}){3}$`)
  const piece = fc.oneof(fc.nat(300).map(String), fc.constantFrom('00', '01', '', '256', ' 1', 'a'))
  fc.assert(fc.property(fc.array(piece, { minLength: 3, maxLength: 5 }).map(parts => parts.join('.')), text => (parseIpv4(text) !== undefined) === whole.test(text)), cases(t, 2000))
  t.equal(unmapped('::ffff:10.0.0.1'), '10.0.0.1')
  for (const text of ['10.0.0.1', '::ffff:1', 'fe80::1%eth0', '::1']) t.equal(unmapped(text), text)
  t.end()
})

t.test('hardware addresses: every form comes to the same', t => {
  for (const text of ['52:54:00:ab:cd:ef', '52:54:00:AB:CD:EF', '52-54-00-ab-cd-ef', '5254.00ab.cdef']) t.equal(parseMac(text), '52:54:00:ab:cd:ef')
  t.equal(parseMac('00-11-22-33-44-55-66-77'), '00:11:22:33:44:55:66:77')
  for (const text of ['', '52:54:00:ab:cd', '52:54:00:ab:cd:e', '52:54:00:ab:cd:eg', '52:54-00:ab:cd:ef', '52:54:00:ab:cd:ef:01', '525400abcdef', ' 52:54:00:ab:cd:e']) {
    t.equal(parseMac(text), undefined, text)
  }
  t.end()
})
