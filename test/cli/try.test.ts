// A first boot without a configuration: beside dnsmasq, which stays the network's DHCP server, and as the server of a network without one.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { callOf } from '../../src/cli/try-permanent.js'
import { bootOf } from '../../src/cli/try-site.js'
import { bundledProgram } from '../helpers/built.js'
import { mac, request } from '../helpers/dhcp.js'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { PipeClient } from '../helpers/pipe-client.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { onTerminal } from '../helpers/terminal.js'
import { able, needs } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'
import { until } from '../helpers/until.js'

const machine = '52:54:00:00:00:71'
const uefi = { vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003016', clientSystemArchitecture: [7] } as const
const left = ({ temporary }: Lab): string[] => readdirSync(temporary)

interface Lab { readonly space: NetworkNamespace, readonly client: NetworkNamespace, readonly files: string, readonly temporary: string }

function lab (t: Test): Lab {
  const files = t.testdir({ vmlinuz: 'a kernel', 'initrd.gz': 'an initrd' })
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  return { space, client: space.client('br0', machine), files, temporary: shortFolder(t) }
}

const tryIn = ({ space, temporary }: Lab, ...args: string[]) => space.spawn('env', `TMPDIR=${temporary}`, process.execPath, bundledProgram(), 'try', ...args)

const start = (here: Lab, ...more: string[]) => tryIn(here, '--interface', 'br0',
  '--kernel', join(here.files, 'vmlinuz'), '--initrd', join(here.files, 'initrd.gz'), '--args', 'quiet console=ttyS0', ...more)

t.test('beside the DHCP server of the network', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'dnsmasq', 'curl', 'dhclient')) return
  const here = lab(t)
  const { space, client, files } = here
  const other = space.client('br0')
  other.ip('address', 'add', '172.30.0.2/24', 'dev', 'eth0')
  const dnsmasq = other.spawn('dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--user=root', '--interface=eth0', '--bind-interfaces',
    '--dhcp-range=172.30.0.100,172.30.0.150', `--dhcp-leasefile=${files}/leases`, '--log-dhcp')
  await dnsmasq.line(/DHCP, IP range/)
  const running = start(here)
  await running.line(/^Beside the DHCP server of br0: let a machine boot/)

  // A real client gets its address from the other server, and from it alone.
  space.client('br0', '52:54:00:00:00:72').spawn('dhclient', '-d', '-1', '-sf', '/bin/true', '-lf', join(files, 'client.leases'), '-pf', join(files, 'client.pid'), 'eth0')
  await dnsmasq.line(/DHCPACK\(eth0\) 172\.30\.0\.1\d\d 52:54:00:00:00:72/)
  // What firmware asks, and what it is answered beside that.
  const wire = await PipeClient.start(client)
  const offer = await wire.ask(request({ dhcpMessageType: 'DISCOVER', ...uefi }, { mac: mac(machine) }), 67)
  t.match(offer.options.vendorClassIdentifier ?? '', /PXEClient/)
  t.equal(offer.yiaddr, 0, 'no address')
  client.ip('address', 'add', '172.30.0.77/24', 'dev', 'eth0')
  const get = (path: string): string => client.exec('curl', '--silent', '--fail', `http://172.30.0.1:8080${path}`)
  t.match(get('/boot.ipxe'), /chain/)
  t.match(get(`/ipxe?mac=${machine}`), /^kernel \/assets\/try\/vmlinuz quiet console=ttyS0\ninitrd \/assets\/try\/initrd\.gz$/m)
  t.equal(get('/assets/try/vmlinuz'), 'a kernel')
  await running.line(/^ {4}0\.0s {2}52:54:00:00:00:71 {2}discover/)
  await running.line(/s {2}52:54:00:00:00:71 {2}script /)

  running.child.kill('SIGINT')
  t.equal(await running.ended, 0)
  t.match(running.output(), /The same to stay[^]*\ndhcp:\n {2}mode: proxy\n {2}interface: br0\n[^]*\/var\/lib\/matchbox\/groups\/default\.json[^]*"kernel": "\/assets\/try\/vmlinuz"/)
  t.same(left(here), [], 'nothing is left')
})

