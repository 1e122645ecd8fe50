// A boot survives its provisioner: a real iPXE (SeaBIOS in QEMU), or a GRUB after it, has its script from one of two, which then is
// killed, or whose packets are dropped from then on, before it has given the kernel; the machine goes on at the other one, and its
// kernel is told of that one.
/* eslint-disable no-template-curly-in-string -- iPXE's own variables */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeGrub } from '../../scripts/lib/grub.js'
import { bundledProgram } from '../helpers/built.js'
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

const kernel = (): Buffer => Buffer.concat([tinyKernel('KERNEL STARTED'), Buffer.alloc(4 * 2 ** 20)])

interface Provisioner { readonly space: NetworkNamespace, readonly start: () => Promise<Running>, readonly slow: () => void, readonly quick: () => void }

interface Pair { readonly space: NetworkNamespace, readonly folder: string, readonly provisioners: readonly Provisioner[], readonly programs: Running[] }

/** Two in a fleet, with the profile `node` for every machine. */
async function startPair (t: Test, { args, http = '0.0.0.0:8080', ...config }: { readonly args: readonly string[], readonly http?: string } & Readonly<Record<string, unknown>>): Promise<Pair> {
  const folder = t.testdir({ assets: { vmlinuz: kernel(), 'initrd.img': Buffer.alloc(20_000, 'x') } })
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  startEtcdIn(space, { name: 'etcd', address: '172.30.0.1', folder })
  const provisioners = [2, 3].map((n): Provisioner => {
    const place = space.client('br0')
    place.ip('address', 'add', `172.30.0.${n}/24`, 'dev', 'eth0')
    const file = join(folder, `p${n}.yaml`)
    mkdirSync(join(folder, `p${n}`))
    writeFileSync(file, JSON.stringify({
      data_path: join(folder, `p${n}`, 'data'),
      assets_path: join(folder, 'assets'),
      state_path: join(folder, `p${n}`, 'state'),
      control_socket: join(shortFolder(t), 'c'),
      http: { address: http },
      rpc: { address: '' },
      log_level: 'debug',
      tftp: { address: '' },
      dhcp: { mode: 'server', interface: 'eth0', subnets: [{ subnet: '172.30.0.0/24' }], reservations: machines },
      cluster: { name: `p${n}`, etcd: { endpoints: ['http://172.30.0.1:2379'] } },
      ...config
    }))
    return {
      space: place,
      start: async () => {
        const program = place.spawn(process.execPath, bundledProgram(), 'serve', '--config', file)
        await program.line(/appliance\.ready/, patience)
        return program
      },
      // The kernel takes half a minute and more: what happens meanwhile happens before it is there, whatever the load.
      slow: () => { place.exec('tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'tbf', 'rate', '1mbit', 'burst', '10kb', 'latency', '400ms') },
      quick: () => { place.exec('tc', 'qdisc', 'del', 'dev', 'eth0', 'root') }
    }
  })
  const programs = [await provisioners[0]!.start(), await provisioners[1]!.start()]
  const store = join(folder, 'store')
  for (const [name, files] of Object.entries({
    groups: { 'all.json': { id: 'all', profile: 'node' } },
    profiles: { 'node.json': { id: 'node', boot: { kernel: '/assets/vmlinuz', initrd: ['/assets/initrd.img'], args } } }
  })) {
    mkdirSync(join(store, name), { recursive: true })
    for (const [file, object] of Object.entries(files)) writeFileSync(join(store, name, file), JSON.stringify(object))
  }
  provisioners[0]!.space.exec(process.execPath, bundledProgram(), 'store', 'import', store, '--config', join(folder, 'p2.yaml'))
  return { space, folder, provisioners, programs }
}

t.test('the provisioner that gave the script is killed, or falls silent, before the kernel is there: the machine boots from the other', async t => {
  if (!needs(t, 'etcd', 'tc', 'curl') || !canStartMachines(t)) return
  const { space, folder, provisioners, programs } = await startPair(t, { args: ['url=http://${next-server}:8080/ignition'] })
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
      await machine.line(/boot\.ipxe : \d+ bytes/, patience)
      const { length: alone } = '#!ipxe\nchain ipxe?uuid=${uuid}&mac=${mac:hexhyp}&domain=${domain}&hostname=${hostname}&serial=${serial}\n'
      const why = (): string => programs.map(program => program.output().split('\n').filter(line => /"cluster\./.test(line)).slice(-20).join('\n')).join('\n\n')
      t.notMatch(machine.output(), `boot.ipxe : ${alone} bytes`, why())
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

t.test('GRUB has its configuration from one that is then killed: it loads the entry of the other', async t => {
  if (!needs(t, 'etcd', 'tc', 'curl', 'grub-mkimage') || !canStartMachines(t)) return
  const loaders = join(shortFolder(t), 'tftp')
  mkdirSync(loaders)
  makeGrub('bios-grub', loaders)
  // GRUB 2.06 speaks HTTP on port 80 alone; the network card's own iPXE is handed it by the loader that is not its own kind.
  const { space, folder, provisioners, programs } = await startPair(t, {
    args: ['url=http://172.30.0.2/ignition'], http: '0.0.0.0:80', tftp: { address: '0.0.0.0:69', root: loaders }, boot: { bios: 'grub.pxe', own_user_class: true }
  })
  const config = (n: number): string => provisioners[n]!.space.exec('curl', '-s', 'http://127.0.0.1/grub?mac=52-54-00-00-03-01')
  for (const [n, other] of [[0, 3], [1, 2]] as const) await until('it names the other', () => config(n).includes(`(http,172.30.0.${other}`))
  const { mac, ip } = machines[0]
  // Asked by the machine: what this test asked may be in the log a moment late.
  const isGrub = new RegExp(`"ip":"${ip}".*http\\.grub`)
  const before = programs.map(program => program.output().length)
  const said = (n: number): string => programs[n]!.output().slice(before[n])
  for (const { slow } of provisioners) slow()
  const machine = startMachine(space, 'br0', { firmware: 'bios', mac, folder })
  await until('one of them gives the configuration', () => programs.some((_, n) => isGrub.test(said(n))))
  const first = programs.findIndex((_, n) => isGrub.test(said(n)))
  programs[first]!.child.kill('SIGKILL')
  await programs[first]!.ended
  provisioners[1 - first]!.quick()
  // The kernel is one that only iPXE can start: that GRUB has all of both is its word here.
  const had = (file: string, bytes: number): boolean => new RegExp(`"path":"/assets/${file}","status":200,"bytes":${bytes},`).test(said(1 - first))
  await until('the other gave all of the kernel and the initrd', () => had('vmlinuz', kernel().length) && had('initrd\\.img', 20_000))
  t.match(machine.output(), /Falling back to `CoreOS \(BIOS\) 2'/)
  t.notMatch(said(1 - first), isGrub, 'its configuration is still that of the first one')
})
