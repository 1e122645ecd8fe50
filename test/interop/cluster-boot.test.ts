// A boot survives its provisioner: a real iPXE (SeaBIOS in QEMU) has its script from one of two, which then is killed, or whose packets
// are dropped from then on, before it has given the kernel; the machine goes on at the other one, and its kernel is told of that one.
/* eslint-disable no-template-curly-in-string -- iPXE's own variables */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { builtProgram } from '../helpers/built.js'
import { startEtcdIn } from '../helpers/etcd-network.js'
import { NetworkNamespace, type Running } from '../helpers/netns.js'
import { canStartMachines, startMachine } from '../helpers/rom-machine.js'
import { tinyKernel } from '../helpers/serial-program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needs } from '../helpers/tools.js'
import { until } from '../helpers/until.js'

const machines = [{ mac: '52:54:00:00:03:01', ip: '172.30.0.41' }, { mac: '52:54:00:00:03:02', ip: '172.30.0.42' }] as const
const patience = 400_000
t.setTimeout(3 * patience)

interface Provisioner { readonly space: NetworkNamespace, readonly start: () => Promise<Running>, readonly slow: () => void, readonly quick: () => void }

t.test('the provisioner that gave the script is killed, or falls silent, before the kernel is there: the machine boots from the other', async t => {
  if (!needs(t, 'etcd', 'tc', 'curl') || !canStartMachines(t)) return
  const folder = t.testdir({ assets: { vmlinuz: Buffer.concat([tinyKernel('KERNEL STARTED'), Buffer.alloc(4 * 2 ** 20)]), 'initrd.img': Buffer.alloc(20_000, 'x') } })
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  startEtcdIn(space, { name: 'etcd', address: '172.30.0.1', folder })
  const provisioners = [2, 3].map(n => provisioner(n))
  function provisioner (n: number): Provisioner {
    const place = space.client('br0')
    place.ip('address', 'add', `172.30.0.${n}/24`, 'dev', 'eth0')
    const config = join(folder, `p${n}.yaml`)
    mkdirSync(join(folder, `p${n}`))
    writeFileSync(config, JSON.stringify({
      data_path: join(folder, `p${n}`, 'data'),
      assets_path: join(folder, 'assets'),
      state_path: join(folder, `p${n}`, 'state'),
      control_socket: join(shortFolder(t), 'c'),
      rpc: { address: '' },
      log_level: 'debug',
      tftp: { address: '' },
      dhcp: { mode: 'server', interface: 'eth0', subnets: [{ subnet: '172.30.0.0/24' }], reservations: machines },
      cluster: { name: `p${n}`, etcd: { endpoints: ['http://172.30.0.1:2379'] } }
    }))
    return {
      space: place,
      start: async () => {
        const program = place.spawn(process.execPath, builtProgram(), 'serve', '--config', config)
        await program.line(/appliance\.ready/, patience)
        return program
      },
      // The kernel takes half a minute and more: what happens meanwhile happens before it is there, whatever the load.
      slow: () => { place.exec('tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'tbf', 'rate', '1mbit', 'burst', '10kb', 'latency', '400ms') },
      quick: () => { place.exec('tc', 'qdisc', 'del', 'dev', 'eth0', 'root') }
    }
  }
  const programs = [await provisioners[0]!.start(), await provisioners[1]!.start()]
  const store = join(folder, 'store')
  for (const [name, files] of Object.entries({
    groups: { 'all.json': '{"id":"all","profile":"node"}' },
    profiles: { 'node.json': '{"id":"node","boot":{"kernel":"/assets/vmlinuz","initrd":["/assets/initrd.img"],"args":["url=http://${next-server}:8080/ignition"]}}' }
  })) {
    mkdirSync(join(store, name), { recursive: true })
    for (const [file, text] of Object.entries(files)) writeFileSync(join(store, name, file), text)
  }
  provisioners[0]!.space.exec(process.execPath, builtProgram(), 'store', 'import', store, '--config', join(folder, 'p2.yaml'))
  const script = (n: number): string => provisioners[n]!.space.exec('curl', '-s', 'http://127.0.0.1:8080/ipxe?mac=52-54-00-00-03-01')
  const knowEachOther = async (): Promise<void> => {
    for (const [n, other] of [[0, 3], [1, 2]] as const) await until('it names the other', () => script(n).includes(`http://172.30.0.${other}:8080/assets/vmlinuz`))
  }
  await knowEachOther()
  t.match(script(0), 'kernel --timeout 20000 /assets/vmlinuz url=http://172.30.0.2:8080/ignition || goto next_1\n')
  t.match(script(0), 'kernel --timeout 20000 http://172.30.0.3:8080/assets/vmlinuz url=http://172.30.0.3:8080/ignition || goto last\n')

  for (const [how, { mac, ip }] of [['killed', machines[0]], ['cut off', machines[1]]] as const) {
    await t.test(how, async t => {
      for (const { slow } of provisioners) slow()
      const asked = new RegExp(`"ip":"${ip}".*http\\.ipxe`)
      const before = programs.map(program => program.output().length)
      const said = (n: number): string => programs[n]!.output().slice(before[n])
      const machine = startMachine(space, 'br0', { firmware: 'bios', mac, folder })
      await until('one of them gives the script', () => programs.some((_, n) => asked.test(said(n))))
      const first = programs.findIndex((_, n) => asked.test(said(n)))
      const other = 1 - first
      if (how === 'killed') {
        programs[first]!.child.kill('SIGKILL')
        await programs[first]!.ended
      } else provisioners[first]!.space.ip('link', 'set', 'eth0', 'down')
      provisioners[other]!.quick()
      await machine.line(/KERNEL STARTED/, patience)
      t.match(machine.output(), /Going on at another provisioner/)
      await until('the other gave all of the initrd', () => /"path":"\/assets\/initrd\.img","status":200,"bytes":20000,/.test(said(other)))
      t.notMatch(said(other), asked, 'its script is still that of the first one')
      machine.child.kill('SIGKILL')
      await machine.ended
      if (how === 'killed') {
        provisioners[first]!.quick()
        programs[first] = await provisioners[first]!.start()
        await knowEachOther()
      }
    })
  }
})
