// Option 43 and what goes with it, to the octet.
import t from 'tap'
import { clientInfo } from '../../src/dhcp/client-info.js'
import { decodePacket } from '../../src/dhcp/packet.js'
import { bootServerVendorOptions, pxeOptions, vendorOption } from '../../src/dhcp/pxe.js'
import { hex, request } from '../helpers/dhcp.js'
import { packetFixture } from '../helpers/fixtures.js'

const optionsFor = (fixture: string): ReturnType<typeof pxeOptions> => {
  const packet = decodePacket(packetFixture(fixture).bytes)
  return pxeOptions(packet, clientInfo(packet))
}

t.test('what each client needs', t => {
  t.same(optionsFor('intel-boot-agent-discover'), {
    vendorClassIdentifier: 'PXEClient',
    vendorSpecificInformation: hex('060108 0a0400505845 ff'),
    clientMachineIdentifier: hex('0000000000000000000000000090e2ba0a')
  }, 'a machine identifier that is mostly zeros goes back as it came')
  t.same(optionsFor('raspberry-pi-4-discover').vendorSpecificInformation,
    hex('060103 0a0400505845 0914 0000 11 5261737062657272792050692 0426f6f74 ff'))
  t.same(optionsFor('ovmf-x64-http-discover'), { vendorClassIdentifier: 'HTTPClient', clientMachineIdentifier: hex('004c4c4544004a5910804ec2c04f503032') })
  t.same(optionsFor('qemu-ipxe-rom-discover'), { ipxeEncapsulatedOptions: hex('b00101') })
  t.same(optionsFor('udhcpc-discover'), {})
  t.end()
})

t.test('a machine identifier of any length goes back', t => {
  for (const length of [0, 1, 16, 17, 40]) {
    const packet = request({ vendorClassIdentifier: 'PXEClient', clientMachineIdentifier: Buffer.alloc(length, 7) })
    t.same(pxeOptions(packet, clientInfo(packet)).clientMachineIdentifier, Buffer.alloc(length, 7))
  }
  const none = request({ vendorClassIdentifier: 'PXEClient' })
  t.notOk('clientMachineIdentifier' in pxeOptions(none, clientInfo(none)))
  t.end()
})

t.test('sub-options', t => {
  t.same(vendorOption(hex('00 060108 47040000 0001 ff'), 71), hex('00000001'))
  t.same(vendorOption(hex('060108 47040000 0001'), 71), hex('00000001'), 'nothing behind it, not even an END')
  t.same(vendorOption(hex('060108 4700'), 71), hex(''))
  t.equal(vendorOption(hex('060108 ff 470101'), 71), undefined, 'behind the end')
  t.equal(vendorOption(hex('060108 4704 00'), 71), undefined, 'cut short')
  t.equal(vendorOption(hex('47'), 71), undefined)
  t.equal(vendorOption(undefined, 71), undefined)
  t.end()
})

t.test('the boot item goes back to whoever asked for one', t => {
  t.same(bootServerVendorOptions(request({ vendorSpecificInformation: hex('47040000 8001 ff') })), hex('470400008001 ff'))
  t.same(bootServerVendorOptions(request({})), hex('060108 0a0400505845 ff'))
  t.end()
})
