// The message codec: real packets, round trips, truncation at every byte, and each way a message can be malformed.
import t from 'tap'
import { DecodeError } from '../../src/base/errors.js'
import { parseUserClass } from '../../src/dhcp/client-info.js'
import { describePacket } from '../../src/dhcp/describe.js'
import { decodePacket, encodePacket } from '../../src/dhcp/packet.js'
import { hex, ip, request } from '../helpers/dhcp.js'
import { packetFixture, packetFixtures } from '../helpers/fixtures.js'

const optionsAt = 240

/** A DISCOVER's header with `options` (hex) behind the cookie, and other octets in its fields. */
function message (options: string, fields: { readonly [offset: number]: string } = {}): Buffer {
  const bytes = Buffer.concat([encodePacket(request({})).subarray(0, optionsAt), hex(options)])
  for (const [offset, value] of Object.entries(fields)) hex(value).copy(bytes, Number(offset))
  return bytes
}

function codeOf (bytes: Buffer): string {
  try {
    decodePacket(bytes)
    return 'a packet'
  } catch (error) {
    if (error instanceof DecodeError) return `${error.code} ${error.offset}`
    throw error
  }
}

t.test('real packets say what they are', t => {
  const fixtures = packetFixtures()
  t.ok(fixtures.length >= 15, `${fixtures.length} packets`)
  for (const { name, bytes, description } of fixtures) t.equal(describePacket(decodePacket(bytes)), description, name)
  t.end()
})

t.test('a packet is what it was after a round trip', t => {
  for (const { name, bytes } of packetFixtures()) {
    const packet = decodePacket(bytes)
    t.same(decodePacket(encodePacket(packet)), packet, name)
  }
  t.end()
})

t.test('a packet cut anywhere is a packet or a DecodeError', t => {
  const wrong: string[] = []
  for (const { bytes } of packetFixtures()) {
    for (let length = 0; length < bytes.length; length++) {
      const cut = codeOf(bytes.subarray(0, length))
      if (length < optionsAt) wrong.push(...cut.startsWith('truncated') ? [] : [`${length} octets: ${cut}`])
    }
  }
  t.same(wrong, [])
  t.end()
})

t.test('what is malformed, and where', t => {
  const cases: ReadonlyArray<readonly [string, Buffer, string]> = [
    ['an empty datagram', Buffer.alloc(0), 'truncated 0'],
    ['longer than any message is', Buffer.concat([message('ff'), Buffer.alloc(4096)]), 'too_long 4096'],
    ['neither request nor reply', message('', { 0: '03' }), 'op 0'],
    ['a hardware address longer than its field', message('', { 2: '11' }), 'hlen 2'],
    ['another cookie', message('', { 236: '63825364' }), 'cookie 236']
  ]
  for (const [what, bytes, expected] of cases) t.equal(codeOf(bytes), expected, what)
  t.end()
})

t.test('one odd option does not void the message: it is left out and named, and the rest counts', t => {
  const cases: ReadonlyArray<readonly [string, string, number, string, object?, Parameters<typeof message>[1]?]> = [
    ['a subnet mask of three octets', '350101 0103ffffff 37020103', 1, 'length'],
    ['a router of five', '350101 03050a00000100 37020103', 3, 'length'],
    ['a requested address of three', '350101 3203c0a864 37020103', 50, 'length'],
    ['a lease time of two', '350101 33020001 37020103', 51, 'length'],
    ['an empty list of wishes', '350101 3700', 55, 'length', { parameterRequestList: undefined }],
    ['a message size of one octet', '350101 390105 37020103', 57, 'length'],
    ['a message size given twice: the first counts', '350101 390205dc 39020240 37020103', 57, 'length', { maximumDhcpMessageSize: 1500 }],
    ['an architecture of one octet', '350101 5d0100 37020103', 93, 'length'],
    ['no architecture at all', '350101 5d00 37020103', 93, 'length'],
    ['overload of two octets', '350101 34020101 37020103', 52, 'length'],
    ['a stray octet at the end', '350101 37020103 0c', 12, 'truncated'],
    ['a last option longer than the message', '350101 37020103 0c056162', 12, 'truncated', { hostName: undefined }],
    ['a borrowed file field cut short', '350101 37020103 340101', 60, 'truncated', {}, { 108: '0c016100', 234: '3c05' }]
  ]
  for (const [what, options, code, why, expected, fields] of cases) {
    const packet = decodePacket(message(options, fields))
    t.match(packet.faults, [{ code, why }], what)
    t.equal(packet.faults?.length, 1, what)
    t.match(packet.options, { dhcpMessageType: 'DISCOVER', ...expected ?? { parameterRequestList: [1, 3] } }, what)
  }
  t.match(decodePacket(message('35020101')), { faults: [{ code: 53, why: 'length' }], options: { dhcpMessageType: undefined } })
  t.match(decodePacket(message('350109')), { faults: [{ code: 53, why: 'value' }], options: { dhcpMessageType: undefined } })
  for (const overload of ['00', '04']) {
    t.match(decodePacket(message(`350101 3401${overload}`, { 108: '62696f732e30 00' })), { file: 'bios.0' }, `overload ${overload} borrows nothing`)
  }
  t.notOk('faults' in decodePacket(message('350101 ff')))
  t.end()
})

