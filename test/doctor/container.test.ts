// Whether a container has the host's network, told by what the kernel and the engine left in it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { diagnoseContainer } from '../../src/doctor/container.js'
import { bundledProgram } from '../helpers/built.js'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { able, needsRoot } from '../helpers/tools.js'

const config = (...set: readonly string[]) => loadConfig({ file: undefined, defaultFile: '', set, env: {} }).config
const serving = config('dhcp.mode=server', 'dhcp.interface=eth0', 'dhcp.subnets=[{ subnet: 192.168.100.0/24 }]')

/** A root folder with these files. */
function rootOf (t: Test, files: Readonly<Record<string, string>>): string {
  const root = t.testdir({})
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

const link = (name: string, index: number, other: number, uevent = ''): Record<string, string> =>
  ({ [`sys/class/net/${name}/ifindex`]: `${index}\n`, [`sys/class/net/${name}/iflink`]: `${other}\n`, [`sys/class/net/${name}/uevent`]: `${uevent}INTERFACE=${name}\n` })
const lo = link('lo', 1, 1)
const veth = link('eth0', 2, 57)
const bridged = { ...lo, ...link('tunl0', 3, 0), ...veth }

t.test('a bridged container that should answer DHCP', t => {
  for (const [files, text] of [
    [{ '.dockerenv': '' }, /^this container \(Docker\) has a network of its own, with eth0, which ends at a bridge .*: docker run --network host$/],
    [{ 'run/.containerenv': '' }, /\(Podman\).*: podman run --network host --cap-add NET_RAW$/],
    [{ 'proc/self/mountinfo': '800 799 8:1 /var/lib/kubelet/pods/0d1c/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n' }, /\(Kubernetes\).*: hostNetwork: true$/]
  ] as const) t.match(diagnoseContainer(serving, rootOf(t, { ...bridged, ...files })), [{ level: 'warning', about: 'container', text }])
  t.match(diagnoseContainer(serving, rootOf(t, { ...lo, '.dockerenv': '' })), [{ level: 'warning', text: /with no interface/ }])
  t.match(diagnoseContainer(serving, rootOf(t, { ...lo, ...veth, ...link('eth1', 4, 90), '.dockerenv': '' })), [{ text: /eth0, eth1, which end at/ }])
  t.end()
})

t.test('without DHCP it is TFTP that does not get through, or nothing', t => {
  const root = rootOf(t, { ...bridged, '.dockerenv': '' })
  t.match(diagnoseContainer(config('dhcp.mode=off'), root), [{ level: 'warning', text: /TFTP answers from ports that nobody published/ }])
  t.same(diagnoseContainer(config('dhcp.mode=off', 'tftp.address='), root), [])
  t.end()
})

t.test('the host\'s network, or one that the machines are on, is nothing to remark', t => {
  const engine = { '.dockerenv': '' }
  const ways: ReadonlyArray<readonly [string, Record<string, string>]> = [
    ['a card', { ...lo, ...link('ens192', 2, 2), 'sys/class/net/ens192/device/vendor': '' }],
    ['a bridge of the host beside pairs to other containers', { ...lo, ...link('br0', 2, 2, 'DEVTYPE=bridge\n'), ...link('veth1', 5, 2) }],
    ['macvlan, which is on the host\'s network', { ...lo, ...link('eth0', 2, 3, 'DEVTYPE=macvlan\n') }],
    ['both ends of a pair', { ...lo, ...link('a', 2, 3), ...link('b', 3, 2) }],
    ['no /sys', {}]
  ]
  for (const [what, files] of ways) t.same(diagnoseContainer(serving, rootOf(t, { ...files, ...engine })), [], what)
  t.same(diagnoseContainer(serving, rootOf(t, bridged)), [], 'no container')
  t.end()
})

t.test('doctor on a pair of the kernel\'s, with what Podman leaves in /run', async t => {
  if (!needsRoot(t) || !able(t, namespaceProblem())) return
  const network = new NetworkNamespace()
  t.teardown(async () => { await network.close() })
  network.bridge('br0')
  const container = network.client('br0')
  container.ip('address', 'add', '192.168.100.2/24', 'dev', 'eth0')
  const doctor = async (prepare: string): Promise<string> => {
    const set = ['dhcp.mode=server', 'dhcp.interface=eth0', 'dhcp.subnets=[{ subnet: 192.168.100.0/24 }]', `data_path=${t.testdir({})}`]
    const running = container.spawn('unshare', '--mount', 'sh', '-c', `mount -t tmpfs none /run && ${prepare}; exec "$@"`, 'sh',
      process.execPath, bundledProgram(), 'doctor', ...set.flatMap(pair => ['--set', pair]))
    await running.ended
    return running.output()
  }
  // The machine that the tests run on may be a container itself.
  t.match(await doctor('touch /run/.containerenv'), /warning +container: this container \(\w+\) has a network of its own, with eth0, which ends at/)
})
