// Many made-up machines behind a made-up relay agent: dhcp-load.ts OWN_ADDRESS SERVER SEED PER_SECOND. Takes a lease for one
// after the other and prints `MAC ADDRESS` for each ACK as it comes in, until it is killed. SERVER may be 255.255.255.255: all hear it,
// and the first offer is taken.
import { randomInt } from 'node:crypto'
import { writeSync } from 'node:fs'
import { decodePacket, encodePacket } from '../../src/dhcp/packet.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { macFromBytes } from '../../src/net/mac.js'
import { kernelUdp } from '../../src/net/udp.js'
import { ip, mac, request } from './dhcp.js'

const [, , own = '', server = '', seed = '0', perSecond = '500'] = process.argv
const giaddr = ip(own)
const to = { address: server, port: 67 }
const socket = await kernelUdp.bind({ address: own, port: 67, broadcast: true }, data => {
  const { yiaddr, chaddr, options } = decodePacket(data)
  if (options.dhcpMessageType === 'OFFER') {
    const taking = { dhcpMessageType: 'REQUEST', requestedIpAddress: yiaddr, serverIdentifier: options.serverIdentifier ?? ip(server) } as const
    socket.send(encodePacket(request(taking, { giaddr, mac: macFromBytes(chaddr) })), to)
  } else {
    writeSync(1, `${options.dhcpMessageType} ${macFromBytes(chaddr)} ${formatIpv4(yiaddr)}\n`)
  }
})
let n = randomInt(1000)
setInterval(() => {
  for (let i = 0; i < Number(perSecond) / 50; i++) {
    const tail = [Number(seed) & 255, n >> 8 & 255, n & 255].map(octet => octet.toString(16).padStart(2, '0')).join(':')
    socket.send(encodePacket(request({ dhcpMessageType: 'DISCOVER' }, { giaddr, mac: mac(`02:00:00:${tail}`) })), to)
    n++
  }
}, 20)
