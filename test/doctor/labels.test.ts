// Groups by a label that nothing tells.
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { diagnoseLabels } from '../../src/doctor/labels.js'
import { makeGroup, MemoryStore } from '../helpers/memory-store.js'

const store = new MemoryStore({ groups: [makeGroup({ id: 'arm', profile: 'p', selector: { arch: 'arm64' } })], profiles: [] }) as never

t.test('a group by arch, told by the first script or by DHCP or not at all', async t => {
  const findings = (...set: string[]): unknown => diagnoseLabels({ config: loadConfig({ file: undefined, defaultFile: '/nowhere', set, env: {} }).config, store })
  t.match(findings(), [{ level: 'warning', text: /group arm selects by arch, which nothing tells/ }])
  t.same(findings('boot.script_labels=[mac, arch]'), [])
  t.same(findings('dhcp.mode=proxy', 'dhcp.interface=lo'), [])
})