t.test('options in the file and sname fields (RFC 2132 section 9.3)', t => {
  const packet = decodePacket(message('350101 340103 ff', { 108: '3204c0a86429 ff', 44: '0c0461626364 ff' }))
  t.equal(packet.options.requestedIpAddress, ip('192.168.100.41'))
  t.equal(packet.options.hostName, 'abcd')
  t.equal(packet.file, '')
  t.equal(packet.sname, '')
  const plain = decodePacket(message('350101 ff', { 108: '62696f732e30 00', 44: '686f7374 00' }))
  t.equal(plain.file, 'bios.0')
  t.equal(plain.sname, 'host')
  t.end()
})

t.test('a long option comes in parts and is joined (RFC 3396), across the borrowed fields too', t => {
  const value = Buffer.alloc(700, 7)
  const packet = request({ dhcpMessageType: 'DISCOVER', vendorSpecificInformation: value, other: new Map([[200, value]]) })
  const decoded = decodePacket(encodePacket(packet, { maximum: 3000 }))
  t.same(decoded.options, { dhcpMessageType: 'DISCOVER', vendorSpecificInformation: value }, 'the second did not fit into a frame')
  const split = decodePacket(message('350101 2b0201 02 340101 2b0103 ff', { 108: '2b020405 ff' }))
  t.same(split.options.vendorSpecificInformation, hex('0102030405'))
  t.end()
})

t.test('PAD between options, and nothing after END', t => {
  const packet = decodePacket(message('00 350101 0000 0c0161 ff 0c0162'))
  t.same(packet.options, { dhcpMessageType: 'DISCOVER', hostName: 'a' })
  t.end()
})

t.test('an option that is not in the table survives as bytes', t => {
  const { bytes } = packetFixture('dhcpcd-discover')
  const { options } = decodePacket(bytes)
  t.same(options.other, new Map([[116, hex('01')], [145, hex('01')]]))
  const leftOut: number[] = []
  const onLeftOut = (code: number): void => { leftOut.push(code) }
  encodePacket(request({ ...options, other: new Map([...options.other ?? [], [224, Buffer.alloc(300)]]) }), { onLeftOut })
  t.same(leftOut, [], 'what was written is not told of as left out')
  encodePacket(request({ dhcpMessageType: 'ACK', other: new Map([[224, Buffer.alloc(10)], [225, Buffer.alloc(300)]]) }), { maximum: 300, onLeftOut })
  t.same(leftOut, [225])
  t.end()
})

t.test('what does not fit is left out from the back, relay agent information never (RFC 3046)', t => {
  const options = {
    dhcpMessageType: 'ACK' as const,
    bootfileName: 'a'.repeat(200),
    domainName: 'd'.repeat(200),
    relayAgentInformation: hex('0104aabbccdd'),
    other: new Map([[224, Buffer.alloc(4)], [225, Buffer.alloc(200)]])
  }
  const bytes = encodePacket({ ...request(options), op: 2 }, { maximum: 548 })
  const decoded = decodePacket(bytes)
  t.equal(decoded.options.bootfileName, 'a'.repeat(200))
  t.notOk(decoded.options.domainName, 'the second long one is out')
  t.same([...decoded.options.other?.keys() ?? []], [224], 'the short one behind it is in')
  t.same(bytes.subarray(-9), hex('52060104aabbccdd ff'), 'option 82 is the last')
  t.end()
})

