// The first hour: a Debian that has nothing but systemd, and the commands of docs/install.md, as they stand there, in their order, until three
// machines in QEMU have come from their firmware to a kernel whose Ignition has its config.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { buildInitramfs } from '../../scripts/lib/initramfs.js'
import { readSerial } from '../../scripts/lib/machine-log.js'
import { prepareMachine } from '../../scripts/lib/qemu.js'
import { bundleProblem } from '../helpers/bundle.js'
import { projectRoot } from '../helpers/project.js'
import { blocksBelow, commandsOf } from '../helpers/doc-blocks.js'
import { canInstall, installSite } from '../helpers/install-site.js'
import { type NetworkNamespace, type Running } from '../helpers/netns.js'
import { prepareSandbox, sandboxProblem } from '../helpers/sandbox.js'
import { able } from '../helpers/tools.js'

const doc = 'docs/install.md'
const nodes = ['00:0c:29:bd:7f:ec', '00:0c:29:bd:7f:ed', '00:0c:29:bd:7f:ee']

// The first time a Debian is made, a bundle packed and a kernel fetched.
t.setTimeout(900_000)
const sandbox = sandboxProblem()
const problem = sandbox === false ? bundleProblem() : sandbox
if (canInstall(t) && able(t, problem)) {
  t.test('an empty machine, the commands of docs/install.md, three nodes', firstHour)
}

async function firstHour (t: Test): Promise<void> {
  await prepareSandbox()
  const { folder, network, machine, root, tarball } = await installSite(t)
  await machine.sh('ip link set host0 down && ip link set host0 name ens192 && ip link set ens192 up')
  t.not((await machine.run('command -v node')).code, 0, 'nothing of what it takes is there')
  // What an operator brings: the bundle, and an image. Root is who they are; a Debian of the smallest kind has no sudo.
  await copyFile(tarball, join(root, 'root', basename(tarball)))
  mkdirSync(join(root, 'media'), { recursive: true })
  putImage(join(root, 'media'))
  writeFileSync(join(root, 'usr/local/bin/sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 })
  await machine.sh('echo /root >/run/folder')

  const begun = performance.now()
  const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`
  let watched: Running | undefined
  let serials: readonly string[] = []
  for (const command of blocksBelow(doc, '## From an empty machine to three nodes').filter(({ language }) => language === 'sh').flatMap(commandsOf)) {
    const at = command.split('\n')[0] ?? ''
    const started = performance.now()
    if (command.startsWith('nmcli ')) {
      t.comment(`${at}: the network is as it would leave it`)
      continue
    }
    if (command.startsWith('core-provisioner machines watch')) {
      watched = machine.start(`exec ${command}`)
      continue
    }
    if (command.startsWith('core-provisioner machines wait')) serials = nodes.map((mac, n) => switchOn(network, folder, mac, n))
    writeFileSync(join(root, 'run-this'), command)
    const { code, stdout, stderr } = await machine.run('cd "$(cat /run/folder)" && . /run-this; status=$?; pwd >/run/folder; exit $status')
    if (code !== 0) t.comment([...serials.map(path => readSerial(path).slice(-3000)), watched?.output() ?? ''].join('\n---\n'))
    t.equal(code, 0, `${at}: ${stdout.toString()}${stderr}`)
    if (code !== 0) return
    t.comment(`${seconds(started)}  ${at}`)
  }
  t.comment(`${seconds(begun)}  in all`)

  for (const [n, mac] of nodes.entries()) {
    const serial = readSerial(serials[n] ?? '')
    t.match(serial, /Linux version .*/, `${mac} runs the kernel`)
    t.match(serial, `machine: address 192.168.100.4${n + 1}`, 'with the address of its line in the list')
    for (const stage of ['discover', 'offer', 'ack', 'script', 'kernel', 'initrd', 'ignition']) {
      await watched?.line(new RegExp(`${mac} .*\\b${stage}\\b`))
    }
  }
  t.match(await machine.sh('systemctl is-active core-provisioner'), /^active$/, 'the service runs on')
}

/** A kernel and an initrd that run Ignition, by the names that Flatcar's have. */
function putImage (to: string): void {
  const packages = join(projectRoot, '.cache/packages')
  const kernel = readdirSync(packages).filter(name => /^linux-image-.*-cloud-amd64$/.test(name)).sort().at(-1) ?? ''
  const version = kernel.replace(/^linux-image-/, '')
  writeFileSync(join(to, 'flatcar_production_pxe.vmlinuz'), readFileSync(join(packages, kernel, 'boot', `vmlinuz-${version}`)))
  writeFileSync(join(to, 'flatcar_production_pxe_image.cpio.gz'), buildInitramfs({
    busybox: join(packages, 'busybox-static/bin/busybox'),
    ignition: join(packages, 'ignition/usr/lib/dracut/modules.d/30ignition/ignition'),
    modules: join(packages, kernel, 'lib/modules', version)
  }))
}

/** A blank machine on the bridge; where its serial port writes to. */
function switchOn (network: NetworkNamespace, folder: string, mac: string, n: number): string {
  const tap = `tap${n}`
  network.ip('tuntap', 'add', 'dev', tap, 'mode', 'tap')
  network.ip('link', 'set', tap, 'master', 'br0', 'up')
  const { program, words, serialLog } = prepareMachine({
    name: `core-${n + 1}`, mac, firmware: 'bios', tap, folder, loaderFolder: join(projectRoot, 'assets/boot'), packages: '', accelerator: 'tcg'
  })
  network.join(program, ...words)
  return serialLog
}
