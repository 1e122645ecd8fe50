// What a request tells of its sender, from real packets and from the odd forms of the options.
import t from 'tap'
import { clientInfo, parseUserClass } from '../../src/dhcp/client-info.js'
import { decodePacket } from '../../src/dhcp/packet.js'
import { hex, mac, request } from '../helpers/dhcp.js'
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
  t.same(parseUserClass(hex('0261')), ['\x02a'], 'a length that leads out of it')
  t.same(parseUserClass(hex('0161 0262')), ['\x01a\x02b'])
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
  t.equal(http('00 130101'), true, 'PAD')
  t.equal(http('00 00 130101'), true, 'PAD')
  t.equal(http('2100'), false, 'two octets are an option')
  t.equal(http('13'), true, 'one is none: nothing is said')
  t.equal(http('ff00 130101'), true, 'nothing is said before the end')
  t.equal(http('210101 ff00 130101'), false, 'behind the end, whatever length that has')
  t.equal(http('210101'), false, 'other features only')
  t.equal(http('210101 ff 130101'), false, 'behind the end')
  t.equal(http('2105 01'), false, 'cut short')
  t.equal(http(''), true, 'says nothing of its features')
  t.end()
})

t.test('Raspberry Pi: by its model, by the ROM of a Pi 3, by its number, by its maker', t => {
  const rom = { vendorClassIdentifier: 'PXEClient:Arch:00000:UNDI:002001', clientSystemArchitecture: [0] }
  const program = (options: object, client = '52:54:00:00:00:01'): string => clientInfo(request({ ...rom, ...options }, { mac: mac(client) })).program
  t.equal(program({ clientMachineIdentifier: hex('00 52506935 c03111a532a6dc0e0d0c0b0a') }), 'raspberry-pi', 'RPi5, from whatever maker')
  t.equal(program({ clientMachineIdentifier: Buffer.concat([Buffer.of(0), Buffer.alloc(16, 0x44)]) }), 'raspberry-pi', 'a Pi 3')
  t.equal(program({ clientMachineIdentifier: Buffer.concat([Buffer.of(0x44, 0), Buffer.alloc(15, 0x44)]) }), 'pxe', 'all sixteen of them')
  t.equal(program({ clientMachineIdentifier: Buffer.alloc(16, 0x44) }), 'pxe')
  t.equal(program({ clientSystemArchitecture: [41] }), 'raspberry-pi', 'ARM rpiboot')
  t.equal(program({}, '88:a2:9e:00:00:01'), 'raspberry-pi', 'a Pi 5 of 2025')
  t.equal(program({}), 'pxe')
  t.equal(program({ clientSystemArchitecture: [11], clientMachineIdentifier: hex('00 52506934 c03111a532a6dc0e0d0c0b0a') }, 'dc:a6:32:00:00:01'), 'pxe', 'a Pi with UEFI firmware')
  t.end()
})

t.test('U-Boot: by what it calls itself, or by its number', t => {
  t.match(clientInfo(request({ vendorClassIdentifier: 'U-Boot.armv8', clientSystemArchitecture: [22] })), { program: 'u-boot', firmware: undefined })
  t.match(clientInfo(request({ clientSystemArchitecture: [21] })), { program: 'u-boot' })
  t.end()
})
