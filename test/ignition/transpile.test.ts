import t from 'tap'
import { jsonText } from '../../src/go/json.js'
import { mistaken } from '../../src/ignition/mistaken.js'
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
  const forgotten = [
    '# variant: fcos\nversion: 1.5.0\n',
    '{"version": "1.7.0", "storage": {}}',
    '"version": 1.7.0-experimental\nsystemd: {}\n',
    '  version: 1.5.0\n  storage: {}\n',
    '---\n{version: 1.5.0}\n',
    "version: 1.5.0\nsystemd: {units: [{name: a.service, contents: 'variant: fcos'}]}\n",
    '\ufeffversion: 1.5.0\n'
  ]
  for (const text of forgotten) {
    t.match(transpile(text), { ok: false, report: [{ path: '$.version', message: /no variant/ }] }, text)
    t.match(mistaken(Buffer.from(text)), { path: '$.version', message: /no variant/ }, `check: ${text}`)
  }
  for (const text of ['docker: {}\n', 'etcd:\n  version: 3.1.0\n', 'variant: fcos\nversion: 1.5.0\n', 'a: [\nversion: 1.5.0\n', 'version: 1.5\n']) t.equal(mistaken(Buffer.from(text)), undefined, text)
  t.end()
})

t.test('a ready Ignition config under the name of a template is said to be one', t => {
  const text = '{"ignition":\n  {"version": "3.5.0"}, "storage": {}}'
  const remark = { line: 2, column: 4, message: /is an Ignition 3\.5\.0 config already/ }
  t.match(transpile(text), { kind: 'clc', ok: false, report: [remark] })
  t.match(transpile(text, { flavour: 'matchbox', serving: true }), { ok: true, report: [{ ...remark, kind: 'warning' }, { message: /unrecognized key: version/ }] }, 'what Matchbox serves, with the remark')
  t.match(transpile('\ufeff'.concat(text)), { ok: false, report: [remark] })
  t.equal(transpile('ignition: {config: {append: []}}\n').ok, true)
  t.end()
})

t.test('problems with values are told one by one, each with the one line that it stands in', t => {
  const text = 'storage:\n  files:\n    - path: [a]\n      mode: abc\n'
  const report = [{ line: 3, message: 'cannot unmarshal !!seq into string' }, { line: 4, message: 'cannot unmarshal !!str `abc` into int' }]
  t.match(transpile(text), { kind: 'clc', ok: false, report })
  t.equal(transpile(text).report.length, 2)
  t.match(transpile(`variant: fcos\nversion: 1.7.0\n${text}`), { kind: 'butane', ok: false, report: report.map(({ line, message }) => ({ line: line + 2, message })) })
  t.end()
})

// ct 0.9.0 reads by github.com/ajeddeloh/yaml of 2017-09-12 (go.mod of its users: 6b94386aeefd), a fork of yaml.v2 of August 2017, whose
// resolve.go has ^[-+]?[0-9]*\.?[0-9]+([eE][-+][0-9]+)?$ for floats: no digit after the point, or no sign in the exponent, and it is text.
// yaml.v3's resolve.go, which Butane reads by, has ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$.
t.test('numbers that each language reads its own way', t => {
  const mode = (head: string, text: string): unknown => transpile(`${head}storage: {files: [{filesystem: root, path: /a, mode: ${text}}]}\n`)
  const butane = 'variant: fcos\nversion: 1.7.0\n'
  t.match(mode('', '501.'), { ok: false, report: [{ message: /cannot unmarshal !!str `501\.` into int/ }] })
  t.match(mode('', '4e2'), { ok: false, report: [{ message: /cannot unmarshal !!str `4e2` into int/ }] })
  t.match(mode('', '4e+2'), { ok: true, config: { storage: { files: [{ mode: 400n }] } } })
  t.match(mode('', '420.0'), { ok: true, config: { storage: { files: [{ mode: 420n }] } } }, 'as recorded: clc-files-mode-float')
  t.match(mode(butane, '501.'), { ok: true, config: { storage: { files: [{ mode: 501n }] } } })
  t.match(mode(butane, '4e2'), { ok: true, config: { storage: { files: [{ mode: 400n }] } } })
  t.end()
})

t.test('what is wrong inside of a config in a block of text is told where it stands in the file', t => {
  const inner = '{"ignition": {"version": "3.6.0"},\n "storage": {"files": [{"path": "rel"}]}}\n'
  for (const [header, indent] of [['|', 10], ['|-', 10], ['|3', 11], ['| # said', 9], ['&a |', 12]] as const) {
    const lines = inner.trimEnd().split('\n').map(line => `${' '.repeat(indent)}${line}`).join('\n')
    const text = `variant: fcos\nversion: 1.7.0\nignition:\n  config:\n    merge:\n      - inline: ${header}\n${lines}\n`
    const { report } = transpile(text)
    const [told] = report
    t.match(told, { message: /path not absolute/ }, header)
    t.equal(text.split('\n')[(told?.line ?? 0) - 1]?.slice((told?.column ?? 0) - 1).startsWith('"rel"'), true, `${header}: ${told?.line}:${told?.column}`)
  }
  t.end()
})

// yaml_parser_scan_tag in scannerc.go, alike in yaml.v2 of August 2017 and in v3: "A special case: the '!' tag." The scanner takes it; in v2
// resolve() knows no such tag and leaves the text as it is, in v3 it stands for none at all.
t.test('a lone exclamation mark before a value', t => {
  const inline = (value: string): unknown => transpile(`storage: {files: [{filesystem: root, path: /a, contents: {inline: ${value}}}]}\n`)
  for (const value of ["! 'two words'", '! 5', '! yes']) {
    const text = value.slice(2).replaceAll("'", '')
    t.match(inline(value), { ok: true, config: { storage: { files: [{ contents: { source: `data:,${text.replace(' ', '%20')}` } }] } } }, value)
  }
  const mode = (head: string): unknown => transpile(`${head}storage: {files: [{filesystem: root, path: /a, mode: ! 420}]}\n`)
  t.match(mode(''), { ok: false, report: [{ message: /cannot unmarshal ! `420` into int/ }] }, 'in v2 it makes text of a number')
  t.match(mode('variant: fcos\nversion: 1.7.0\n'), { ok: true, config: { storage: { files: [{ mode: 420n }] } } })
  t.end()
})
