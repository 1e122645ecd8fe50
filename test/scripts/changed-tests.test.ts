// Which tests a change needs.
import t from 'tap'
import { testsFor } from '../../scripts/lib/changed-tests.js'

const files: Readonly<Record<string, string>> = {
  'test/architecture.test.ts': '',
  'test/dhcp/packet.test.ts': "import { decodePacket } from '../../src/dhcp/packet.js'\nimport { ip } from '../helpers/dhcp.js'",
  'test/dhcp/leases.test.ts': '',
  'test/fuzz/dhcp.test.ts': "import { decodePacket } from '../../src/dhcp/packet.js'",
  'test/tftp/packet.test.ts': "import { word } from '../helpers/tftp.js'",
  'test/interop/dhcp.test.ts': "import { decodePacket } from '../../src/dhcp/packet.js'",
  'test/helpers/dhcp.ts': "import { mac } from './mac.js'",
  'test/helpers/mac.ts': '',
  'test/helpers/tftp.ts': ''
}
const needed = (...changed: readonly string[]): string[] => testsFor(changed, { tests: Object.keys(files), read: path => files[path] ?? '' })

t.test('a room, and who imports the file elsewhere', t => {
  t.same(needed('src/dhcp/packet.ts'), ['test/architecture.test.ts', 'test/dhcp/leases.test.ts', 'test/dhcp/packet.test.ts', 'test/fuzz/dhcp.test.ts'])
  t.same(needed('test/helpers/mac.ts'), ['test/architecture.test.ts', 'test/dhcp/packet.test.ts'], 'by way of a helper')
  t.same(needed('test/interop/dhcp.test.ts'), ['test/architecture.test.ts', 'test/interop/dhcp.test.ts'], 'a slow one where it was changed itself')
  t.same(needed('docs/dhcp.md'), [])
  t.end()
})