t.test('on a network that has no DHCP server', async t => {
  if (!able(t, namespaceProblem())) return
  const here = lab(t)
  const running = start(here, '--server', '172.30.0.0/24')
  await running.line(/^As the DHCP server of br0/)
  const wire = await PipeClient.start(here.client)
  const offer = await wire.ask(request({ dhcpMessageType: 'DISCOVER', ...uefi }, { mac: mac(machine) }))
  t.ok(offer.yiaddr >= 0xac1e0080 && offer.yiaddr <= 0xac1e00fe, 'an address of its second half')
  t.equal(offer.file, 'snponly.efi')
  running.child.kill('SIGTERM')
  t.equal(await running.ended, 0)
  t.match(running.output(), /subnets:\n {4}- subnet: 172\.30\.0\.0\/24\n {6}range: 172\.30\.0\.128-172\.30\.0\.254\n/)
})

t.test('machines do not wait for a terminal that stands still', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'curl', 'script')) return
  const { space, client, files, temporary } = lab(t)
  client.ip('address', 'add', '172.30.0.77/24', 'dev', 'eth0')
  const terminal = onTerminal(t, `exec ip netns exec ${space.name} env TMPDIR=${temporary} ${process.execPath} ${bundledProgram()} try --interface br0 --kernel ${join(files, 'vmlinuz')}`)
  await terminal.line(/^Beside the DHCP server of br0/)
  await terminal.standStill()
  const machines = Array.from({ length: 20 }, (_, n) => `52:54:00:00:00:${n + 10}`)
  for (const mac of machines) client.exec('curl', '--silent', '--fail', '--max-time', '60', `http://172.30.0.1:8080/ipxe?mac=${mac}`)
  t.notMatch(terminal.output(), / script/, 'nothing is shown')
  terminal.goOn()
  await terminal.line(new RegExp(`s {2}${machines.at(-1)} {2}script`))
  for (const mac of machines) t.match(terminal.output(), `${mac}  script`)
  terminal.type('\x03')
  t.equal(await terminal.ended, 0)
  t.match(terminal.output(), /The same to stay/)
})

t.test('for programs: a line of JSON each', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'curl')) return
  const here = lab(t)
  here.client.ip('address', 'add', '172.30.0.77/24', 'dev', 'eth0')
  const running = start(here, '--json')
  await running.line(/"mode"/)
  here.client.exec('curl', '--silent', '--fail', `http://172.30.0.1:8080/ipxe?mac=${machine}`)
  await running.line(/"stage":"script"/)
  running.child.kill('SIGINT')
  t.equal(await running.ended, 0)
  t.match(running.output().trimEnd().split('\n').map(line => JSON.parse(line) as object), [
    { mode: 'proxy', interface: 'br0' }, { mac: machine, stage: 'script' }, { permanent: /mode: proxy/ }
  ])
})

t.test('however it ends, nothing is left, or the next one takes it away', async t => {
  if (!able(t, namespaceProblem())) return
  const here = lab(t)
  for (const signal of ['SIGHUP', 'SIGKILL'] as const) {
    const running = start(here)
    await running.line(/^Beside the DHCP server of br0/)
    running.child.kill(signal)
    t.equal(await running.ended, signal === 'SIGHUP' ? 0 : 'SIGKILL')
    t.equal(left(here).length, signal === 'SIGHUP' ? 0 : 1, signal)
  }
  const others = 'core-provisioner-try-of-others'
  mkdirSync(join(here.temporary, others))
  chmodSync(join(here.temporary, others), 0o777)

  // Nobody reads any more, which it finds out when it has to tell of a machine.
  const unread = start(here)
  await unread.line(/^Beside the DHCP server of br0/)
  t.equal(left(here).length, 2, "what was killed is gone; another's folder stays, and its own is there")
  unread.child.stdout?.destroy()
  here.client.ip('address', 'add', '172.30.0.77/24', 'dev', 'eth0')
  here.client.exec('curl', '--silent', '--fail', `http://172.30.0.1:8080/ipxe?mac=${machine}`)
  t.equal(await unread.ended, 0)
  // Whoever started it is gone.
  const [out, script] = [join(here.files, 'out'), '"$@" > "$OUT" 2>&1 & echo $!; read line; kill -KILL $$']
  const parent = here.space.spawn('env', `OUT=${out}`, `TMPDIR=${here.temporary}`, 'sh', '-c', script, 'sh', process.execPath, bundledProgram(), 'try', '--interface', 'br0', '--kernel', join(here.files, 'vmlinuz'))
  const pid = Number(await parent.line(/^\d+$/))
  await until('it runs', () => existsSync(out) && readFileSync(out, 'utf8').includes('Beside'))
  parent.child.stdin?.write('\n')
  t.equal(await parent.ended, 'SIGKILL')
  await until('it ends', () => !existsSync(`/proc/${pid}`))
  t.match(readFileSync(out, 'utf8'), /The same to stay/)
  t.same(left(here), [others], 'nothing is left')
})

