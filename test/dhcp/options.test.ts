// Every row of the option table: its number, a value there and back, and the lengths it refuses.
import t from 'tap'
import { DecodeError } from '../../src/base/errors.js'
import { decodeOption, optionNames, optionTable, type OptionName, writeOptionValue } from '../../src/dhcp/options.js'
import { ByteWriter } from '../../src/net/bytes.js'
import { hex, ip } from '../helpers/dhcp.js'

function wireOf (name: OptionName, value: unknown): string {
  const writer = new ByteWriter(1)
  writeOptionValue(writer, name, value)
  return writer.finish().toString('hex')
}

/** A value and its wire form, then lengths (in octets) that the option can't have. */
const rows: Readonly<Record<OptionName, readonly [number, unknown, string, ...number[]]>> = {
  subnetMask: [1, ip('255.255.255.0'), 'ffffff00', 0, 3, 5],
  router: [3, [ip('10.0.0.1'), ip('10.0.0.2')], '0a0000010a000002', 0, 3, 6],
  domainNameServer: [6, [ip('10.0.0.1')], '0a000001', 0, 5],
  hostName: [12, 'core-1', '636f72652d31'],
  domainName: [15, 'example.com', '6578616d706c652e636f6d'],
  rootPath: [17, '/srv', '2f737276'],
  broadcastAddress: [28, ip('10.0.0.255'), '0a0000ff', 0, 8],
  ntpServers: [42, [ip('10.0.0.1')], '0a000001', 0, 2],
  vendorSpecificInformation: [43, hex('060108ff'), '060108ff'],
  requestedIpAddress: [50, ip('192.168.100.41'), 'c0a86429', 0, 3, 5],
  ipAddressLeaseTime: [51, 0xffffffff, 'ffffffff', 0, 2],
  optionOverload: [52, 1, '01', 0, 2],
  dhcpMessageType: [53, 'INFORM', '08', 0, 2],
  serverIdentifier: [54, ip('192.168.100.2'), 'c0a86402', 0, 3],
  parameterRequestList: [55, [1, 3, 6], '010306', 0],
  message: [56, 'no', '6e6f'],
  maximumDhcpMessageSize: [57, 1472, '05c0', 0, 1, 4],
  renewalTime: [58, 1800, '00000708', 0, 2],
  rebindingTime: [59, 3150, '00000c4e', 0, 2],
  vendorClassIdentifier: [60, 'PXEClient', '505845436c69656e74'],
  clientIdentifier: [61, hex('01525400123456'), '01525400123456'],
  tftpServerName: [66, '10.0.0.1', '31302e302e302e31'],
  bootfileName: [67, 'undionly.kpxe', '756e64696f6e6c792e6b707865'],
  userClass: [77, hex('69505845'), '69505845'],
  relayAgentInformation: [82, hex('010100'), '010100'],
  clientSystemArchitecture: [93, [7, 16], '00070010', 0, 1, 3],
  clientNetworkInterfaceIdentifier: [94, hex('010300'), '010300'],
  clientMachineIdentifier: [97, hex('00aabb'), '00aabb'],
  subnetSelection: [118, ip('10.9.0.0'), '0a090000', 0, 3],
  ipxeEncapsulatedOptions: [175, hex('b00101'), 'b00101']
}

t.test('each option there and back', t => {
  for (const name of Object.keys(optionTable) as OptionName[]) {
    const [code, value, wire, ...refused] = rows[name]
    t.equal(optionTable[name].code, code, `${name} is option ${code}`)
    t.equal(optionNames.get(code), name)
    t.equal(wireOf(name, value), wire, `${name} to octets`)
    t.same(decodeOption(name, hex(wire)), value, `${name} from octets`)
    for (const length of refused) {
      t.throws(() => decodeOption(name, Buffer.alloc(length, 1)), new DecodeError('option_length', 0), `${name} of ${length} octets`)
    }
  }
  t.equal(Object.keys(rows).length, Object.keys(optionTable).length)
  t.end()
})

t.test('text that counts its NUL in (RFC 2132 section 2), and octets beyond ASCII', t => {
  t.equal(decodeOption('hostName', hex('6300')), 'c')
  t.equal(decodeOption('vendorClassIdentifier', hex('4d5346542000ff00')), 'MSFT \0\u00ff')
  t.equal(decodeOption('hostName', hex('')), '')
  t.end()
})
