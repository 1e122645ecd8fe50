import t from 'tap'
import { readFileSync } from 'node:fs'
import { transpileButane } from '../../helpers/transpile.js'
import { dialects, normalVersion } from '../../../src/ignition/butane/dialects.js'
import { page, withTable } from '../../helpers/versions-table.js'

const minimal = (variant: string, version: string) => transpileButane(`variant: ${variant}\nversion: ${version}\n`)

t.test('every variant and version becomes its Ignition spec', t => {
  for (const { variant, version, ignitionVersion } of dialects) {
    t.same(minimal(variant, version), { ok: true, config: { ignition: { version: ignitionVersion } }, report: [] }, `${variant} ${version}`)
  }
  t.same(dialects.filter(d => d.variant === 'fcos').map(d => d.ignitionVersion),
    ['3.0.0', '3.1.0', '3.2.0', '3.2.0', '3.3.0', '3.4.0', '3.5.0-experimental', '3.5.0', '3.6.0', '3.7.0-experimental'])
  t.end()
})

t.test('the documentation has the same table', t => {
  const text = readFileSync(page, 'utf8')
  t.equal(text, withTable(text), 'npx tsx test/helpers/versions-table.ts writes it')
  for (const { variant, version } of dialects) t.ok(text.includes(`\`variant: ${variant}\`, \`version: ${version}\``), `${variant} ${version}`)
  t.end()
})

t.test('what no translator takes is refused with its place', t => {
  for (const [variant, version, line, message] of [
    ['fcos', '1.9.0', 2, 'No translator exists for variant fcos with version 1.9.0'],
    ['fcos', '1.5.0-rc1', 2, 'No translator exists for variant fcos with version 1.5.0-rc1'],
    ['fcos', '1.5.0+x', 2, 'No translator exists for variant fcos with version 1.5.0+x'],
    ['tails', '1.0.0', 2, 'No translator exists for variant tails with version 1.0.0'],
    ['fcos', '1.5', 2, 'error parsing version; must be a valid semver'],
    ['openshift', '4.14.0', 1, 'the openshift variant becomes a MachineConfig for a cluster, not an Ignition config that a machine could boot with'],
    ['rhcos', '0.1.0', 1, 'rhcos variant has been removed; use openshift variant instead: https://coreos.github.io/butane/upgrading-openshift/']
  ] as const) {
    const { ok, report } = minimal(variant, version)
    t.equal(ok, false)
    t.match(report, [{ kind: 'error', line, message }])
    t.equal(report.length, 1)
  }
  t.end()
})

t.test('versions are read as semver', t => {
  t.equal(normalVersion('01.05.0'), '1.5.0')
  t.equal(normalVersion('1.6.0-experimental'), '1.6.0-experimental')
  t.equal(normalVersion('1.5.0-'), '1.5.0')
  t.equal(normalVersion('1.5.0+a.b'), '1.5.0+a.b')
  for (const bad of ['', '1', '1.5', 'v1.5.0', '1.5.0 ', '1.5.x', '1.5.0_1', '-1.5.0']) t.equal(normalVersion(bad), undefined, bad)
  t.end()
})

t.test('image-based systems refuse what Ignition would do to their disks', t => {
  const { ok, report } = transpileButane(
    'variant: r4e\nversion: 1.1.0\nkernel_arguments: {should_exist: [a]}\nstorage:\n  disks: [{device: /dev/a}]\n  files: [{path: /a}]\n')
  t.equal(ok, false)
  t.same(report.map(({ path, line }) => [path, line]), [['$.kernel_arguments', 3], ['$.storage.disks', 5]])
  t.end()
})

t.test('versions from 1.6.0 on are stricter about disks', t => {
  const { ok, report } = transpileButane(`variant: fcos
version: 1.6.0
storage:
  disks:
    - {device: /dev/vdb, partitions: [{label: a}]}
  filesystems:
    - {device: /dev/vdb1, format: xfs, path: /srv, with_mount_unit: true}
`)
  t.equal(ok, false)
  t.match(report, [
    { kind: 'warning', path: '$.storage.disks.0.partitions.0.number', line: 5, column: 39 },
    { kind: 'error', path: '$.storage.filesystems.0.path', message: 'path must be under /etc or /var if with_mount_unit is true' }
  ])
  t.end()
})

t.test('a key that came later is unused before', t => {
  const lastWithout = (body: string, key: string): string | undefined => dialects.filter(({ variant, version }) => variant === 'fcos' &&
    transpileButane(`variant: ${variant}\nversion: ${version}\n${body}\n`).report.some(({ message }) => message === `unused key ${key}`)).at(-1)?.version
  t.equal(lastWithout('passwd: {users: [{name: core, ssh_authorized_keys_local: [a.pub]}]}', 'ssh_authorized_keys_local'), '1.4.0')
  for (const key of ['user: {name: core}', 'group: {name: core}', 'file_mode: 0600', 'dir_mode: 0700']) {
    t.equal(lastWithout(`storage: {trees: [{local: a, ${key}}]}`, key.split(':')[0]!), '1.6.0', key)
  }
  t.end()
})

t.test('the place of a fault in a config inside is told as far as its quotes let it', t => {
  const place = (inline: string): unknown => {
    const { report: [first] } = transpileButane(`variant: fcos\nversion: 1.7.0\nignition: {config: {merge: [{inline: ${inline}}]}}\n`)
    return [first?.message, first?.line, first?.column]
  }
  const fault = "invalid character 'x' looking for beginning of object key string"
  t.same(place("'{\"a\": 1, x}'"), [fault, 3, 48], 'single quotes without another inside')
  t.same(place("'{\"it''s\": 1, x}'"), [fault, 3, 38], 'with one: where the text begins')
  t.same(place('"{\\"a\\": 1, x}"'), [fault, 3, 38], 'double quotes, and escaped ones inside')
  t.end()
})
