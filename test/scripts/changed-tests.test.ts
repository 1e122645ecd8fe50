// Which tests a change needs.
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { testsFor, type WantedTests } from '../../scripts/lib/changed-tests.js'

const files: Readonly<Record<string, string>> = {
  'test/architecture.test.ts': '',
  'test/dhcp/packet.test.ts': "import { decodePacket } from '../../src/dhcp/packet.js'\nimport { ip } from '../helpers/dhcp.js'",
  'test/dhcp/leases.test.ts': '',
  'test/fuzz/dhcp.test.ts': "import { decodePacket } from '../../src/dhcp/packet.js'",
  'test/tftp/packet.test.ts': "import { word } from '../helpers/tftp.js'",
  'test/interop/dhcp.test.ts': "import { decodePacket } from '../../src/dhcp/packet.js'",
  'test/helpers/dhcp.ts': "import { mac } from './mac.js'",
  'test/helpers/mac.ts': '',
  'test/helpers/tftp.ts': '',
  'test/http/asset-routes.test.ts': "import { site } from '../helpers/site.js'\nimport { send } from '../../src/http/answer.js'",
  'test/http/labels.test.ts': '',
  'test/helpers/site.ts': "import { open } from '../../src/http/site.js'",
  'test/helpers/browser.ts': '',
  'test/ui/many.test.ts': "import { launchBrowser } from '../helpers/browser.js'",
  'test/ui/paging.test.ts': ''
}
const choose = (...changed: readonly string[]): WantedTests => testsFor(changed, { tests: Object.keys(files), read: path => files[path] ?? '' })
const needed = (...changed: readonly string[]): readonly string[] => choose(...changed).wanted

t.test('a room, and who imports the file elsewhere', t => {
  t.same(needed('src/dhcp/packet.ts'), ['test/architecture.test.ts', 'test/dhcp/leases.test.ts', 'test/dhcp/packet.test.ts', 'test/fuzz/dhcp.test.ts'])
  t.same(needed('test/helpers/mac.ts'), ['test/architecture.test.ts', 'test/dhcp/packet.test.ts'], 'by way of a helper')
  t.same(needed('test/interop/dhcp.test.ts'), ['test/architecture.test.ts', 'test/interop/dhcp.test.ts'], 'a slow one where it was changed itself')
  t.same(needed('docs/dhcp.md'), [])
  t.end()
})

t.test('what takes seconds is left to the whole suite, and told, unless it is what the change is about', t => {
  const heavy = 'test/http/asset-routes.test.ts'
  t.same(choose('src/http/answer.ts'), { wanted: ['test/architecture.test.ts', 'test/http/labels.test.ts'], left: [heavy] })
  t.same(choose('src/http/site.ts').left, [heavy], 'by way of a helper too')
  for (const own of ['src/http/asset-routes.ts', heavy, 'test/helpers/site.ts']) {
    const { wanted, left } = choose(own)
    t.same(left, [], own)
    t.ok(wanted.includes(heavy), own)
  }
  t.same(choose('src/ui/paging.ts'), { wanted: ['test/architecture.test.ts', 'test/ui/paging.test.ts'], left: ['test/ui/many.test.ts'] }, 'a browser')
  t.ok(needed('test/helpers/browser.ts').includes('test/ui/many.test.ts'), 'and what starts it')
  t.end()
})

t.test('the files that are left are there', t => {
  const named = readFileSync('scripts/lib/changed-tests.ts', 'utf8').match(/test\/\w+\/[\w-]+\.test\.ts/g) ?? []
  t.ok(named.length > 5)
  t.same(named.filter(name => !existsSync(name)), [])
  t.end()
})
