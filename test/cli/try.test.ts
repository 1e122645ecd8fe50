// A first boot without a configuration: beside dnsmasq, which stays the network's DHCP server, and as the server of a network without one.
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { bootOf } from '../../src/cli/try-site.js'
import { builtProgram } from '../helpers/built.js'
import { mac, request } from '../helpers/dhcp.js'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { PipeClient } from '../helpers/pipe-client.js'
import { Program } from '../helpers/program.js'
import { able, needs } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

const machine = '52:54:00:00:00:71'
const uefi = { vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003016', clientSystemArchitecture: [7] } as const
const left = (): string[] => readdirSync(tmpdir()).filter(name => name.startsWith('core-provisioner-try-'))

interface Lab { readonly space: NetworkNamespace, readonly client: NetworkNamespace, readonly files: string }

function lab (t: Test): Lab {
  const files = t.testdir({ vmlinuz: 'a kernel', 'initrd.gz': 'an initrd' })
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  return { space, client: space.client('br0', machine), files }
}

const start = ({ space, files }: Lab, ...more: string[]) => space.spawn(process.execPath, builtProgram(), 'try', '--interface', 'br0',
  '--kernel', join(files, 'vmlinuz'), '--initrd', join(files, 'initrd.gz'), '--args', 'quiet console=ttyS0', ...more)

t.test('beside the DHCP server of the network', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'dnsmasq', 'curl', 'dhclient')) return
  const here = lab(t)
  const { space, client, files } = here
  const other = space.client('br0')
  other.ip('address', 'add', '172.30.0.2/24', 'dev', 'eth0')
  const dnsmasq = other.spawn('dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--user=root', '--interface=eth0', '--bind-interfaces',
    '--dhcp-range=172.30.0.100,172.30.0.150', `--dhcp-leasefile=${files}/leases`, '--log-dhcp')
  await dnsmasq.line(/DHCP, IP range/)
  const before = left()
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
  t.match(running.output(), /The same to stay[^]*\ndhcp:\n {2}mode: proxy\n {2}interface: "br0"\n[^]*# \/var\/lib\/matchbox\/groups\/default\.json\n[^]*"kernel": "\/assets\/try\/vmlinuz"/)
  t.same(left(), before, 'nothing is left')
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
  t.match(running.output(), /subnets: \[\{ subnet: 172\.30\.0\.0\/24, range: 172\.30\.0\.128-172\.30\.0\.254 \}\]/)
})

t.test('an image from its publisher, verified, is what a machine is told and given', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'curl')) return
  const { space, client, files } = lab(t)
  const publisher = space.spawn(process.execPath, typescript, fileURLToPath(new URL('../helpers/publisher-program.ts', import.meta.url)), files)
  const { url, fingerprint, files: sums } = JSON.parse(await publisher.line(/^\{/)) as { url: string, fingerprint: string, files: Readonly<Record<string, string>> }
  client.ip('address', 'add', '172.30.0.77/24', 'dev', 'eth0')
  const trying = (os: string, pinned: string) => space.spawn(process.execPath, builtProgram(), 'try', '--interface', 'br0', '--image', os,
    '--key', join(files, 'key.asc'), '--fingerprint', pinned, '--set', `images.sources=[{ os: ${os}, base_url: "${url}" }]`)
  const before = left()
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
    t.match(running.output(), new RegExp(`images:\\n {2}sources: \\[\\{ os: ${os} \\}\\]`), 'what makes it permanent')
  }
  const refused = trying('flatcar', 'F'.repeat(40))
  t.equal(await refused.ended, 1)
  t.match(refused.output(), /fingerprint/i, 'a key that is another than was said')
  t.same(left(), before, 'nothing is left')
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
  const before = left()
  const says = async (status: number, text: RegExp, ...args: string[]): Promise<void> => {
    const ended = here.space.spawn(process.execPath, builtProgram(), 'try', ...args)
    t.equal(await ended.ended, status)
    t.match(ended.output(), text)
  }
  await says(2, /--interface says on which network: br0/)
  await says(2, /expected either --image or --kernel/, '--interface', 'br0')
  await says(1, /eth9 has no IPv4 address/, '--interface', 'eth9', '--kernel', 'k')
  await says(2, /br0 is 172\.30\.0\.1, which is not in it: give it an address there first \(ip address add ADDRESS\/24 dev br0\)/, '--interface', 'br0', '--kernel', 'http://x/k', '--server', '10.0.0.0/24')
  await says(1, /cannot take \/nowhere\/k: ENOENT/, '--interface', 'br0', '--kernel', '/nowhere/k')
  await says(2, /--key FILE and --fingerprint FINGERPRINT go together/, '--interface', 'br0', '--image', 'flatcar', '--key', 'x')
  t.same(left(), before)
  t.notOk(existsSync('/var/lib/core-provisioner/try'))
  t.match(await new Program(['help', 'try']).end(), { status: 0, stdout: /--server SUBNET/ })
})
