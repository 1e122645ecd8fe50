// A Debian of the smallest kind that boots systemd, on a bridge of a test's namespace: what an operator's machine is to
// install.sh. Made by debootstrap once and copied for each boot. Needs root, systemd-container and debootstrap.
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { projectRoot } from './project.js'
import { type NetworkNamespace, type Running, watch } from './netns.js'
import { runTool, type ToolResult } from './tools.js'

const cache = join(projectRoot, '.cache/debian-root')
/** What a test runner sets is for this machine. */
const clean = ['env', '-i', 'HOME=/root', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']
/** All that any test wants of it: one root for all, made once. */
const packages = ['systemd', 'systemd-sysv', 'dbus', 'iproute2', 'dnsmasq-base', 'firewalld', 'iptables', 'keepalived', 'libpam-systemd', 'netbase', 'nftables']
/** What starts with it only where a test asks for it. */
const services = ['firewalld', 'keepalived'] as const
export type StartedService = typeof services[number]

/** Its root too: where this program itself runs in a chroot, that of the container's mounts is another one. */
const inside = (leader: string): readonly string[] => ['--all', '--root', '--wd', '--target', leader]

/** The folder of an installed Debian of this machine's release; the only thing here that uses the network. */
export async function debianRoot (): Promise<string> {
  const release = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable'
  const root = join(cache, [release, ...packages].join('+'))
  await mkdir(cache, { recursive: true })
  // Tests that ask at the same time share one.
  const made = await runTool('flock', [cache, 'sh', '-ec',
    '[ ! -e "$1" ] || exit 0; rm -rf "$1.half"; debootstrap --variant=minbase "--include=$2" "$3" "$1.half"; rm -r "$1.half/var/cache/apt/archives"; mv "$1.half" "$1"',
    'sh', root, packages.join(','), release], { timeout: 900_000 })
  if (made.code !== 0) throw new Error(`debootstrap: ${made.stdout.toString().slice(-1000)}${made.stderr}`)
  return root
}

/**
 * Control groups of its own, by the name $0, whichever hierarchies there are: machines that run at the same time would have the same one for
 * a service, and the systemd of one would find processes of the other in it that it can neither see nor end.
 */
const apart = 'for at in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do if [ -w $at/cgroup.procs ]; then mkdir -p $at/$0 && echo $$ >$at/$0/cgroup.procs; fi; done; exec "$@"'
const unapart = 'for at in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do if [ -d $at/$0 ]; then find $at/$0 -depth -type d -exec rmdir {} +; fi; done'

export class Container {
  /** Its / as this machine sees it. */
  readonly root: string
  /** The first process of it. */
  readonly leader: string
  readonly #name: string
  readonly #children: Running[] = []

  private constructor (root: string, leader: string, name: string) {
    this.root = root
    this.#name = name
    this.leader = leader
  }

  /** Boots a copy at `root`, with `host0` on the bridge and the address there; `starts` are those of `services` that start with it. */
  static async boot (
    network: NetworkNamespace, { bridge, address, root, starts = [] }: { bridge: string, address: string, root: string, starts?: readonly StartedService[] }
  ): Promise<Container> {
    execFileSync('cp', ['--archive', '--reflink=auto', await debianRoot(), root])
    // Masked, as an administrator has it who wants none: nobody starts it by asking for it.
    for (const name of services) if (!starts.includes(name)) symlinkSync('/dev/null', join(root, `etc/systemd/system/${name}.service`))
    const running = network.join('sh', '-c', apart, network.name, 'systemd-nspawn', '--quiet', `--directory=${root}`, `--machine=${network.name}`, '--register=no', '--keep-unit',
      '--resolv-conf=off', '--link-journal=no', `--network-bridge=${bridge}`, '--boot', 'systemd.unit=multi-user.target', 'systemd.log_color=0')
    await running.line(/Reached target .*multi-user\.target/)
    const pid = running.child.pid ?? 0
    // nsenter has become systemd-nspawn, whose child is the container's first process.
    const leader = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0] ?? ''
    if (leader === '') throw new Error(`no process in the container:\n${running.output()}`)
    const container = new Container(root, leader, network.name)
    await container.sh(`ip link set host0 up && ip address add ${address} dev host0`)
    return container
  }

  /** Runs a shell command inside to its end. */
  async run (command: string, timeout = 600_000): Promise<ToolResult> {
    return await runTool('nsenter', [...inside(this.leader), '--', ...clean, '/bin/sh', '-c', command], { timeout })
  }

  /** What a shell command inside prints; rejects when it fails. */
  async sh (command: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(command)
    if (code !== 0) throw new Error(`${command}: ${code}: ${stderr}${stdout.toString()}`)
    return stdout.toString().trim()
  }

  /** Starts a shell command inside, which goes on until the container's end. */
  start (command: string): Running {
    const running = watch(spawn('nsenter', [...inside(this.leader), '--', ...clean, '/bin/sh', '-c', command]))
    this.#children.push(running)
    return running
  }

  /** Follows the journal of a unit from now on, after the last few lines of it. */
  async follow (unit: string, lines = 1): Promise<Running> {
    const running = watch(spawn('nsenter', [...inside(this.leader), '--', 'journalctl', '--follow', `--lines=${lines}`, '--output=cat', `--unit=${unit}`]))
    this.#children.push(running)
    await running.next()
    return running
  }

  /** Ends the container: with its first process all of its processes end, whoever started them. */
  async close (): Promise<void> {
    process.kill(Number(this.leader), 'SIGKILL')
    await Promise.all(this.#children.map(async ({ ended }) => await ended))
    // What ends is gone from its control groups a moment later: one that stays is empty.
    await runTool('sh', ['-c', unapart, this.#name])
  }
}
