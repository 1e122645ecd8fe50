// Hardware and IPv4 addresses in text: what is one, and in which form it is kept.
import { readdirSync } from 'node:fs'
import t from 'tap'
import fc from 'fast-check'
import { contains, formatIpv4, formatSubnet, maskOf, parseIpv4, parseSubnet, prefixOfMask, unmapped } from '../../src/net/ipv4.js'
import { hyphenated, macFromBytes, macToBytes, parseMac } from '../../src/net/mac.js'
import { sourceAddressFor } from '../../src/net/source-address.js'
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
  const octets = Buffer.from('5254000a0bff', 'hex')
  t.equal(macFromBytes(octets), '52:54:00:0a:0b:ff')
  t.same(macToBytes(macFromBytes(octets)), octets)
  t.equal(hyphenated(macFromBytes(octets)), '52-54-00-0a-0b-ff')
  t.equal(macFromBytes(Buffer.alloc(0)), '')
  t.end()
})

t.test('subnets: an address without host bits and a prefix', t => {
  for (const text of ['10.0.0.0/8', '192.168.100.0/24', '0.0.0.0/0', '255.255.255.255/32', '128.0.0.0/1', '10.0.0.254/31']) t.equal(formatSubnet(parseSubnet(text)!), text)
  for (const text of ['10.0.0.1/8', '10.0.0.0/33', '10.0.0.0', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/008', '10.0.0.0/-1', '10.0.0/8', '128.0.0.0/0', '']) t.equal(parseSubnet(text), undefined, text)
  for (const [text, first, last] of [['192.168.100.0/24', '192.168.100.0', '192.168.100.255'], ['10.0.0.254/31', '10.0.0.254', '10.0.0.255'], ['10.0.0.9/32', '10.0.0.9', '10.0.0.9']] as const) {
    const subnet = parseSubnet(text)!
    t.equal(formatIpv4(subnet.broadcast), last)
    const [from, to] = [parseIpv4(first)!, parseIpv4(last)!]
    t.same([from - 1, from, to, to + 1].map(ip => contains(subnet, ip)), [false, true, true, false], text)
  }
  t.equal(contains(parseSubnet('0.0.0.0/0')!, 0xffffffff), true)
  t.end()
})

t.test('the prefix of a mask, and masks that are of none', t => {
  for (let prefix = 0; prefix <= 32; prefix++) t.equal(prefixOfMask(maskOf(prefix)), prefix)
  for (const text of ['0.0.0.1', '255.0.255.0', '255.255.255.253', '127.255.255.255', '0.255.255.255']) t.equal(prefixOfMask(parseIpv4(text)!), undefined, text)
  t.end()
})

t.test('the address that the kernel sends from, and nothing left open', t => {
  const open = (): number => readdirSync('/proc/self/fd').length
  const before = open()
  for (let times = 0; times < 20; times++) {
    t.equal(sourceAddressFor(parseIpv4('127.0.0.5')!), parseIpv4('127.0.0.1'))
    t.equal(sourceAddressFor(parseIpv4('255.255.255.255')!), undefined, 'nowhere that a plain socket may send to')
  }
  t.equal(open(), before)
  t.end()
})
