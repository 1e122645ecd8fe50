import t from 'tap'
import { parseIpv4 } from '../../src/net/ipv4.js'
import { localIpv4Addresses } from '../../src/net/local-addresses.js'

t.test('IPv4 addresses, each once', t => {
  const found = localIpv4Addresses()
  t.ok(found.includes('127.0.0.1'))
  t.same(found.filter(address => parseIpv4(address) === undefined), [])
  t.equal(new Set(found).size, found.length)
  t.end()
})
