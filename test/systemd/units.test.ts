// The unit files: read as systemd 219 (CentOS 7) reads them, which ignores what it does not know, and by the systemd of this
// machine, which says so.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { listeners } from '../../src/listeners.js'
import { needs, runTool } from '../helpers/tools.js'

const folder = fileURLToPath(new URL('../../systemd', import.meta.url))
const known = JSON.parse(readFileSync(new URL('../fixtures/systemd/directives-219.json', import.meta.url), 'utf8')) as Readonly<Record<string, readonly string[]>>
const units = readdirSync(folder).filter(name => /\.(?:service|socket)$/.test(name))
const dropIns = readdirSync(join(folder, 'core-provisioner.service.d')).map(name => join('core-provisioner.service.d', name))

interface Directive { readonly section: string, readonly name: string, readonly value: string }

function directives (file: string): readonly Directive[] {
  let section = ''
  return readFileSync(join(folder, file), 'utf8').split('\n').flatMap(line => {
    if (line === '' || line.startsWith('#')) return []
    const heading = /^\[(\w+)\]$/.exec(line)?.[1]
    if (heading !== undefined) {
      section = heading
      return []
    }
    const [, name = line, value = ''] = /^(\w+)=(.*)$/.exec(line) ?? []
    return [{ section, name, value }]
  })
}

const severalInterfaces = loadConfig({
  file: undefined, env: {}, set: ['dhcp.mode=server', 'dhcp.subnets=[{ subnet: 10.0.0.0/24 }]', 'dhcp.interfaces=[a, { name: b, mode: proxy }]']
}).config

/** Directives that systemd 219 knows with fewer values than later ones. */
const values: Readonly<Record<string, RegExp>> = {
  Type: /^(?:simple|forking|oneshot|dbus|notify|idle)$/,
  NotifyAccess: /^(?:none|main|all)$/,
  Restart: /^(?:no|on-success|on-failure|on-abnormal|on-watchdog|on-abort|always)$/,
  ProtectSystem: /^(?:true|false|full)$/,
  ProtectHome: /^(?:true|false|read-only)$/,
  KillMode: /^(?:control-group|process|mixed|none)$/,
  StandardOutput: /^(?:inherit|null|tty|journal|syslog|kmsg|journal\+console|syslog\+console|kmsg\+console|socket)$/,
  SystemCallFilter: /^[^@]*$/,
  LimitNOFILE: /^\d+$/,
  RuntimeDirectory: /^[^/]+$/,
  WorkingDirectory: /^\//,
  ExecStart: /^[-@]*\/[^ ]+/,
  ExecReload: /^[-@]*\/[^ ]+/
}

t.test('every directive and value is known to systemd 219', async t => {
  for (const file of units) {
    const unknown = directives(file).filter(({ section, name, value }) => known[section]?.includes(name) !== true || values[name]?.test(value) === false)
    t.same(unknown, [], file)
  }
  t.ok(directives('core-provisioner.service').length > 20)
  for (const file of dropIns) t.ok(directives(file).some(({ section, name }) => known[section]?.includes(name) !== true), `${file} is for newer ones`)
})

t.test('docs/install.md has every directive in its table of CentOS 7, and no other', t => {
  const table = /^## CentOS 7$([^]*?)^## /m.exec(readFileSync(new URL('../../docs/install.md', import.meta.url), 'utf8'))?.[1] ?? ''
  const told = (row: string): readonly string[] =>
    [...(table.split('\n').find(line => line.startsWith(`| ${row}`)) ?? '').matchAll(/`(\w+)=`/g)].map(([, name = '']) => name)
  const used = (files: readonly string[]): readonly string[] => [...new Set(files.flatMap(directives).map(({ name }) => name))].sort()
  t.same(told('`core-provisioner.service`'), used(units))
  t.same(told('`hardening.conf`'), used(dropIns))
  t.end()
})

