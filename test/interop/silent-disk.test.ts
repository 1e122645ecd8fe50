// The disk of the images answers nothing, as a mount whose server is gone: everything else goes on.
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { builtProgram } from '../helpers/built.js'
import { NetworkNamespace, namespaceProblem, type Running } from '../helpers/netns.js'
import { mountSilent, silence, silentDiskProblem, unmountSilent } from '../helpers/silent-disk.js'
import { layOutBootSite } from '../helpers/boot-site.js'
import { able, needs } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'
import { until } from '../helpers/until.js'

const program = builtProgram()
const bootMachine = fileURLToPath(new URL('../helpers/boot-machine.ts', import.meta.url))
const macs = ['52:54:00:00:00:41', '52:54:00:00:00:42']

interface Site {
  readonly folder: string
  readonly space: NetworkNamespace
  readonly stranger: NetworkNamespace
  /** Starts the program, after a command of sh(1). */
  readonly serve: (first?: string) => Promise<Running>
  /** What a machine gets that boots. */
  readonly boot: (mac: string) => Promise<unknown>
}

function layOut (t: Test): Site {
  const { folder, config, space } = layOutBootSite(t, { kernel: 'far/stable/image', macs })
  mkdirSync(join(folder, 'assets/far/1.0'), { recursive: true })
  writeFileSync(join(folder, 'assets/far/1.0/image'), Buffer.alloc(3_000_000))
  const stranger = space.client('br0')
  stranger.ip('address', 'add', '172.30.250.1/16', 'dev', 'eth0')
  const machines = new Map(macs.map(mac => [mac, space.client('br0', mac)]))
  return {
    folder,
    space,
    stranger,
    serve: async (first = '') => {
      const running = space.spawn('sh', '-c', `unset NODE_OPTIONS; ${first}exec "$0" ${program} serve --config ${config}`, process.execPath)
      await running.line(/"msg":"appliance\.ready"/)
      return running
    },
    boot: async mac => {
      const booting = machines.get(mac)!.spawn(process.execPath, typescript, bootMachine, 'eth0', mac)
      if (await booting.ended !== 0) throw new Error(`the machine does not boot: ${booting.output()}`)
      return JSON.parse(booting.output().trimEnd().split('\n').at(-1) ?? '{}')
    }
  }
}

