// What the recorded answers do not reach: places where sections meet, and the order of what is said.
import t from 'tap'
import { transpileClc } from '../../helpers/transpile.js'
import { jsonText } from '../../../src/go/json.js'

const remarks = (text: string, flavour: 'ct' | 'matchbox' = 'ct'): string[] =>
  transpileClc(text, { flavour }).report.map(({ kind, message, path, line, column }) => `${kind} ${path} ${line}:${column} ${message}`)

t.test('keys stand in the order of Ignition\'s structs', t => {
  const { config } = transpileClc('storage: {files: [{mode: 1, append: true, path: /a, filesystem: root, contents: {inline: "<"}}]}\npasswd: {users: [{name: a}]}\n')
  t.equal(jsonText(config ?? null), '{"ignition":{"config":{},"security":{"tls":{}},"timeouts":{},"version":"2.2.0"},"networkd":{},' +
    '"passwd":{"users":[{"name":"a"}]},"storage":{"files":[{"filesystem":"root","path":"/a","append":true,' +
    '"contents":{"source":"data:,%3C","verification":{}},"mode":1}]},"systemd":{}}')
  t.end()
})

t.test('an enabled unit without an install section', t => {
  const unit = (line: string, contents: string): string =>
    `systemd:\n  units:\n    - name: a.service\n      ${line}\n      contents: ${JSON.stringify(contents)}\n`
  const warning = 'warning $.systemd.units.0.contents 5:17 unit "a.service" is enabled, but has no install section so enable does nothing'
  t.same(remarks(unit('enabled: true', '[Service]\nA=1\n')), [warning])
  t.same(remarks(unit('enable: true', '[Service]\nA=1\n[Install]\n')), [warning], 'an empty one is none')
  t.same(remarks(unit('enabled: true', '[Install]\nA=1\n')), [])
  t.same(remarks(unit('enabled: true', 'words')), [])
  t.same(remarks(unit('enabled: false', '[Service]\nA=1\n')), [])
  t.end()
})

t.test('errors of the conversion are all told, in the order of the sections', t => {
  t.same(remarks([
    'ignition: {config: {append: [{source: ":"}], replace: {source: "http://%"}}}',
    'storage:',
    '  disks: [{device: /a, partitions: [{size: 1}, {start: x}]}]',
    '  files: [{filesystem: root, path: /a, mode: 1, contents: {local: x}}]',
    'etcd: {name: "{X}"}',
    'flannel: {public_ip: "}"}'
  ].join('\n')), [
    'error $.ignition.config.append.0.source 1:39 parse ":": missing protocol scheme',
    'error $.ignition.config.replace.source 1:64 parse "http://%": invalid URL escape "%"',
    'error $.storage.disks.0.partitions.0.size 3:44 units: unknown unit  in 1',
    'error $.storage.disks.0.partitions.1.start 3:56 units: invalid x',
    'error $.etcd 5:7 platform must be specified to use templating',
    'error $.storage.files.0.contents.local 4:67 local files require setting the --files-dir flag to the directory that contains the file',
    'error $.flannel 6:10 platform must be specified to use templating'
  ])
  t.end()
})

t.test('a section behind an alias takes the place of the alias', t => {
  t.same(remarks('x: &f [{filesystem: root, path: a, mode: 1}]\nstorage: {files: *f}\n'), [
    'warning $.x 1:1 Config has unrecognized key: x',
    'error $.storage.files.0.path 2:18 path not absolute'
  ])
  t.end()
})

t.test('remote contents are held against the keys of `remote`', t => {
  const file = (remote: string): string => `storage:\n  files:\n    - {filesystem: root, path: /a, mode: 1, contents: {remote: ${remote}}}\n`
  t.same(remarks(file('{compression: zip, url: "gopher://x"}')), [
    'error $.storage.files.0.contents.compression 3:78 invalid compression method',
    'error $.storage.files.0.contents.source 3:88 invalid url scheme'
  ])
  t.same(remarks(file('{url: "data:x"}')), ['error $.storage.files.0.contents.source 3:70 missing media type slash'])
  t.same(remarks(file('{url: "http://h/", verification: {hash: {function: sha256, sum: x}}}')),
    ['error $.storage.files.0.contents.verification 3:97 unrecognized hash function'])
  t.end()
})

t.test('where Matchbox 0.9.0 and ct 0.9.0 part', t => {
  const link = 'storage: {links: [{filesystem: root, path: /a, target: b}]}'
  t.match(remarks(link), [/path not absolute/])
  t.same(remarks(link, 'matchbox'), [])
  t.same(remarks('storage: {links: [{filesystem: root, path: /a, target: b, hard: true}]}'), [])
  const append = 'ignition: {config: {append: [{source: "s3://b/k?versionId="}]}}'
  t.same(remarks(append), [])
  t.match(remarks(append, 'matchbox'), [/invalid S3 object VersionId/])
  t.end()
})

t.test('partitions', t => {
  const disk = (...partitions: readonly string[]): string[] => remarks(`storage: {disks: [{device: /a, partitions: [${partitions.join()}]}]}`)
    .map(line => line.replace(/^(\S+ ){3}/, ''))
  t.same(disk('{number: 1}', '{number: 1}'), ['partition numbers collide'])
  t.same(disk('{start: 1MiB, size: 2MiB, label: a}', '{start: 2MiB, size: 1MiB}'), ['partitions overlap'])
  t.same(disk('{start: 1MiB, size: 1MiB, label: a}', '{start: 2MiB, size: 1MiB}'), [])
  t.same(disk('{start: 4MiB, label: a}', '{start: 4MiB}'), ['partitions overlap'])
  t.same(disk('{label: "a:b"}'), ['partition label will be truncated to text before the colon'])
  t.end()
})
