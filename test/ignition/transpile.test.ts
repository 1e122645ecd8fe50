import t from 'tap'
import { jsonText } from '../../src/go/json.js'
import { transpile } from '../../src/ignition/transpile.js'

t.test('the keys tell the language', t => {
  t.match(transpile('variant: fcos\nversion: 1.5.0\n'), { kind: 'butane', ok: true, config: { ignition: { version: '3.4.0' } } })
  t.match(transpile('storage:\n  files: []\n'), { kind: 'clc', ok: true, config: { ignition: { version: '2.2.0' } } })
  t.match(transpile('variant:\n'), { kind: 'butane', ok: false, report: [{ kind: 'error', line: 1 }] })
  t.match(transpile('"variant": fcos\nversion: "1.0.0"\n'), { kind: 'butane', ok: true })
  t.match(transpile(Buffer.from('# nothing\n')), { kind: 'clc' })
  t.end()
})

t.test('what is no YAML is refused in the words of the language that it begins as', t => {
  t.match(transpile('variant: fcos\nversion: 1.5.0\nx: {\n'), { kind: 'butane', ok: false, report: [{ message: /^yaml: line \d+: / }] })
  t.match(transpile('storage: {\n'), { kind: 'clc', ok: false, report: [{ kind: 'error' }] })
  t.match(transpile(Buffer.from([0xff, 0xfe, 0x00])), { ok: false })
  t.end()
})

t.test('a config as it is served', t => {
  const { config = null, report } = transpile(`variant: flatcar
version: 1.1.0
passwd:
  users:
    - name: core
      ssh_authorized_keys: [ssh-ed25519 AAAA]
storage:
  files:
    - path: /etc/hostname
      mode: 0644
      contents: {inline: node1}
`)
  t.same(report, [])
  t.equal(jsonText(config), '{"ignition":{"version":"3.4.0"},"passwd":{"users":[{"name":"core","sshAuthorizedKeys":["ssh-ed25519 AAAA"]}]},' +
    '"storage":{"files":[{"path":"/etc/hostname","contents":{"compression":"","source":"data:,node1"},"mode":420}]}}')
  t.end()
})
