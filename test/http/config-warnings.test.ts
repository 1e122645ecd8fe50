// A config that is served and loses something: the answer is Matchbox's, and the log and the event say what is lost.
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { buildHttpApp } from '../../src/http/http-server.js'
import type { RequestEvent } from '../../src/http/machine-log.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { logLines } from '../helpers/log-lines.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'

const configs = {
  'locked-out.yaml': 'passwd: { users: [{ name: core, sshAuthorizedKeys: [ssh-ed25519 AAAA] }] }\n',
  'cloud.yaml': '#cloud-config\nhostname: a\nssh_authorized_keys: [ssh-ed25519 AAAA]\n',
  'three.json': '{"ignition":{"version":"3.3.0"},"passwd":{"users":[{"name":"core","sshAuthorizedKeys":["ssh-ed25519 AAAA"]}]}}',
  'fine.yaml': 'passwd: { users: [{ name: core, ssh_authorized_keys: [ssh-ed25519 AAAA] }] }\n'
}

t.test('what a translation loses is told, and the answer stays what it is', async t => {
  const names = Object.keys(configs)
  const provisioner = createProvisioner({
    store: new MemoryStore({
      groups: names.map(name => makeGroup({ id: name, profile: name, selector: { k: name } })),
      profiles: names.map(name => makeProfile({ id: name, ignitionId: name })),
      configs: { ignition: configs }
    })
  })
  const { stream, entries } = logLines()
  const events: RequestEvent[] = []
  const app = buildHttpApp({ provisioner, log: createLog({ level: 'info', pretty: false, destination: stream }), assetsPath: '', ready: () => [], onRequest: event => { events.push(event) } })
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  for (const name of names) t.equal((await fetch(`http://127.0.0.1:${port}/ignition?k=${name}`)).status, 200, name)
  while (events.length < names.length) await new Promise(resolve => { setImmediate(resolve) })
  t.match(events.map(({ warning, problem }) => problem ?? warning), [/^ignition\/locked-out\.yaml:1:\d+: warning: .*sshAuthorizedKeys/, /^ignition\/cloud\.yaml:\d+:\d+: warning: /, /^ignition\/three\.json:1:\d+: warning: /, undefined])
  t.same(entries().filter(({ msg }) => msg === 'http.ignition').map(({ level, warning }) => `${String(level)} ${String(warning !== undefined)}`), ['warn true', 'warn true', 'warn true', 'info false'])
})
