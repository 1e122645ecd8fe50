// What DHCP's architectures are in iPXE's words.
import t from 'tap'
import { architectures, buildFor } from '../../src/dhcp/constants.js'

t.test('every architecture that DHCP knows has a word for the label arch', async t => {
  const words = ['i386', 'x86_64', 'arm32', 'arm64', 'riscv32', 'riscv64', 'ppc64le']
  for (const row of Object.values(architectures)) t.ok(words.includes(buildFor(row!.name) ?? ''), row!.name)
  for (const [number, word] of [[0, 'i386'], [7, 'x86_64'], [9, 'x86_64'], [16, 'x86_64'], [11, 'arm64'], [19, 'arm64'], [22, 'arm64'], [41, 'arm64'], [10, 'arm32']] as const) {
    t.equal(buildFor(architectures[number]!.name), word)
  }
  t.equal(buildFor(''), undefined)
})