t.test('what it prints, run by a shell, boots the same machine the same way', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'curl', 'unshare')) return
  const here = lab(t)
  const { space, client, files } = here
  client.ip('address', 'add', '172.30.0.77/24', 'dev', 'eth0')
  const got = (): readonly string[] => [`ipxe?mac=${machine}`, 'boot.ipxe', 'assets/try/vmlinuz', 'assets/try/initrd.gz', 'assets/try/2-initrd.gz']
    .map(path => client.exec('curl', '--silent', '--fail', `http://172.30.0.1:8080/${path}`))
  mkdirSync(join(files, 'more'))
  writeFileSync(join(files, 'more/initrd.gz'), 'another')
  const running = start(here, '--initrd', join(files, 'more/initrd.gz'), '--args', "it's=1", '--set', 'boot.resilient=true')
  await running.line(/^Beside the DHCP server of br0/)
  const tried = got()
  running.child.kill('SIGINT')
  t.equal(await running.ended, 0)
  writeFileSync(join(files, 'stay.sh'), running.output().slice(running.output().indexOf('# The same to stay')))
  mkdirSync(join(files, 'bin'))
  writeFileSync(join(files, 'bin/core-provisioner'), `#!/bin/sh\nexec ${process.execPath} ${bundledProgram()} "$@"\n`, { mode: 0o755 })
  // A machine on which nothing is installed.
  const stays = space.spawn('unshare', '--mount', 'sh', '-ec', 'mount -t tmpfs none /etc; mount -t tmpfs none /var/lib; PATH=$1/bin:$PATH; sh $1/stay.sh; echo checked; ! sh $1/stay.sh; exec core-provisioner serve --set control_socket=/var/lib/c', 'sh', files)
  await stays.line(/^checked$/)
  t.match(stays.output(), /^configuration: \/etc\/core-provisioner\/config\.yaml$/m)
  t.notMatch(stays.output(), /^\S+: error: /m)
  await stays.line(/appliance\.ready/)
  t.match(stays.output(), /File exists/, 'what is there is never written over')
  t.same(got(), tried)
})

t.test('no space, no interface, no port: told with what to do, and nothing is left', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'dnsmasq', 'unshare')) return
  const here = lab(t)
  const { space, files } = here
  writeFileSync(join(files, 'large'), Buffer.alloc(2 ** 20))
  const small = space.spawn('unshare', '--mount', 'sh', '-ec', 'mount -t tmpfs -o size=512k none /mnt; export TMPDIR=/mnt; "$@" || echo ended $?; ls -A /mnt | wc -l', 'sh',
    process.execPath, bundledProgram(), 'try', '--interface', 'br0', '--kernel', join(files, 'large'))
  t.equal(await small.ended, 0)
  t.match(small.output(), /^core-provisioner try: \/mnt\/core-provisioner-try-\w+\/data\/assets\/try could not be written: no space is left there; TMPDIR=\/var\/tmp chooses another place$/m)
  t.match(small.output(), /^ended 1\n0$/m)

  const dnsmasq = space.spawn('dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--user=root', '--interface=br0',
    '--dhcp-range=172.30.0.100,172.30.0.150', `--dhcp-leasefile=${files}/leases`, '--log-dhcp')
  await dnsmasq.line(/DHCP, IP range/)
  const taken = start(here)
  t.equal(await taken.ended, 1)
  t.match(taken.output(), /^core-provisioner try: cannot listen on br0:67\/udp: another program listens there: dnsmasq \(pid \d+\); it cannot be shared: stop that, or try from another machine of the network$/m)
  dnsmasq.child.kill('SIGTERM')
  await dnsmasq.ended

  // It goes away meanwhile, and comes back.
  const running = start(here)
  await running.line(/^Beside the DHCP server of br0/)
  space.ip('link', 'delete', 'br0')
  await running.line(/interface br0 is gone/)
  space.bridge('br0', '172.30.0.1/24')
  await running.line(/dhcp\.rebound/)
  running.child.kill('SIGINT')
  t.equal(await running.ended, 0)
})

