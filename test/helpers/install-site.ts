// Where a test installs the program: a Debian that boots systemd, on the bridge br0 of a namespace without a way out, and the bundle.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test } from 'tap'
import { BundleBuilds, type ChangeFile, theBundle } from './bundle.js'
import { Container, type StartedService } from './container.js'
import { NetworkNamespace, namespaceProblem } from './netns.js'
import { able, needs, needsRoot } from './tools.js'

export interface InstallSite {
  /** Of this site alone, removed with it. */
  readonly folder: string
  /** With `br0`, on which the machine is, and clients can be. */
  readonly network: NetworkNamespace
  readonly machine: Container
  /** The machine's /. */
  readonly root: string
  /** The bundle's tarball. */
  readonly tarball: string
  /** Puts a build of the bundle, with an edit of it where one is given, to /root/VERSION of the machine. */
  readonly place: (version: string, edit?: (change: ChangeFile) => void) => void
}

/** Where the machine is on `br0`. */
export const machineAddress = '192.168.100.2'

/** Whether this machine has what a site takes, and `tools`. */
export function canInstall (t: Test, ...tools: readonly string[]): boolean {
  return needs(t, 'systemd-nspawn', 'debootstrap', 'nsenter', 'ip', ...tools) && needsRoot(t) &&
    able(t, process.arch === 'x64' && existsSync('/etc/debian_version') ? namespaceProblem() : 'needs Debian on x86-64')
}

/** Boots the machine; it ends with the test. `starts`: the services that it starts with. */
export async function installSite (t: Test, starts: readonly StartedService[] = []): Promise<InstallSite> {
  const tarball = await theBundle()
  const folder = mkdtempSync(join(tmpdir(), 'install-'))
  const network = new NetworkNamespace()
  let container: Container | undefined
  t.teardown(async () => {
    await container?.close()
    await network.close()
    rmSync(folder, { recursive: true, force: true })
  })
  network.bridge('br0')
  const root = join(folder, 'root')
  const machine = container = await Container.boot(network, { bridge: 'br0', address: `${machineAddress}/24`, root, starts })
  let builds: BundleBuilds | undefined
  const place: InstallSite['place'] = (version, edit) => {
    builds ??= new BundleBuilds(tarball, join(root, 'root/whole'))
    builds.place(join(root, 'root', version), version, edit)
  }
  return { folder, network, machine, root, tarball, place }
}
