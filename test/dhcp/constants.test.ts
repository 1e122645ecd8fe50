// The numbers of the documents, and what DHCP's architectures are in iPXE's words.
import t from 'tap'
import { architectures, buildFor, defaultDatagram, headerLength, ipUdpHeader, maximumLength, messageTypeCodes, minimumLength, op, ports } from '../../src/dhcp/constants.js'

t.test('every architecture that DHCP knows has a word for the label arch', async t => {
  const words = ['i386', 'x86_64', 'arm32', 'arm64', 'riscv32', 'riscv64', 'ppc64le']
  for (const row of Object.values(architectures)) t.ok(words.includes(buildFor(row!.name) ?? ''), row!.name)
  for (const [number, word] of [[0, 'i386'], [7, 'x86_64'], [9, 'x86_64'], [16, 'x86_64'], [11, 'arm64'], [19, 'arm64'], [22, 'arm64'], [41, 'arm64'], [10, 'arm32']] as const) {
    t.equal(buildFor(architectures[number]!.name), word)
  }
  t.equal(buildFor(''), undefined)
})

t.test('the numbers of RFC 951, 1542, 2131 and 4578', t => {
  t.same({ ports, op, headerLength, minimumLength, maximumLength, defaultDatagram, ipUdpHeader }, {
    ports: { server: 67, client: 68, bootServer: 4011 },
    op: { bootRequest: 1, bootReply: 2 },
    headerLength: 240,
    minimumLength: 300,
    maximumLength: 4096,
    defaultDatagram: 576,
    ipUdpHeader: 28
  })
  t.same(messageTypeCodes, { DISCOVER: 1, OFFER: 2, REQUEST: 3, DECLINE: 4, ACK: 5, NAK: 6, RELEASE: 7, INFORM: 8 })
  t.same(Object.keys(architectures).map(Number), [0, 6, 7, 9, 10, 11, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 27, 41])
  t.same(Object.entries(architectures).filter(([, architecture]) => architecture?.http === true).map(([number]) => Number(number)), [15, 16, 18, 19, 20, 23, 24])
  t.end()
})
