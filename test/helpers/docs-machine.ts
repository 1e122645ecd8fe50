// A machine as the documentation has it: this one's files under an overlay of its own, which ends with it, on a network of its own
// where it is 192.168.100.2 on ens192. Needs root and overlayfs.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { builtProgram, bundledProgram } from './built.js'
import { projectRoot } from './project.js'
import { namespaceProblem, NetworkNamespace, type Running, watch } from './netns.js'
import { runTool } from './tools.js'

const layOut = `set -e
mount --make-rprivate /
mount -t tmpfs none "$1"
cd "$1"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" root
cd root
mount -t proc proc proc
mount --rbind /dev dev
mount --rbind /sys sys
mount -t tmpfs none run
mount -t tmpfs none tmp
# A working tree on a file system of its own, or below /tmp.
if [ ! -e ".$2/package.json" ]; then mkdir -p ".$2"; mount --rbind "$2" ".$2"; fi
rm -rf etc/core-provisioner etc/matchbox var/lib/matchbox var/lib/core-provisioner opt/core-provisioner usr/local/bin/core-provisioner
exec chroot . /bin/sh -c 'echo laid out; exec sleep 100000'`

export interface Done { readonly code: number | null, readonly out: string }

/** Why it can't be made here, undefined when it can. */
export function docsMachineProblem (): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  return /\toverlay$/m.test(readFileSync('/proc/filesystems', 'utf8')) ? namespaceProblem() : 'the kernel has no overlayfs'
}

export class DocsMachine {
  readonly network: NetworkNamespace
  readonly #holder: Running
  readonly #running: Running[] = []

  private constructor (network: NetworkNamespace, holder: Running) {
    this.network = network
    this.#holder = holder
  }

  static async make (t: Test): Promise<DocsMachine> {
    // Some documents start that, by its name in the tree.
    builtProgram()
    const folder = mkdtempSync(join(tmpdir(), 'cp-docs-'))
    const network = new NetworkNamespace()
    t.teardown(async () => {
      await network.close()
      rmSync(folder, { recursive: true, force: true })
    })
    network.bridge('ens192', '192.168.100.2/24')
    network.ip('address', 'add', '192.168.100.5/24', 'dev', 'ens192')
    const holder = network.join('unshare', '--mount', 'sh', '-c', layOut, 'sh', folder, projectRoot)
    await holder.line(/laid out/)
    const machine = new DocsMachine(network, holder)
    await machine.sh(`cd "$1"
getent group matchbox >/dev/null || groupadd --system matchbox
getent passwd matchbox >/dev/null || useradd --system --gid matchbox --home-dir /var/lib/matchbox --shell /usr/sbin/nologin matchbox
printf '#!/bin/sh\\nexec "$@"\\n' >/usr/local/bin/sudo
printf '#!/bin/sh\\nexec %s %s "$@"\\n' "$2" "$3" >/usr/local/bin/core-provisioner
chmod +x /usr/local/bin/sudo /usr/local/bin/core-provisioner
echo '192.168.100.5 matchbox.example.com' >>/etc/hosts
install -d -o matchbox -g matchbox /var/lib/matchbox /var/lib/matchbox/assets /var/lib/core-provisioner
install -d /etc/core-provisioner /etc/matchbox /run/core-provisioner`, projectRoot, process.execPath, bundledProgram())
    return machine
  }

  /** Without a .bashrc: bash -c whose standard input is a socket, as Node's pipes are, takes itself for rshd's child and reads root's of this machine. */
  #enter (script: string, args: readonly string[]): readonly string[] {
    const pid = String(this.#holder.child.pid)
    return ['--mount', '--net', '--root', '--wd', '--target', pid, '--', 'env', '-i', 'HOME=/root', 'LC_ALL=C.UTF-8', 'CHECKPOINT_DISABLE=1',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'bash', '--norc', '-c', script, 'bash', ...args]
  }

  /** Runs a script of bash to its end. */
  async run (script: string, ...args: readonly string[]): Promise<Done> {
    const { code, stdout, stderr } = await runTool('nsenter', this.#enter(script, args), { timeout: 600_000 })
    return { code, out: `${stdout.toString()}${stderr}` }
  }

  /** The same; rejects when it fails. */
  async sh (script: string, ...args: readonly string[]): Promise<string> {
    const { code, out } = await this.run(`set -e\n${script}`, ...args)
    if (code !== 0) throw new Error(`${script}: ${code}: ${out}`)
    return out
  }

  async write (path: string, text: string): Promise<void> {
    await this.sh('mkdir -p "$(dirname "$1")" && printf %s "$2" >"$1"', path, text)
  }

  /** Starts something that goes on until `close` or the machine's end. */
  start (script: string, ...args: readonly string[]): Running {
    const running = watch(spawn('nsenter', [...this.#enter(script, args)], { stdio: ['pipe', 'pipe', 'pipe'] }))
    this.#running.push(running)
    return running
  }

  /** Ends all that was started. */
  async stop (): Promise<void> {
    for (const { child } of this.#running) child.kill('SIGTERM')
    await Promise.all(this.#running.splice(0).map(async ({ ended }) => await ended))
  }
}