t.test('an image from its publisher, verified, is what a machine is told and given', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'curl')) return
  const here = lab(t)
  const { space, client, files } = here
  const publisher = space.spawn(process.execPath, typescript, fileURLToPath(new URL('../helpers/publisher-program.ts', import.meta.url)), files)
  const { url, fingerprint, files: sums } = JSON.parse(await publisher.line(/^\{/)) as { url: string, fingerprint: string, files: Readonly<Record<string, string>> }
  client.ip('address', 'add', '172.30.0.77/24', 'dev', 'eth0')
  const trying = (os: string, pinned: string) => tryIn(here, '--interface', 'br0', '--image', os,
    '--key', join(files, 'key.asc'), '--fingerprint', pinned, '--set', `images.sources=[{ os: ${os}, base_url: "${url}" }]`)
  for (const [os, kernel, initrd] of [
    ['flatcar', '/assets/flatcar/4000.2.0/flatcar_production_pxe.vmlinuz', '/assets/flatcar/4000.2.0/flatcar_production_pxe_image.cpio.gz'],
    ['fedora-coreos', '/assets/fedora-coreos/43.1.2.3/fedora-coreos-43.1.2.3-live-kernel.x86_64', '/assets/fedora-coreos/43.1.2.3/fedora-coreos-43.1.2.3-live-initramfs.x86_64.img']
  ] as const) {
    const running = trying(os, fingerprint)
    await running.line(/^Beside the DHCP server of br0/)
    const script = client.exec('curl', '--silent', '--fail', `http://172.30.0.1:8080/ipxe?mac=${machine}`)
    const [line = '', asked = ''] = /^kernel (\S+)/m.exec(script) ?? []
    t.equal(asked, kernel, line)
    t.match(script, new RegExp(`^initrd ${initrd}$`, 'm'))
    for (const path of [kernel, initrd]) {
      const got = client.exec('sh', '-c', `curl --silent --fail http://172.30.0.1:8080${path} | sha256sum`)
      t.equal(got.split(' ')[0], sums[path.split('/').at(-1) ?? ''], path)
    }
    running.child.kill('SIGINT')
    t.equal(await running.ended, 0, running.output())
    t.match(running.output(), new RegExp(`images:\\n {2}sources:\\n {4}- os: ${os}\\n {6}base_url: ${url}\\n {2}keys:\\n {4}- file: /etc/core-provisioner/key.asc\\n {6}fingerprint: ${fingerprint}\\n`, 'i'), 'what makes it permanent')
    t.match(running.output(), new RegExp(`"kernel": "/assets/${os}/stable/(?:flatcar_production_pxe.vmlinuz|fedora-coreos-live-kernel.x86_64)"`), 'and follows its publisher')
    const call = `${process.execPath} ${bundledProgram()}`
    t.match(running.output(), new RegExp(`^install -m 0644 \\S+/key\\.asc /etc/core-provisioner/key\\.asc\n${call} images sync\n${call} check$`, 'm'), 'by where it lies')
  }
  const refused = trying('flatcar', 'F'.repeat(40))
  t.equal(await refused.ended, 1)
  t.match(refused.output(), /fingerprint/i, 'a key that is another than was said')
  t.same(left(here), [], 'nothing is left')
})

t.test('how the commands at the end start the program', t => {
  const bin = t.testdir({ 'core-provisioner': '' })
  const self = ['/usr/bin/node', '/home/an a/bin/core-provisioner']
  for (const [env, given, call] of [
    [{ PATH: `/nowhere:${bin}` }, self, 'core-provisioner'],
    [{ PATH: '/nowhere:' }, self, "/usr/bin/node '/home/an a/bin/core-provisioner'"],
    [{}, undefined, 'core-provisioner']
  ] as const) t.equal(callOf({ env, ...given !== undefined && { self: given } }), call)
  t.end()
})

