// What a machine boots from in a network namespace: a store with one profile for all, a loader for TFTP, addresses for machines that are
// named, and a bridge that the service stands on.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { NetworkNamespace } from './netns.js'
import { shortFolder } from './short-folder.js'

export interface BootFilesOptions {
  /** Below /assets/; that file is the caller's. */
  readonly kernel: string
  /** Of the configuration. */
  readonly dhcp: object
  /** Further keys of the configuration, or other values. */
  readonly config?: object
}

export interface BootSiteOptions extends Omit<BootFilesOptions, 'dhcp'> {
  /** They have 172.30.0.41 and the next ones. */
  readonly macs: readonly string[]
}

export interface BootSite {
  readonly folder: string
  readonly config: string
  /** In it is br0, with 172.30.0.1/16. */
  readonly space: NetworkNamespace
}

/** The files of a site in an empty folder; gives the configuration's. */
export function writeBootFiles (folder: string, { kernel, dhcp, config = {} }: BootFilesOptions): string {
  for (const name of ['data/groups', 'data/profiles', 'data/ignition', 'assets', 'tftp', 'state']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'tftp/snponly.efi'), Buffer.alloc(200_000))
  writeFileSync(join(folder, 'data/profiles/node.json'), JSON.stringify({ id: 'node', ignition_id: 'node.ign', boot: { kernel: `/assets/${kernel}`, initrd: [], args: [] } }))
  writeFileSync(join(folder, 'data/groups/node.json'), JSON.stringify({ id: 'node', profile: 'node' }))
  writeFileSync(join(folder, 'data/ignition/node.ign'), '{"ignition":{"version":"3.4.0"}}')
  const file = join(folder, 'config.yaml')
  writeFileSync(file, JSON.stringify({
    data_path: join(folder, 'data'),
    assets_path: join(folder, 'assets'),
    state_path: join(folder, 'state'),
    control_socket: join(folder, 'c'),
    rpc: { address: '' },
    tftp: { root: join(folder, 'tftp') },
    dhcp,
    ...config
  }))
  return file
}

/** Both are gone with the test. */
export function layOutBootSite (t: Test, { macs, ...options }: BootSiteOptions): BootSite {
  const folder = shortFolder(t)
  const reservations = macs.map((mac, n) => ({ mac, ip: `172.30.0.${41 + n}` }))
  const config = writeBootFiles(folder, { ...options, dhcp: { mode: 'server', interface: 'br0', subnets: [{ subnet: '172.30.0.0/16' }], reservations } })
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/16')
  return { folder, config, space }
}
