// hosts import and list, as a person uses them.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { runCommand } from '../helpers/command.js'
import { type Ended, Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

const [m1, m2, m3] = ['00:0c:29:00:00:01', '00:0c:29:00:00:02', '00:0c:29:00:00:03']

interface Place {
  readonly folder: string
  readonly put: (name: string, text: string | Uint8Array) => string
  readonly hosts: (...args: string[]) => Promise<Ended>
  readonly hostsFile: (name: string) => string
}

/** `run`: the command in this process, or the program as a process of its own. */
function place (t: Test, more = '', run: (args: readonly string[]) => Promise<Ended> = runCommand): Place {
  const folder = shortFolder(t)
  const put = (name: string, text: string | Uint8Array): string => {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }
  put('config.yaml', `data_path: ${folder}/data
state_path: ${folder}/state
control_socket: ${folder}/control.sock
rpc: { address: "" }
dhcp:
  mode: server
  interface: lo
  subnets: [{ subnet: 192.168.100.0/24, routers: [192.168.100.1], domain_name: lab.example }]
${more}`)
  return {
    folder,
    put,
    hosts: (...args) => run(['hosts', ...args, '--config', join(folder, 'config.yaml')]),
    hostsFile: name => readFileSync(join(folder, 'state/hosts.d', name), 'utf8')
  }
}

const inventory = `[all:vars]
cluster_name=lab
network_dn=lab.example
[coreos_controllers]
core-c1 ansible_host=192.168.100.41
[coreos_workers]
core-w1.lab.example ansible_host=192.168.100.51
core-w2.lab.example ansible_host=192.168.100.52
`

function lab ({ put }: Place): string[] {
  return [put('lab/hosts', inventory), put('lab/manual-masters.csv', `MASTER_MAC,HOST\n${m1},core-c1.lab.example\n`), put('lab/manual-workers.csv', `WORKER_MAC,HOST\n${m2},core-w1.lab.example\n${m3},core-w2.lab.example\n`)]
}

t.test('an inventory and its two CSV files', async t => {
  const here = place(t, '', args => new Program(args).end())
  const files = lab(here)
  const dry = await here.hosts('import', '--dry-run', ...files)
  t.equal(dry.status, 0, dry.stderr)
  t.match(dry.stdout, new RegExp(`^added +core-c1 +${m1} +192\\.168\\.100\\.41 +controllers +\\S+lab/hosts:5:1 \\S+manual-masters\\.csv:2:1$`, 'm'))
  t.match(dry.stdout, /^3 added$/m)
  t.notOk(existsSync(join(here.folder, 'state')), 'a dry run writes nothing')

  t.equal((await here.hosts('import', ...files)).status, 0)
  t.match(here.hostsFile('lab.yaml').split('\n').slice(1), [
    `- { mac: "${m1}", ip: 192.168.100.41, hostname: "core-c1", role: "controllers" }`,
    `- { mac: "${m2}", ip: 192.168.100.51, hostname: "core-w1", role: "workers" }`,
    `- { mac: "${m3}", ip: 192.168.100.52, hostname: "core-w2", role: "workers" }`
  ])
  const before = statSync(join(here.folder, 'state/hosts.d/lab.yaml'))
  const again = await here.hosts('import', ...files, '--json')
  t.match(JSON.parse(again.stdout), { written: false, hosts: [{ state: 'same' }, { state: 'same' }, { state: 'same' }] })
  t.equal(statSync(join(here.folder, 'state/hosts.d/lab.yaml')).ino, before.ino, 'twice the same import changes nothing')

  here.put('lab/manual-masters.csv', 'MASTER_MAC,HOST\n00:0c:29:00:00:09,core-c1.lab.example\n')
  here.put('lab/hosts', inventory.replace(/^core-w2.*\n/m, ''))
  here.put('lab/manual-workers.csv', `WORKER_MAC,HOST\n${m2},core-w1.lab.example\n`)
  const changed = await here.hosts('import', ...files)
  t.match(changed.stdout, /^removed +core-w2 .*\nchanged +core-c1 +00:0c:29:00:00:09 .*MAC 00:0c:29:00:00:01 becomes 00:0c:29:00:00:09\nsame +core-w1 /m)
  t.match(here.hostsFile('lab.yaml'), /^[^\n]+\n[^\n]+:09"[^\n]+\n[^\n]+:02"[^\n]+\n$/)

  const list = JSON.parse((await here.hosts('list', '--json')).stdout) as unknown
  t.match(list, [{ mac: '00:0c:29:00:00:09', ip: '192.168.100.41', hostname: 'core-c1', role: 'controllers', source: 'hosts.d/lab.yaml:2' }, { mac: m2 }])
})

t.test('a conflict changes nothing, and says where', async t => {
  const here = place(t, '  reservations: [{ mac: "00:0c:29:00:00:07", ip: 192.168.100.41 }]\n')
  const { status, stderr, stdout } = await here.hosts('import', ...lab(here))
  t.equal(status, 1)
  t.match(stderr, /^core-provisioner hosts: nothing is changed: 1 host is in conflict; \S+lab\/hosts:5:1: core-c1: \S+config\.yaml:9 has 192\.168\.100\.41 already, for 00:0c:29:00:00:07\n$/)
  t.match(stdout, /^1 conflict, 2 added$/m)
  t.notOk(existsSync(join(here.folder, 'state')))
})

t.test('as groups, with a profile for each role', async t => {
  const here = place(t)
  const files = lab(here)
  here.put('data/groups/core-w1.json', JSON.stringify({ id: 'core-w1', name: 'the first', profile: 'old', selector: { mac: m2 }, metadata: { rack: 7 } }))
  const args = ['import', ...files, '--groups', '--map', 'controllers=master']
  t.match(await here.hosts(...args), { status: 2, stderr: /the role workers gets is not said: --map workers=PROFILE/ })
  const { status, stdout, stderr } = await here.hosts(...args, '--profile', 'worker')
  t.equal(status, 0, stderr)
  t.match(stdout, /^changed +core-w1 .*group core-w1 with profile worker/m)
  t.match(stdout, /^1 changed, 2 added$/m)
  const group = (id: string): unknown => JSON.parse(readFileSync(join(here.folder, 'data/groups', `${id}.json`), 'utf8'))
  t.same(group('core-c1'), { id: 'core-c1', profile: 'master', selector: { mac: m1 }, metadata: { hostname: 'core-c1', ip: '192.168.100.41', role: 'controllers' } })
  t.same(group('core-w1'), { id: 'core-w1', name: 'the first', profile: 'worker', selector: { mac: m2 }, metadata: { hostname: 'core-w1', ip: '192.168.100.51', rack: 7, role: 'workers' } })
  t.match(await here.hosts(...args, '--profile', 'worker'), { status: 0, stdout: /^3 same$/m })
  t.match((await here.hosts('list')).stdout, /^192\.168\.100\.52 +00:0c:29:00:00:03 +core-w2 +workers +group core-w2$/m)
  t.match(await here.hosts('import', ...files), { status: 0, stdout: /^3 same$/m }, 'what groups reserve is not reserved once more')
  t.notOk(existsSync(join(here.folder, 'state/hosts.d')))

  here.put('data/groups/core-c1.json', JSON.stringify({ id: 'core-c1', profile: 'x', selector: { os: 'installed' } }))
  t.match(await here.hosts(...args, '--profile', 'worker'), { status: 1, stderr: /core-c1: group core-c1 is there, and selects by more than a MAC address/ })
})

t.test('files that import each other away', async t => {
  const here = place(t)
  const one = here.put('a/list.csv', `MAC,IP,HOST\n${m1},192.168.100.11,a\n`)
  const other = here.put('b/list.csv', `MAC,IP,HOST\n${m2},192.168.100.12,b\n`)
  t.equal((await here.hosts('import', one)).status, 0)
  t.match(await here.hosts('import', other), { status: 1, stderr: /list\.yaml is an import of \S+a\/list\.csv: --name list replaces it/ })
  t.equal((await here.hosts('import', other, '--name', 'b')).status, 0)
  t.same(readdirSync(join(here.folder, 'state/hosts.d')).sort(), ['b.yaml', 'list.yaml'])
  here.put('state/hosts.d/mine.yaml', '- { mac: "00:0c:29:00:00:08", ip: 192.168.100.18 }\n')
  t.match(await here.hosts('import', other, '--name', 'mine'), { status: 1, stderr: /mine\.yaml was not written by an import and stays/ })
  here.put('state/hosts.d/broken.yaml', '- nonsense\n')
  t.match(await here.hosts('import', one), { status: 1, stderr: /nothing is changed: \S+broken\.yaml:1/ })
})

t.test("Mayu's folder, included files, standard input", async t => {
  const here = place(t)
  here.put('mayu/cluster/s1/conf.json', JSON.stringify({ Serial: 's1', MacAddresses: [m1], InternalAddr: '192.168.100.11', Hostname: 'a', Profile: 'core' }))
  here.put('mayu/cluster/s2/conf.json', JSON.stringify({ Serial: 's2', MacAddresses: [m2], InternalAddr: '192.168.100.12', Hostname: 'b', Profile: 'core' }))
  here.put('mayu/cluster/cluster.json', '{"GitStore":true}')
  t.match(await here.hosts('import', join(here.folder, 'mayu')), { status: 0, stdout: /^2 added$/m })
  t.ok(existsSync(join(here.folder, 'state/hosts.d/mayu.yaml')))

  const main = here.put('dhcp/dhcpd.conf', 'include "one.conf";\ninclude "one.conf";\ninclude "gone.conf";\n# subnet\nsubnet 192.168.100.0 netmask 255.255.255.0 { }\n')
  here.put('dhcp/one.conf', `host c { hardware ethernet ${m3}; fixed-address 192.168.100.13; }\n`)
  t.match(await here.hosts('import', main), { status: 0, stdout: /^1 added$/m, stderr: /dhcpd\.conf:3:1: gone\.conf is not here/ })
  here.put('dhcp/one.conf', 'include "two.conf";\n')
  here.put('dhcp/two.conf', 'include "dhcpd.conf";\n')
  t.match(await here.hosts('import', main), { status: 1, stderr: /dhcp\/two\.conf:1:1: \S+dhcpd\.conf includes itself, by way of one\.conf, two\.conf\n$/ })

  const piped = await new Program(['hosts', 'import', '-', '--name', 'piped', '--config', join(here.folder, 'config.yaml')], { input: 'MAC,IP\n00:0c:29:00:00:05,192.168.100.15\n' }).end()
  t.equal(piped.status, 0, piped.stderr)
  t.match(here.hostsFile('piped.yaml'), /From: "standard input"\n- \{ mac: "00:0c:29:00:00:05", ip: 192\.168\.100\.15 \}\n$/)
})

t.test('wrong usage, and files that cannot be read', async t => {
  const here = place(t)
  const file = here.put('a.csv', `MAC,HOST\n${m1},a\n`)
  for (const args of [[], ['import'], ['nonsense'], ['import', file, '--format', 'xml'], ['import', file, '--profile', 'x'], ['import', file, '--groups', '--map', 'x'], ['import', file, '--groups', '--name', 'x'], ['list', 'more']]) {
    t.match(await here.hosts(...args), { status: 2, stdout: '' }, args.join(' '))
  }
  t.match(await here.hosts('import', join(here.folder, 'none')), { status: 1, stderr: /none: there is no such file/ })
  t.match(await here.hosts('import', here.folder), { status: 1, stderr: /is a folder without Mayu's/ })
  t.match(await here.hosts('import', '/dev/zero'), { status: 1, stderr: /\/dev\/zero: it is no plain file/ })
  t.match(await here.hosts('import', file), { status: 1, stderr: /nothing is changed: \S+a\.csv:2:1: a: no list says its address/ })
  t.match(await here.hosts('import', here.put('b.csv', 'MAC,HOST\n')), { status: 1, stderr: /nothing is changed: the lists name no machines/ })
  t.match(await here.hosts('import', here.put('c.csv', Buffer.from('MAC,HOST\n\xe9', 'latin1'))), { status: 1, stderr: /c\.csv:2:1: this is not UTF-8/ })
})

t.test('an export is what it was imported from, in every format', async t => {
  const here = place(t)
  t.equal((await here.hosts('import', ...lab(here))).status, 0)
  for (const format of ['csv', 'dhcpd', 'fusion', 'dnsmasq', 'kea', 'ansible', 'tfvars', 'hosts', 'json']) {
    const exported = await here.hosts('export', '--format', format)
    t.equal(exported.status, 0, exported.stderr)
    t.match(await here.hosts('import', here.put(`exported.${format}`, exported.stdout), '--json'), { status: 0, stdout: /"written": false/ }, format)
    const rows = JSON.parse((await here.hosts('import', join(here.folder, `exported.${format}`), '--json')).stdout) as { hosts: Array<{ state: string }> }
    t.same(rows.hosts.map(({ state }) => state), ['same', 'same', 'same'], format)
  }
  t.equal((await here.hosts('export', '--format', 'csv', '--group', 'controllers')).stdout, `MASTER_MAC,HOST\n${m1},core-c1.lab.example\n`)
  t.same(JSON.parse((await here.hosts('export', '--format', 'csv', '--group', 'controllers', '--json')).stdout), { format: 'csv', text: `MASTER_MAC,HOST\n${m1},core-c1.lab.example\n` })
  t.match(await here.hosts('export', '--format', 'csv', '--group', 'none'), { status: 1, stderr: /no machine has the role "none"/ })
  t.match(await here.hosts('export', '--format', 'terraform'), { status: 0, stderr: /^3 of 3 machines are left out: they are in no group/ })
  for (const args of [[], ['--format', 'xml'], ['--format', 'csv', '--cluster', 'a b'], ['--format', 'csv', 'more']]) t.match(await here.hosts('export', ...args), { status: 2, stdout: '' }, args.join(' '))
})

t.test('a block in a file of another program, and what the file was beside it', async t => {
  const here = place(t)
  t.equal((await here.hosts('import', ...lab(here))).status, 0)
  const own = '###### VMNET DHCP Configuration. Start of "DO NOT MODIFY SECTION" #####\r\nallow unknown-clients;\r\n####### VMNET DHCP Configuration. End of "DO NOT MODIFY SECTION" #######\r\n'
  const file = here.put('dhcpd.conf', own)
  chmodSync(file, 0o640)
  t.match(await here.hosts('export', '--format', 'fusion', '--cluster', 'lab', '--write', file), { status: 0, stdout: /dhcpd\.conf is written; what it was is \S+dhcpd\.conf\.backup\n$/ })
  const text = readFileSync(file, 'utf8')
  t.ok(text.startsWith(`${own}### coreos-pxe:lab:start\r\n`) && text.endsWith('### coreos-pxe:lab:end\r\n'))
  t.equal(readFileSync(`${file}.backup`, 'utf8'), own)
  t.same([statSync(file).mode & 0o777, statSync(`${file}.backup`).mode & 0o777], [0o640, 0o640])
  t.match(await here.hosts('export', '--format', 'fusion', '--cluster', 'lab', '--write', file), { status: 0, stdout: /is as it was/ })
  t.equal((await here.hosts('export', '--format', 'fusion', '--cluster', 'lab', '--group', 'controllers', '--write', file)).status, 0)
  t.notMatch(readFileSync(file, 'utf8'), /core-w1/)
  t.ok(readFileSync(file, 'utf8').startsWith(own))

  const variables = join(here.folder, 'terraform.tfvars')
  t.match(await here.hosts('export', '--format', 'tfvars', '--write', variables), { status: 0, stderr: /without certificates/ })
  t.equal(statSync(variables).mode & 0o777, 0o600, 'it may hold a key')
  t.match(await here.hosts('export', '--format', 'tfvars', '--cluster', 'other', '--write', variables), { status: 1, stderr: /its format has no comments/ })
  t.match(await here.hosts('export', '--format', 'dhcpd', '--write', here.put('cut.conf', '# BEGIN core-provisioner CLUSTER MANAGED BLOCK\n')), { status: 1, stderr: /cut\.conf:1:1: one line/ })
  t.equal(readFileSync(join(here.folder, 'cut.conf'), 'utf8'), '# BEGIN core-provisioner CLUSTER MANAGED BLOCK\n')
})
