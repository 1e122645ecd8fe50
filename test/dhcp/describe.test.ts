// A message in one line; the golden descriptions of real packets are in packet.test.ts.
import t from 'tap'
import { describePacket } from '../../src/dhcp/describe.js'
import { hex, ip, request } from '../helpers/dhcp.js'

t.test('header fields that say something, options by name, addresses as addresses', t => {
  t.equal(describePacket(request({})), 'BOOTP xid=5a3c01f2 52:54:00:12:34:56')
  t.equal(
    describePacket({
      ...request({ dhcpMessageType: 'OFFER', router: [ip('10.0.0.1'), ip('10.0.0.2')], ipAddressLeaseTime: 600, other: new Map([[224, hex('0aff')]]) }),
      flags: 0x8000,
      yiaddr: ip('10.0.0.7'),
      sname: 'a "b"',
      file: 'x\n'
    }),
    'OFFER xid=5a3c01f2 52:54:00:12:34:56 flags=8000 yiaddr=10.0.0.7 sname="a \\"b\\"" file="x\\n" router=10.0.0.1,10.0.0.2 ipAddressLeaseTime=600 224=0aff'
  )
  t.ok([...describePacket(request({ hostName: '\u001b[31m\n' }))].every(character => character >= ' '), 'nothing that a terminal obeys')
  t.end()
})
