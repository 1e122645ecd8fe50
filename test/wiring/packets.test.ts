// The last packets of a machine, recorded from what sockets tell and shown without what is secret.
import t from 'tap'
import { encodePacket } from '../../src/dhcp/packet.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { ToldLater } from '../../src/machines/told-later.js'
import { recordPackets } from '../../src/wiring/packets.js'
import { ip, request, testMac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'

function recorder (toldLater = new ToldLater({ isBehind: () => false })) {
  const clock = new FakeClock(1_700_000_000_000)
  const registry = new MachineRegistry([], { note: () => {} })
  registry.record({ mac: testMac, stage: 'discover', at: clock.now() })
  return { clock, packets: recordPackets({ clock, registry, macOf: address => address === '10.0.0.9' ? testMac : undefined, toldLater }) }
}

t.test('DHCP: who has no address yet speaks to all', t => {
  const { packets } = recorder()
  const data = encodePacket(request({ dhcpMessageType: 'DISCOVER' }))
  const datagram = { mac: testMac, data, port: 67 }
  packets.onDhcp({ ...datagram, peer: { address: '0.0.0.0', port: 68 }, isSent: false }, '10.0.0.1')
  packets.onDhcp({ ...datagram, peer: { address: '10.0.0.9', port: 68 }, isSent: false }, '10.0.0.1')
  packets.onDhcp({ ...datagram, peer: { address: '255.255.255.255', port: 68 }, isSent: true }, '10.0.0.1')
  t.match(packets.of(testMac).map(({ from, to }) => `${from} ${to}`), [
    '0.0.0.0:68 255.255.255.255:67', '10.0.0.9:68 10.0.0.1:67', '10.0.0.1:67 255.255.255.255:68'
  ])
  t.match(packets.of(testMac)[0], { at: 1_700_000_000_000, words: /./, details: new RegExp(`^DHCP, ${data.length} octets: `) })
  t.end()
})

t.test('while others wait to be answered packets are copied, and recorded before somebody looks at them', t => {
  const toldLater = new ToldLater({ isBehind: () => true, nextTurn: () => {} })
  const { packets } = recorder(toldLater)
  const data = encodePacket(request({ dhcpMessageType: 'DISCOVER' }))
  packets.onDhcp({ mac: testMac, data, port: 67, peer: { address: '0.0.0.0', port: 68 }, isSent: false }, '10.0.0.1')
  data.fill(0)
  t.equal(toldLater.waiting, 1)
  t.match(packets.of(testMac), [{ words: /./, details: /DISCOVER/ }])
  t.equal(toldLater.waiting, 0)
  t.end()
})

t.test('TFTP: what is asked, agreed and refused, and of the first block its header', t => {
  const { clock, packets } = recorder()
  const [machine, us] = [{ address: '10.0.0.9', port: 2070 }, { address: '10.0.0.1', port: 69 }]
  const sent = (hex: string): void => { packets.onTftp({ data: Buffer.from(hex, 'hex'), from: us, to: machine, isSent: true }) }
  const heard = (data: Buffer): void => { packets.onTftp({ data, from: machine, to: us, isSent: false }) }
  const shown = (): readonly string[] => packets.of(testMac).map(({ words }) => words)
  t.equal(packets.pcap(testMac), undefined)
  heard(Buffer.from('\0\x01a?token=secret\0octet\0'))
  clock.advance(5)
  sent(`00030001${'61'.repeat(512)}`)
  for (const later of ['000300026161', '0003ffff6161']) sent(later)
  heard(Buffer.from('00040000', 'hex'))
  heard(Buffer.from('00040001', 'hex'))
  heard(Buffer.from('00040002', 'hex'))
  heard(Buffer.from('0004', 'hex'))
  sent('00050001616200')
  packets.onTftp({ data: Buffer.from('00050001616200', 'hex'), from: us, to: { address: '10.0.0.8', port: 1 }, isSent: true })
  t.same(shown(), ['asks for the file a?token=xxxxxx', 'is sent block 1, 512 octets', 'has block 0', 'has block 1', 'is told error 1: ab'])
  t.match(packets.of(testMac), [{ from: '10.0.0.9:2070', to: '10.0.0.1:69', at: 1_700_000_000_000 }, { from: '10.0.0.1:69', at: 1_700_000_000_005, details: 'TFTP, 516 octets' }])
  const file = packets.pcap(testMac)!
  t.notOk(file.includes('secret'))
  t.notOk(file.includes('aaaa'), 'what is in a file is in no record')
  t.equal(packets.pcap(ip('10.0.0.8') as never), undefined)
  t.end()
})