const booted = (n: number): object => ({ type: 'ACK', address: `172.30.0.${41 + n}`, file: 'snponly.efi', loader: 200_000, script: '200 #!ipxe\nkernel /assets/far/stable/image\nboot\n', ignition: /^200 \{/ })

t.test('a mount below the assets that does not answer stops no boot, and no stop', async t => {
  if (!able(t, namespaceProblem() ?? silentDiskProblem()) || !needs(t, 'nsenter', 'curl')) return
  const { folder, stranger, serve, boot } = layOut(t)
  const running = await serve()
  const pid = running.child.pid!
  silence(pid, `${folder}/assets/far`)
  const image = 'http://172.30.0.1:8080/assets/far/1.0/image'
  const asked = Array.from({ length: 20 }, () => stranger.spawn('curl', '-s', '-m', '60', '-o', '/dev/null', '-w', '%{http_code}\n', image))
  t.match(await boot(macs[0]!), booted(0))
  t.match(await running.line(/assets does not answer/), /"status":500,.*"problem":".*assets does not answer: is the disk or the server behind it there\?"/)
  t.equal(await Promise.any(asked.map(async curl => (await curl.line(/./)).trim())), '500', 'who came too late for a turn at the disk is told')
  process.kill(pid, 'SIGTERM')
  t.equal(await running.ended, 0)
  t.match(running.output(), /"msg":"appliance\.end"/)
})

t.test('nor does it stop the start, which says so', async t => {
  if (!able(t, namespaceProblem() ?? silentDiskProblem())) return
  const { folder, space, serve, boot } = layOut(t)
  const running = await serve(mountSilent(`${folder}/assets`))
  t.match(running.output(), /"warning":"[^"]*assets_path: [^"]*assets does not answer: is the disk or the server behind it there\?: nothing below \/assets\/ is served"/)
  t.match(space.exec('curl', '-s', 'http://172.30.0.1:8080/readyz'), /^ok\n(?:.*\n)*warning: .*assets does not answer/)
  t.match(await boot(macs[1]!), booted(1))
  process.kill(running.child.pid!, 'SIGTERM')
  t.equal(await running.ended, 0)
})

t.test('while the disk of the owner\'s loaders does not answer, machines get the program\'s', async t => {
  if (!able(t, namespaceProblem() ?? silentDiskProblem()) || !needs(t, 'nsenter')) return
  const { folder, serve, boot } = layOut(t)
  const running = await serve()
  silence(running.child.pid!, `${folder}/tftp`)
  const loader = statSync(new URL('../../assets/boot/snponly.efi', import.meta.url)).size
  for (const [i, mac] of macs.entries()) t.match(await boot(mac), { ...booted(i), loader })
  t.match(await running.line(/"msg":"folder\.amiss"/, 60_000), /tftp\.root: [^"]*tftp does not answer: [^"]*: loaders come from [^"]* alone/)
  process.kill(running.child.pid!, 'SIGTERM')
  t.equal(await running.ended, 0)
})

t.test('nor does the disk of the store, of which /readyz tells as long as it does not answer', async t => {
  if (!able(t, namespaceProblem() ?? silentDiskProblem()) || !needs(t, 'nsenter', 'curl')) return
  const { folder, stranger, serve, boot } = layOut(t)
  const running = await serve()
  const ready = (): string => stranger.exec('curl', '-s', 'http://172.30.0.1:8080/readyz')
  const heal = silence(running.child.pid!, `${folder}/data`)
  t.match(await running.line(/"msg":"store\.unreadable"/, 60_000), /data does not answer: is the disk or the server behind it there\?/)
  t.match(ready(), /data_path: .*data does not answer/)
  t.match(await boot(macs[0]!), booted(0))
  heal()
  await until('it is ready', () => /^ok$/m.test(ready()))
  writeFileSync(join(folder, 'data/profiles/node.json'), JSON.stringify({ id: 'node', ignition_id: 'node.ign', boot: { kernel: '/assets/other', initrd: [], args: [] } }))
  await until('what was written since is in force', () => stranger.exec('curl', '-s', 'http://172.30.0.1:8080/ipxe?x=y').includes('/assets/other'))
  process.kill(running.child.pid!, 'SIGTERM')
  t.equal(await running.ended, 0)
})

t.test('nor one that does not answer at the start: machines are told so, and served as soon as it does', async t => {
  if (!able(t, namespaceProblem() ?? silentDiskProblem()) || !needs(t, 'nsenter', 'curl')) return
  const { folder, stranger, serve, boot } = layOut(t)
  const running = await serve(mountSilent(`${folder}/data`))
  const ask = (path: string): string => stranger.exec('curl', '-s', '-w', ' %{http_code}', `http://172.30.0.1:8080${path}`)
  t.match(ask('/readyz'), /data_path: \S+data does not answer: is the disk or the server behind it there\?[^]* 503$/)
  t.match(ask(`/ipxe?mac=${macs[0]}`), / 503$/, 'its group may be there: it is not told that there is none')
  t.match(await boot(macs[0]!), { ...booted(0), script: /^503/, ignition: /^503/ }, 'it has its address and its loader')
  await running.line(/"level":"warn".*data does not answer.*"msg":"store\.unreadable"|"msg":"store\.unreadable".*data does not answer/, 60_000)
  unmountSilent(running.child.pid!, `${folder}/data`)
  await until('it is ready', () => / 200$/.test(ask('/readyz')))
  t.match(await boot(macs[1]!), booted(1))
  writeFileSync(join(folder, 'data/profiles/node.json'), JSON.stringify({ id: 'node', ignition_id: 'node.ign', boot: { kernel: '/assets/other', initrd: [], args: [] } }))
  await until('edits are seen', () => ask('/ipxe?x=y').includes('/assets/other'))
  process.kill(running.child.pid!, 'SIGTERM')
  t.equal(await running.ended, 0)
})

t.test('a link of the store that leads to such a disk is one problem, and all else is read', async t => {
  if (!able(t, namespaceProblem() ?? silentDiskProblem()) || !needs(t, 'nsenter', 'curl')) return
  const { folder, stranger, serve, boot } = layOut(t)
  mkdirSync(join(folder, 'far'))
  symlinkSync(join(folder, 'far/a.json'), join(folder, 'data/groups/a.json'))
  const running = await serve(mountSilent(`${folder}/far`))
  t.match(await boot(macs[0]!), booted(0))
  t.match(stranger.exec('curl', '-s', 'http://172.30.0.1:8080/readyz'), /^(?:.*\n)*groups\/a\.json: \S+\/a\.json does not answer/)
  writeFileSync(join(folder, 'data/profiles/node.json'), JSON.stringify({ id: 'node', ignition_id: 'node.ign', boot: { kernel: '/assets/other', initrd: [], args: [] } }))
  await until('edits are seen', () => stranger.exec('curl', '-s', 'http://172.30.0.1:8080/ipxe?x=y').includes('/assets/other'))
  process.kill(running.child.pid!, 'SIGTERM')
  t.equal(await running.ended, 0)
})

t.test('nor does the disk of the state, of which /readyz tells; and a stop comes to its end', async t => {
  if (!able(t, namespaceProblem() ?? silentDiskProblem()) || !needs(t, 'nsenter', 'curl')) return
  const { folder, stranger, serve, boot } = layOut(t)
  const running = await serve()
  const ready = (): string => stranger.exec('curl', '-s', 'http://172.30.0.1:8080/readyz')
  const heal = silence(running.child.pid!, `${folder}/state`)
  t.match(await boot(macs[0]!), booted(0), 'its address is reserved')
  await running.line(/"msg":"state\.silent"/, 60_000)
  t.match(ready(), /state_path: \S+state does not answer: [^:]*: no address of a range is given/)
  heal()
  await running.line(/"msg":"state\.answers"/, 60_000)
  await until('it is ready', () => /^ok$/m.test(ready()))
  silence(running.child.pid!, `${folder}/state`)
  t.match(await boot(macs[1]!), booted(1))
  process.kill(running.child.pid!, 'SIGTERM')
  t.equal(await running.ended, 0)
})
