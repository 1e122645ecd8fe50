// A message in a sentence, and a message without its secrets.
import t from 'tap'
import { decodePacket, encodePacket } from '../../src/dhcp/packet.js'
import { withoutSecretOptions } from '../../src/dhcp/without-secrets.js'
import { architectures } from '../../src/dhcp/constants.js'
import { optionFromText } from '../../src/dhcp/option-text.js'
import { messageInWords } from '../../src/dhcp/words.js'
import { ip, request } from '../helpers/dhcp.js'

t.test('sentences', t => {
  const said = (options: Parameters<typeof request>[0], fields: Parameters<typeof request>[1] = {}): string => messageInWords(request(options, fields))
  t.equal(said({ dhcpMessageType: 'DISCOVER', clientSystemArchitecture: [7], userClass: Buffer.from('iPXE') }), 'looks for a DHCP server, as x64 UEFI, from iPXE')
  t.equal(said({ dhcpMessageType: 'DISCOVER' }), 'looks for a DHCP server')
  const file = { yiaddr: ip('10.0.0.7'), siaddr: ip('10.0.0.1'), file: 'undionly.kpxe' }
  t.equal(said({ dhcpMessageType: 'OFFER', ipAddressLeaseTime: 600 }, file), 'is offered 10.0.0.7 for 600 s, and undionly.kpxe from 10.0.0.1')
  t.equal(said({ dhcpMessageType: 'ACK', bootfileName: 'http://10.0.0.1/boot.ipxe' }, file), 'has 10.0.0.7, and http://10.0.0.1/boot.ipxe')
  t.equal(said({ dhcpMessageType: 'OFFER' }), 'is offered no address, and no boot file')
  t.equal(said({ dhcpMessageType: 'REQUEST', requestedIpAddress: ip('10.0.0.7'), serverIdentifier: ip('10.0.0.1') }, { giaddr: ip('10.1.0.1') }), 'asks for 10.0.0.7, of 10.0.0.1 (through the relay agent 10.1.0.1)')
  t.equal(said({ dhcpMessageType: 'NAK', message: 'not yours' }), 'is refused the address: not yours')
  t.equal(said({ dhcpMessageType: 'DECLINE', requestedIpAddress: ip('10.0.0.7') }), 'says that somebody else uses 10.0.0.7')
  t.equal(said({ dhcpMessageType: 'RELEASE' }, { ciaddr: ip('10.0.0.7') }), 'gives back 10.0.0.7')
  t.equal(said({}), 'sends BOOTP')
  t.end()
})

t.test('passwords are x wherever they stand, and everything else is as it was', t => {
  const ipxe = Buffer.concat([Buffer.from([190, 4]), Buffer.from('anna'), Buffer.from([191, 6]), Buffer.from('hunter'), Buffer.from([176, 1, 1])])
  const message = encodePacket(request({
    dhcpMessageType: 'DISCOVER',
    ipxeEncapsulatedOptions: ipxe,
    other: new Map([[90, Buffer.from('\0\0\0........hunter', 'latin1')], [190, Buffer.from('anna')], [191, Buffer.from('hunter')], [224, Buffer.from('plain')]])
  }))
  const shown = withoutSecretOptions(message)
  t.equal(shown.length, message.length)
  t.notMatch(shown.toString('latin1'), /hunter|anna/)
  t.match(shown.toString('latin1'), 'plain')
  t.match(message.toString('latin1'), 'hunter', 'a copy')
  t.equal(decodePacket(shown).options.ipxeEncapsulatedOptions?.at(-1), 1)

  // Options that go on in `file` and `sname` (option 52).
  const overloaded = Buffer.from(message)
  overloaded.set([52, 1, 3, 255], 240)
  overloaded.set([191, 6, ...Buffer.from('secret'), 255], 108)
  overloaded.set([90, 6, ...Buffer.from('secret'), 255], 44)
  t.notMatch(withoutSecretOptions(overloaded).subarray(0, 240).toString('latin1'), 'secret')
  t.end()
})

t.test('whatever the octets, it ends and keeps their number', t => {
  const message = encodePacket(request({ dhcpMessageType: 'DISCOVER', hostName: 'core' }))
  for (let length = 0; length <= message.length; length++) t.equal(withoutSecretOptions(message.subarray(0, length)).length, length)
  message.fill(175, 240)
  t.equal(withoutSecretOptions(message).length, message.length)
  t.end()
})

t.test('numbers at their ends: options, and architectures, of which those that boot from HTTP say so', t => {
  for (const code of [-1, 256]) t.match(optionFromText(code, '1'), { problem: /expected an option number/ })
  for (const code of [0, 255]) t.match(optionFromText(code, '1'), { problem: new RegExp(`^option ${code} .*the protocol's own`) })
  for (const [code, architecture] of Object.entries(architectures)) t.equal(architecture?.http, / HTTP/.test(architecture?.name ?? ''), code)
  t.equal(architectures[25]?.name, 'RISC-V 32-bit UEFI')
  t.end()
})
