// The sugar beyond the recorded cases: what merges do to it, and where findings about what it stands for are shown.
import t from 'tap'
import { transpileButane } from '../../helpers/transpile.js'
import { escapePath } from '../../../src/ignition/butane/mount-units.js'

interface Shown {
  readonly storage?: {
    readonly files?: ReadonlyArray<{ path: string }>
    readonly disks?: ReadonlyArray<{ device: string, partitions: unknown[] }>
    readonly links?: ReadonlyArray<{ path: string }>
  }
  readonly systemd?: { readonly units: ReadonlyArray<{ name: string, contents?: string }> }
}

const transpile = (body: string, head = 'variant: fcos\nversion: 1.5.0\n') => {
  const { ok, config, report } = transpileButane(head + body)
  return { ok, config: config as Shown | undefined, lines: report.map(e => `${e.kind} ${e.path} ${e.line}:${e.column} ${e.message}`) }
}

t.test('systemd escapes of paths', t => {
  for (const [path, name] of [
    ['/', '-'], ['', '-'], ['/a/b', 'a-b'], ['//a///b//', 'a-b'], ['/.a/.b', '\\x2ea-.b'], ['/a-b', 'a\\x2db'],
    ['/a b', 'a\\x20b'], ['/é', '\\xc3\\xa9'], ['/a:b_c.d', 'a:b_c.d'], ['/a\tb', 'a\\x9b']
  ] as const) t.equal(escapePath(path), name, path)
  t.end()
})

t.test('a disk of the config that is a mirror as well keeps its own partitions among the image\'s', t => {
  const { ok, config } = transpile(`boot_device: {mirror: {devices: [/dev/a, /dev/b]}}
storage:
  disks:
    - {device: /dev/b, partitions: [{label: root-2, size_mib: 9000}, {label: var}]}
`)
  t.ok(ok)
  t.same(config?.storage?.disks?.map(({ device, partitions }) => [device, partitions.length]), [['/dev/a', 4], ['/dev/b', 5]])
  t.same(config?.storage?.disks?.[1]?.partitions.slice(3), [{ label: 'root-2', sizeMiB: 9000n }, { label: 'var' }])
  t.end()
})

/** Since 0.29.0, for every mirror without a layout. */
const noLayout = 'warning $.boot_device.mirror 3:23 boot_device.layout should be specified when boot_device.mirror is specified'

t.test('one mirror device is no mirror; the reference says so twice', t => {
  const line = 'error $.boot_device.mirror.devices 3:33 mirroring requires at least two devices'
  t.same(transpile('boot_device: {mirror: {devices: [/dev/a]}}\n').lines, [noLayout, line, line])
  t.end()
})

t.test('findings about rendered parts stand at the sugar', t => {
  t.same(transpile('boot_device: {mirror: {devices: [/dev/a, b]}}\n').lines,
    [noLayout, 'error $.boot_device.mirror.devices.1 3:42 path not absolute'])
  t.same(transpile('boot_device: {mirror: {devices: [/dev/a, /dev/a]}}\n').lines,
    [noLayout, 'error $.boot_device.mirror.devices.1 3:42 duplicate entry defined'])
  t.same(transpile('boot_device: {luks: {tang: [{url: x, thumbprint: y}]}}\n').lines,
    ['error $.boot_device.luks.tang.0.url 3:35 invalid url scheme'])
  t.same(transpile('storage:\n  filesystems:\n    - {device: /dev/a, format: xfs, path: a/../b, with_mount_unit: true}\n').lines,
    ['error $.storage.filesystems.0.path 5:43 path not absolute'])
  t.end()
})

t.test('entries that sugar pushed down the list are still shown where they stand', t => {
  const { lines } = transpile(`grub: {users: [{name: a, password_hash: b}]}
storage:
  files:
    - {path: /a, mode: 644}
    - {path: b}
`)
  t.same(lines.slice(1), [
    'warning $.storage.files.0.mode 6:24 setuid/setgid/sticky bits are not supported or functional in spec versions older than 3.6.0',
    'error $.storage.files.1.path 7:14 path not absolute'
  ])
  t.end()
})

t.test('a file where GRUB\'s is merged with it, a link there replaces it', t => {
  const grub = 'grub: {users: [{name: a, password_hash: b}]}\n'
  const link = transpile(`${grub}storage:\n  links: [{path: /boot/grub2/user.cfg, target: /x}]\n`)
  t.same(link.config?.storage?.links?.map(({ path }) => path), ['/boot/grub2/user.cfg'])
  t.same(link.config?.storage?.files, undefined)
  t.end()
})

t.test('mount units of a version without swap units', t => {
  const { ok, config } = transpile('storage:\n  filesystems: [{device: /dev/a, format: swap, path: /s, with_mount_unit: true}]\n', 'variant: fcos\nversion: 1.1.0\n')
  t.ok(ok)
  t.match(config?.systemd?.units[0], { name: 's.mount', contents: /^Type=swap$/m })
  t.end()
})

t.test('of two units with the name of a mount unit the last is merged, as in the reference', t => {
  const { lines, config } = transpile(`storage:
  filesystems: [{device: /dev/a, format: xfs, path: /m, with_mount_unit: true}]
systemd:
  units:
    - {name: m.mount, contents: "[Mount]\\nA=1\\n[Install]\\nB=1"}
    - {name: m.mount, contents: "[Mount]\\nA=2\\n[Install]\\nB=2"}
`)
  t.same(lines, [])
  t.match(config?.systemd?.units, [{ name: 'm.mount', contents: /A=2/ }])
  t.equal(config?.systemd?.units.length, 1)
  t.end()
})
