// Ignored ProxyDHCP offers.
import t from 'tap'
import { ProxyWatch } from '../../src/dhcp/proxy-watch.js'
import { mac, testMac } from '../helpers/dhcp.js'

t.test('a machine that starts over three times within 40 s, as HP UEFI does after 0, 4, 12 and 28 s', t => {
  const watch = new ProxyWatch()
  t.same([0, 4, 12, 28].map(at => watch.offered(testMac, at * 1000)), [false, false, true, false], 'told once')
  t.equal(watch.offered(testMac, 100_000), false, 'another boot')
  t.end()
})

t.test('one that goes on, one that asks seldom', t => {
  const watch = new ProxyWatch()
  watch.offered(testMac, 0)
  watch.offered(testMac, 1000)
  watch.progressed(testMac)
  t.equal(watch.offered(testMac, 2000), false)
  const other = mac('52:54:00:00:00:99')
  t.same([0, 30, 60, 90].map(at => watch.offered(other, at * 1000)), [false, false, false, false])
  t.end()
})

t.test('many machines take little memory', t => {
  const watch = new ProxyWatch()
  watch.offered(testMac, 0)
  watch.offered(testMac, 0)
  for (let n = 0; n < 5000; n++) watch.offered(mac(`52:54:00:01:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`), 0)
  t.equal(watch.offered(testMac, 0), false, 'forgotten')
  t.end()
})