t.test('what a release boots', async t => {
  const assets = t.testdir({
    flatcar: { '1.2.3': { 'flatcar_production_pxe.vmlinuz': '', 'flatcar_production_pxe.vmlinuz.sig': '', 'flatcar_production_pxe_image.cpio.gz': '' } },
    'fedora-coreos': { 42: { 'fedora-coreos-42-live-kernel-x86_64': '', 'fedora-coreos-42-live-initramfs.x86_64.img': '', 'fedora-coreos-42-live-rootfs.x86_64.img': '' } }
  })
  t.match(await bootOf(assets, '/assets/flatcar/1.2.3', 'http://10.0.0.1:8080'), { kernel: '/assets/flatcar/1.2.3/flatcar_production_pxe.vmlinuz', initrd: ['/assets/flatcar/1.2.3/flatcar_production_pxe_image.cpio.gz'] })
  t.match(await bootOf(assets, '/assets/fedora-coreos/42', 'http://10.0.0.1:8080'), {
    kernel: '/assets/fedora-coreos/42/fedora-coreos-42-live-kernel-x86_64',
    args: ['initrd=fedora-coreos-42-live-initramfs.x86_64.img', 'coreos.live.rootfs_url=http://10.0.0.1:8080/assets/fedora-coreos/42/fedora-coreos-42-live-rootfs.x86_64.img', 'ignition.firstboot']
  })
  await t.rejects(bootOf(assets, '/assets/flatcar', ''), { code: 'image_metadata_invalid' })
})

t.test('what is wrong is told before anything is done, and leaves nothing', async t => {
  if (!able(t, namespaceProblem())) return
  const here = lab(t)
  const says = async (status: number, text: RegExp, ...args: string[]): Promise<void> => {
    const ended = tryIn(here, ...args)
    t.equal(await ended.ended, status)
    t.match(ended.output(), text)
  }
  await says(2, /--interface says on which network: br0/)
  await says(2, /expected either --image or --kernel/, '--interface', 'br0')
  await says(1, /no interface br9 with an IPv4 address on this machine \(interfaces with one: br0\); did you mean "br0"\?/, '--interface', 'br9', '--kernel', 'k')
  here.space.bridge('six0', 'fd00::1/64')
  here.space.bridge('down0', '10.9.0.1/24')
  here.space.ip('link', 'set', 'down0', 'down')
  await says(1, /interface six0 has no IPv4 address/, '--interface', 'six0', '--kernel', 'k')
  await says(1, /interface down0 is down \(ip link set down0 up\)/, '--interface', 'down0', '--kernel', 'k')
  await says(2, /--image takes one of flatcar, fedora-coreos, not "flatcarr"; did you mean "flatcar"\?/, '--interface', 'br0', '--image', 'flatcarr')
  await says(2, /--initrd goes with --kernel/, '--interface', 'br0', '--image', 'flatcar', '--initrd', 'i')
  await says(2, /--key and --fingerprint go with --image/, '--interface', 'br0', '--kernel', 'k', '--key', 'x', '--fingerprint', 'AA')
  await says(1, /cannot take \/dev\/zero: it is no file/, '--interface', 'br0', '--kernel', '/dev/zero')
  await says(2, /br0 is 172\.30\.0\.1, which is not in it: give it an address there first \(ip address add ADDRESS\/24 dev br0\)/, '--interface', 'br0', '--kernel', 'http://x/k', '--server', '10.0.0.0/24')
  await says(1, /cannot take \/nowhere\/k: ENOENT/, '--interface', 'br0', '--kernel', '/nowhere/k')
  await says(2, /--key FILE and --fingerprint FINGERPRINT go together/, '--interface', 'br0', '--image', 'flatcar', '--key', 'x')
  t.same(left(here), [])
  t.notOk(existsSync('/var/lib/core-provisioner/try'))
  t.match(await new Program(['help', 'try']).end(), { status: 0, stdout: /--server SUBNET/ })
})