t.test('a socket unit for every socket that the program knows, and never root', async t => {
  const named = listeners.flatMap(({ systemd }) => systemd === undefined ? [] : [`core-provisioner-${systemd}.socket`])
  const templates = listeners.flatMap(({ systemd, places }) =>
    places(severalInterfaces).some(({ device }) => device !== undefined) ? [`core-provisioner-${systemd}@.socket`] : [])
  t.same(templates.length, 3)
  t.same(units.filter(name => name.endsWith('.socket')).sort(), [...named, ...templates].sort())
  const service = directives('core-provisioner.service')
  t.match(service.filter(({ name }) => name === 'User'), [{ value: 'matchbox' }])
  t.same(service.filter(({ name }) => /^(?:ExecStartPre|PermissionsStartOnly|AmbientCapabilities)$/.test(name)), [])
  for (const file of units.filter(name => name.endsWith('.socket'))) {
    t.match(directives(file).filter(({ name }) => name === 'Service'), [{ value: 'core-provisioner.service' }])
  }
})

t.test('the template of a socket is the plain one', t => {
  for (const file of units.filter(name => name.includes('@'))) {
    const plain = directives(file).map(one => ({ ...one, value: one.value.replace(/ on %i$/, '') }))
    t.same(plain, directives(file.replace('@', '')), file)
  }
  t.end()
})

t.test('the systemd of this machine finds nothing amiss, drop-ins included', async t => {
  if (!needs(t, 'systemd-analyze')) return
  const root = t.testdir({})
  const etc = join(root, 'units')
  mkdirSync(join(etc, 'core-provisioner.service.d'), { recursive: true })
  // The program is not installed on the machine that tests.
  const installed = (text: string): string => text.replaceAll(/\/opt\/core-provisioner\/current\/bin\/(?:core-provisioner|gateway\.sh)/g, '/bin/true')
  for (const file of [...units, ...dropIns]) writeFileSync(join(etc, file), installed(readFileSync(join(folder, file), 'utf8')))
  const whole = units.map(name => name.replace('@.', '@lo.'))
  for (const name of ['dhcp', 'dhcp-client', 'boot-server']) {
    for (const unit of [name, `${name}@lo`]) {
      mkdirSync(join(etc, `core-provisioner-${unit}.socket.d`))
      writeFileSync(join(etc, `core-provisioner-${unit}.socket.d/interface.conf`), '[Socket]\nBindToDevice=lo\n')
    }
  }
  const { code, stdout, stderr } = await runTool('systemd-analyze', ['verify', '--man=no', ...whole.map(name => join(etc, name))])
  t.equal(stderr + stdout.toString(), '')
  t.equal(code, 0)

  const exposure = async (...more: readonly string[]): Promise<number> => {
    const { stdout } = await runTool('systemd-analyze', ['security', '--offline=true', '--no-pager', ...more, join(etc, basename('core-provisioner.service'))])
    return Number(/exposure level for .*: ([\d.]+)/.exec(stdout.toString())?.[1])
  }
  const figure = await exposure()
  const told = Number(/exposure level (\d\.\d)/.exec(readFileSync(new URL('../../docs/install.md', import.meta.url), 'utf8'))?.[1])
  t.equal(figure, told, 'docs/install.md tells the figure of systemd-analyze security')
})

t.test('firewalld, sysusers and tmpfiles', async t => {
  const xml = ['core-provisioner', 'core-provisioner-https', 'core-provisioner-rpc'].map(name => readFileSync(join(folder, `firewalld/${name}.xml`), 'utf8')).join('')
  const opened = [...xml.matchAll(/<port protocol="(\w+)" port="(\d+)"\/>/g)].map(([, protocol, port]) => `${port}/${protocol}`)
  const listening = units.filter(name => !name.includes('@')).flatMap(directives).flatMap(({ name, value }) =>
    name === 'ListenDatagram' ? [`${value.split(':')[1]}/udp`] : name === 'ListenStream' ? [`${value.split(':')[1]}/tcp`] : [])
  t.same(opened.sort(), listening.sort(), 'what listens is let in')
  if (!needs(t, 'systemd-sysusers', 'systemd-tmpfiles')) return
  t.match(await runTool('systemd-sysusers', ['--dry-run', join(folder, 'sysusers.d/core-provisioner.conf')]), { code: 0 })
  const root = t.testdir({ etc: { passwd: 'matchbox:x:990:990::/:/bin/false\n', group: 'matchbox:x:990:\n' } })
  t.match(await runTool('systemd-tmpfiles', ['--create', `--root=${root}`, join(folder, 'tmpfiles.d/core-provisioner.conf')]), { code: 0, stderr: '' })
  t.same(readdirSync(join(root, 'var/lib')).sort(), ['core-provisioner', 'matchbox'])
})
