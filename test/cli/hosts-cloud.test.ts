// hosts import --templates: pxe_coreos' list and templates become groups, profiles, cloud-configs, and what a machine reads is what it
// read there.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { runCommand } from '../helpers/command.js'
import type { Ended } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

// The sample of its own documentation is no JSON either: a comma too many.
const list = `{ "common": { "$public_ipv4_gw": "10.0.0.1", "$public_ipv4_dns1": "10.0.0.9" },
  "hosts": {
    "192.168.90.101": { "macaddr": "52:54:00:00:00:01", "$hostname": "docker-101", "$public_ipv4": "10.0.0.101", "channel": "stable", },
    "192.168.90.102": { "macaddr": "52:54:00:00:00:02", "$hostname": "docker-102", "$secret": "\\\\1 $hostname {{.x}}", "channel": "stable" },
    "192.168.90.103": { "macaddr": "52:54:00:00:00:03", "$hostname": "docker-103", "$public_ipv4": "10.0.0.103", "channel": "beta", "template": "etcd2.yaml" } } }
`
const template = `#cloud-config
hostname: $hostname
write_files:
  - path: /etc/addresses
    content: "$private_ipv4 $public_ipv4/24 gw $public_ipv4_gw dns $public_ipv4_dns1x"
  - path: /etc/motd
    content: '{{ not ours }} $unknown $ $secret'
`

interface Place { readonly folder: string, readonly put: (name: string, text: string | Uint8Array) => string, readonly run: (...args: string[]) => Promise<Ended> }

function place (t: Test, more = ''): Place {
  const folder = shortFolder(t)
  const put = (name: string, text: string | Uint8Array): string => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  put('config.yaml', `data_path: ${folder}/data
state_path: ${folder}/state
control_socket: ${folder}/c
rpc: { address: "" }
advertise: 192.168.90.2
dhcp: { mode: server, interface: lo, subnets: [{ subnet: 192.168.90.0/24 }] }
${more}`)
  return { folder, put, run: (...args) => runCommand([...args, '--config', join(folder, 'config.yaml')]) }
}

t.test('machines, channels and templates', async t => {
  const { folder, put, run } = place(t, 'http: { identify_by_ip: true }')
  const file = put('pxe_hosts.json', list)
  put('templates/default.yaml', template)
  put('templates/etcd2.yaml', '#cloud-config\ncoreos:\n  etcd2: { name: $hostname }\n')
  const imported = (...more: string[]): Promise<Ended> => run('hosts', 'import', file, '--groups', '--templates', join(folder, 'templates'), ...more)
  t.match(await imported('--dry-run'), { status: 0, stdout: /group docker-101 with profile stable/, stderr: /pxe_hosts\.json:3:\d+: .*comma/ })
  t.notOk(existsSync(join(folder, 'data/cloud')), 'a dry run puts nothing')
  t.match(await imported(), { status: 0, stdout: /3 added/ })
  t.same(readdirSync(join(folder, 'data/profiles')).sort(), ['beta-etcd2.json', 'stable.json'])
  t.match(JSON.parse(readFileSync(join(folder, 'data/profiles/stable.json'), 'utf8')), {
    cloud_id: 'default.yaml', boot: { kernel: '/assets/coreos_stable_pxe.vmlinuz', args: [/^initrd=/, 'cloud-config-url=http://192.168.90.2:8080/cloud', 'coreos.autologin'] }
  })
  const cloud = async (n: number): Promise<string> => (await run('render', 'cloud', '-l', `mac=52:54:00:00:00:0${n}`)).stdout
  t.equal(await cloud(1), template.replaceAll('$hostname', 'docker-101').replaceAll('$private_ipv4', '192.168.90.101')
    .replace('$public_ipv4_gw', '10.0.0.1').replace('$public_ipv4_dns1', '10.0.0.9').replace('$public_ipv4', '10.0.0.101'), 'the longest name first; what it has no value for stays')
  t.match(await cloud(2), '$public_ipv4/24 gw 10.0.0.1', 'a name that only others have')
  t.match(await cloud(2), "$unknown $ \\1 $hostname {{.x}}'", 'what is put in is not looked at again')
  t.equal(await cloud(3), '#cloud-config\ncoreos:\n  etcd2: { name: docker-103 }\n')
  t.match(JSON.parse(readFileSync(join(folder, 'data/groups/docker-101.json'), 'utf8')), { profile: 'stable', metadata: { ip: '192.168.90.101', role: 'stable' } })
  t.match(await imported(), { status: 0, stdout: /3 same[^]* is as it was/ }, 'twice changes nothing')
  put('templates/etcd2.yaml', '#cloud-config\n# $hostname\n')
  t.match(await imported(), { status: 0, stdout: /is written/ }, 'another template is taken')
  t.equal(await cloud(3), '#cloud-config\n# docker-103\n')
})

t.test('what cannot be is told with its place, and nothing is changed', async t => {
  const { folder, put, run } = place(t)
  const file = put('pxe_hosts.json', list)
  const imported = (...more: string[]): Promise<Ended> => run('hosts', 'import', file, '--groups', '--templates', join(folder, 'templates'), ...more)
  t.match(await imported(), { status: 1, stderr: /pxe_hosts\.json:3:5: template: there is no file .*templates\/default\.yaml/ })
  put('templates/default.yaml', 'hostname: $hostname\n')
  t.match(await imported(), { status: 1, stderr: /templates\/default\.yaml:1:1: the first line is neither #cloud-config nor a script/ })
  put('templates/default.yaml', Buffer.from([0x23, 0xff]))
  t.match(await imported(), { status: 1, stderr: /templates\/default\.yaml:1:2: this is not UTF-8/ })
  put('templates/default.yaml', template)
  put('pxe_hosts.json', list.replace('"etcd2.yaml"', '"../etcd2.yaml"'))
  t.match(await imported(), { status: 1, stderr: /pxe_hosts\.json:5:\d+: template: "\.\.\/etcd2\.yaml" is not the name of a file/ })
  put('pxe_hosts.json', list.replace(', "template": "etcd2.yaml"', ''))
  put('data/profiles/stable.json', '{"id": "stable", "cloud_id": "other.yaml"}')
  t.match(await imported(), { status: 1, stderr: /the profile stable is there with another cloud_id, other\.yaml/ })
  t.notOk(existsSync(join(folder, 'data/cloud')))
  t.notOk(existsSync(join(folder, 'data/groups')))
  t.match(await run('hosts', 'import', file, '--templates', folder), { status: 2, stderr: /go with --groups/ })
  t.match(await imported('--profile', 'mine'), { status: 0 }, 'a profile that is named for all of them')
  t.match(JSON.parse(readFileSync(join(folder, 'data/profiles/mine.json'), 'utf8')), { cloud_id: 'default.yaml' })
})

t.test('an address of this machine itself is given to nobody', async t => {
  const { put, run } = place(t)
  const file = put('hosts.csv', 'mac,ip,host\n52:54:00:00:00:01,192.168.90.2,me\n52:54:00:00:00:02,192.168.90.3,other\n')
  t.match(await run('hosts', 'import', file), { status: 0, stdout: /incomplete +me +\S+ +192\.168\.90\.2 .*is an address of this machine itself[^]*1 incomplete, 1 added/ })
  t.match(await run('hosts', 'list'), { stdout: /other/ })
  t.notMatch((await run('hosts', 'list')).stdout, / me /)
})
