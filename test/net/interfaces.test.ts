// This machine's interfaces: loopback is always there.
import t from 'tap'
import { addressesOf, localAddresses } from '../../src/net/interfaces.js'
import { formatIpv4, formatSubnet } from '../../src/net/ipv4.js'

t.test('loopback', t => {
  const [lo] = addressesOf('lo')
  t.equal(lo && formatIpv4(lo.ip), '127.0.0.1')
  t.equal(lo && formatSubnet(lo.subnet), '127.0.0.0/8')
  t.ok(localAddresses().some(({ name }) => name === 'lo'))
  t.end()
})

t.test('an interface that is not there is named, with those that are', t => {
  t.throws(() => addressesOf('nosuch0'), { name: 'AppError', code: 'interface_missing', message: /no interface nosuch0 .*\(.*\)/ })
  t.end()
})
