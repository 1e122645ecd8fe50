// Option 82 (RFC 3046) and link selection (RFC 3527).
import t from 'tap'
import { linkSelection, serverIdOverride, subOption } from '../../src/dhcp/relay-agent.js'
import { hex, ip } from '../helpers/dhcp.js'

t.test('sub-options', t => {
  t.same(subOption(hex('0104aabbccdd 0502 0102'), 5), hex('0102'))
  t.same(subOption(hex('0100 0201ff'), 1), hex(''))
  t.equal(subOption(hex('0104aabbccdd'), 2), undefined)
  t.equal(subOption(hex('0104aabb'), 1), undefined, 'cut short')
  t.equal(subOption(hex('01'), 1), undefined)
  t.equal(subOption(hex(''), 1), undefined)
  t.end()
})

t.test('link selection', t => {
  t.equal(linkSelection(hex('0101ff 05040a090001')), ip('10.9.0.1'))
  t.equal(linkSelection(hex('05030a0900')), undefined)
  t.equal(linkSelection(undefined), undefined)
  t.end()
})

t.test('server identifier override', t => {
  t.equal(serverIdOverride(hex('0101ff 0b040a090001')), ip('10.9.0.1'))
  t.equal(serverIdOverride(hex('0b030a0900')), undefined)
  t.equal(serverIdOverride(undefined), undefined)
  t.end()
})
