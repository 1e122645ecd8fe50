// RFC 2131 section 4.1: where a reply goes.
import t from 'tap'
import { destinationOf } from '../../src/dhcp/destination.js'
import type { MessageType } from '../../src/dhcp/constants.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { ip, request } from '../helpers/dhcp.js'

const own = '192.168.100.41'
const rows: ReadonlyArray<readonly [string, { ciaddr?: string, giaddr?: string, flags?: number }, MessageType, string, string, MessageType?]> = [
  ['a client without an address', {}, 'OFFER', own, '255.255.255.255:68'],
  ['the broadcast flag changes nothing', { flags: 0x8000 }, 'OFFER', own, '255.255.255.255:68'],
  ['a client that renews', { ciaddr: own }, 'ACK', own, `${own}:68`],
  ['INFORM', { ciaddr: own }, 'ACK', '0.0.0.0', `${own}:68`],
  ['INFORM without ciaddr', {}, 'ACK', '0.0.0.0', '255.255.255.255:68'],
  ['a NAK is broadcast even to one that has an address', { ciaddr: own }, 'NAK', '0.0.0.0', '255.255.255.255:68'],
  ['an address that the reply does not confirm', { ciaddr: '203.0.113.9' }, 'OFFER', own, '255.255.255.255:68'],
  ['a relay agent', { giaddr: '10.9.0.1' }, 'OFFER', own, '10.9.0.1:67'],
  ['a relay agent, though the client has an address', { giaddr: '10.9.0.1', ciaddr: own }, 'ACK', own, '10.9.0.1:67'],
  ['INFORM through a relay agent', { giaddr: '10.9.0.1', ciaddr: own }, 'ACK', '0.0.0.0', `${own}:68`, 'INFORM'],
  ['INFORM without ciaddr through a relay agent', { giaddr: '10.9.0.1' }, 'ACK', '0.0.0.0', '10.9.0.1:67', 'INFORM'],
  ['a NAK through a relay agent', { giaddr: '10.9.0.1' }, 'NAK', '0.0.0.0', '10.9.0.1:67']
]

t.test('every case', t => {
  for (const [what, { ciaddr = '0.0.0.0', giaddr = '0.0.0.0', flags = 0 }, dhcpMessageType, yiaddr, expected, type = 'REQUEST'] of rows) {
    const asked = request({ dhcpMessageType: type }, { ciaddr: ip(ciaddr), giaddr: ip(giaddr), flags })
    const to = destinationOf(asked, { ...request({ dhcpMessageType }), yiaddr: ip(yiaddr) })
    t.equal(`${formatIpv4(to.ip)}:${to.port}`, expected, what)
  }
  t.end()
})
