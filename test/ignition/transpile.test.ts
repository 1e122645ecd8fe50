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

t.test('a version of three numbers without a variant is Butane with its variant forgotten', t => {
  const text = '# mine\nversion: 1.5.0\nstorage: {}\n'
  t.match(transpile(text), { kind: 'clc', ok: false, report: [{ kind: 'error', line: 2, message: /version 1\.5\.0 .* has no variant/ }] })
  t.match(transpile(text, { flavour: 'matchbox', serving: true }), { kind: 'clc', ok: true, report: [{ kind: 'warning', line: 2 }, { line: 2 }] })
  t.equal(transpile('etcd:\n  version: 3.1.0\n').ok, true, "etcd's version is none")
  t.equal(transpile('variant: fcos\nversion: 1.5.0\n').ok, true)
  t.end()
})

t.test('numbers that each language reads its own way', t => {
  const mode = (head: string, text: string): unknown => transpile(`${head}storage: {files: [{filesystem: root, path: /a, mode: ${text}}]}\n`)
  const butane = 'variant: fcos\nversion: 1.7.0\n'
  t.match(mode('', '501.'), { ok: false, report: [{ message: /cannot unmarshal !!str `501\.` into int/ }] })
  t.match(mode('', '4e2'), { ok: false })
  t.match(mode(butane, '501.'), { ok: true, config: { storage: { files: [{ mode: 501n }] } } })
  t.match(mode(butane, '4e2'), { ok: true, config: { storage: { files: [{ mode: 400n }] } } })
  t.end()
})
