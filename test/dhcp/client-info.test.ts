// What a request tells of its sender, from real packets and from the odd forms of the options.
import t from 'tap'
import { clientInfo, parseUserClass } from '../../src/dhcp/client-info.js'
import { decodePacket } from '../../src/dhcp/packet.js'
import { hex, request } from '../helpers/dhcp.js'
import { packetFixture } from '../helpers/fixtures.js'

t.test('real clients', t => {
  const rows: ReadonlyArray<readonly [string, object]> = [
    ['qemu-ipxe-rom-discover', { program: 'ipxe', firmware: 'bios', userClasses: ['iPXE'], ipxeHttp: true, mac: '52:54:00:00:00:01' }],
    ['flexboot-discover', { program: 'ipxe', firmware: 'bios', userClasses: [], ipxeHttp: false }],
    ['ovmf-x64-pxe-discover', { program: 'pxe', firmware: 'efi-x64', architectures: [7] }],
    ['ovmf-x64-http-discover', { program: 'http', firmware: 'efi-x64', architectures: [16] }],
    ['intel-boot-agent-discover', { program: 'pxe', firmware: 'bios' }],
    ['raspberry-pi-4-discover', { program: 'raspberry-pi', firmware: 'bios' }],
    ['udhcpc-discover', { program: 'other', firmware: undefined, architectures: [] }],
    ['dhclient-request', { program: 'other', firmware: undefined }]
  ]
  for (const [name, expected] of rows) t.match(clientInfo(decodePacket(packetFixture(name).bytes)), expected, name)
  t.end()
})

t.test('user classes, in both forms', t => {
  t.same(parseUserClass(hex('69505845')), ['iPXE'], 'as iPXE sends it: no length')
  t.same(parseUserClass(hex('0469505845')), ['iPXE'], 'as RFC 3004 has it')
  t.same(parseUserClass(hex('0161 0262 63')), ['a', 'bc'])
  t.same(parseUserClass(hex('69505845 00')), ['iPXE'], 'with a NUL')
  t.same(parseUserClass(hex('')), [])
  t.end()
})

t.test('an architecture said in the vendor class alone, several of them, an unknown one', t => {
  t.match(clientInfo(request({ vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003016' })), { firmware: 'efi-x64', architectures: [7] })
  t.match(clientInfo(request({ vendorClassIdentifier: 'PXEClient', clientSystemArchitecture: [0xff00, 9] })), { firmware: 'efi-x64' })
  t.match(clientInfo(request({ vendorClassIdentifier: 'PXEClient', clientSystemArchitecture: [77] })), { firmware: undefined, architectures: [77] })
  t.match(clientInfo(request({ vendorClassIdentifier: 'PXEClient' })), { firmware: undefined, architectures: [] })
  t.end()
})

t.test("iPXE's features", t => {
  const http = (options: string): boolean => clientInfo(request({ ipxeEncapsulatedOptions: hex(options) })).ipxeHttp
  t.equal(http('130101'), true)
  t.equal(http('00 00 130101'), true, 'PAD')
  t.equal(http('210101'), false, 'other features only')
  t.equal(http('210101 ff 130101'), false, 'behind the end')
  t.equal(http('2105 01'), false, 'cut short')
  t.equal(http(''), true, 'says nothing of its features')
  t.end()
})