t.test('an option that fits to the octet is in, in as many parts as it takes; with an octet less it is out and told', t => {
  for (const length of [0, 1, 254, 255, 256, 509, 510, 511, 512, 765, 766]) {
    const needed = optionsAt + 3 + length + 2 * Math.max(1, Math.ceil(length / 255)) + 1
    for (const options of [{ other: new Map([[224, Buffer.alloc(length, 7)]]) }, { vendorSpecificInformation: Buffer.alloc(length, 7) }]) {
      const code = 'other' in options ? 224 : 43
      for (const [maximum, leftOut] of [[needed, []], [needed - 1, [code]]] as const) {
        const out: number[] = []
        const bytes = encodePacket(request({ dhcpMessageType: 'ACK', ...options }), { maximum, onLeftOut: one => { out.push(one) } })
        t.same(out, leftOut, `${code}: ${length} octets in ${maximum}`)
        t.ok(bytes.length <= Math.max(maximum, 300))
        t.equal(bytes.includes(Buffer.from([code, Math.min(length, 255)]), optionsAt), leftOut.length === 0)
      }
    }
  }
  t.end()
})

t.test('relay agent information that would leave no room is left out, not the answer', t => {
  const decoded = decodePacket(encodePacket(request({ dhcpMessageType: 'ACK', relayAgentInformation: Buffer.alloc(1300) }), { maximum: 548 }))
  t.equal(decoded.options.dhcpMessageType, 'ACK')
  t.notOk(decoded.options.relayAgentInformation)
  const large = encodePacket(request({ dhcpMessageType: 'ACK', domainName: 'x'.repeat(240), relayAgentInformation: Buffer.alloc(800) }), { maximum: 576 })
  t.ok(large.length <= 1472)
  t.equal(decodePacket(large).options.relayAgentInformation?.length, 800)
  t.equal(decodePacket(large).options.domainName?.length, 240)
  const returned = (octets: number): number | undefined =>
    decodePacket(encodePacket(request({ dhcpMessageType: 'ACK', relayAgentInformation: Buffer.alloc(octets) }))).options.relayAgentInformation?.length
  t.same([916, 917].map(returned), [916, undefined], 'what every client takes, 576 octets with the headers of IP and UDP, is not the relay\'s')
  t.end()
})

t.test('a message is never shorter than BOOTP had it (RFC 1542 section 2.1)', t => {
  t.equal(encodePacket(request({ dhcpMessageType: 'ACK' })).length, 300)
  t.end()
})

t.test('names longer than their fields end in a NUL', t => {
  const bytes = encodePacket(request({}, { file: 'f'.repeat(200), sname: 's'.repeat(100) }))
  t.equal(decodePacket(bytes).file.length, 127)
  t.equal(decodePacket(bytes).sname.length, 63)
  t.end()
})

t.test('work is linear in what arrives, whatever it is', t => {
  const split = (code: string, length: number): string => Array.from({ length }, () => `${code}0100`).join('')
  const nuls = (code: string, length: number): string => `${split(code, length)}${code}0178`
  const worst: Readonly<Record<string, (octets: number) => string>> = {
    'NULs before the last letter of a host name': octets => nuls('0c', octets / 3),
    'NULs before the last letter of a user class': octets => nuls('4d', octets / 3),
    'one option in a thousand parts': octets => split('fa', octets / 3),
    'a part of nothing, again and again': octets => '0c00'.repeat(octets / 2),
    pads: octets => '00'.repeat(octets)
  }
  const fastest = (bytes: Buffer): number => {
    let best = Infinity
    for (let n = 0; n < 200; n++) {
      const started = performance.now()
      const packet = decodePacket(bytes)
      parseUserClass(packet.options.userClass ?? Buffer.alloc(0))
      best = Math.min(best, performance.now() - started)
    }
    return best
  }
  for (const [what, options] of Object.entries(worst)) {
    const [small, large] = [600, 3600].map(octets => fastest(message(options(octets)))) as [number, number]
    t.ok(large < 18 * small, `${what}: six times as much takes ${(large / small).toFixed(1)} times as long`)
  }
  t.end()
})
