// What a first boot needs, made in a folder of its own and gone with it: a store of one group and one profile, the images, and a
// configuration.
import { copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { constants } from 'node:fs'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { writeError } from '../disk/atomic-file.js'
import type { Subnet } from '../net/ipv4.js'
import { formatIpv4, formatSubnet } from '../net/ipv4.js'

export interface Booted {
  readonly kernel: string
  readonly initrd: readonly string[]
  readonly args: readonly string[]
  /** Files of this machine, by their names below `assets/try`. */
  readonly taken?: ReadonlyMap<string, string>
}

/** `server`: gives the addresses itself; without it the network's own server does. */
export interface Wish { readonly interfaceName: string, readonly server: Subnet | undefined }

/** Half of the subnet, which leaves the first half to whoever has addresses there already. */
function rangeOf ({ network, prefix }: Subnet): string {
  const size = 2 ** (32 - prefix)
  return `${formatIpv4((network + size / 2) >>> 0)}-${formatIpv4((network + size - 2) >>> 0)}`
}

/** Without the gRPC API, which wants certificates. */
export const settingsOf = ({ interfaceName, server }: Wish): Record<string, unknown> => ({
  rpc: { address: '' },
  dhcp: {
    mode: server === undefined ? 'proxy' : 'server',
    interface: interfaceName,
    ...server !== undefined && { unknown_clients: 'allow', subnets: [{ subnet: formatSubnet(server), range: rangeOf(server) }] }
  }
})

export const storeFiles = ({ kernel, initrd, args }: Booted): Readonly<Record<string, string>> => ({
  'groups/default.json': JSON.stringify({ id: 'default', name: 'every machine', profile: 'first' }, undefined, 2),
  'profiles/first.json': JSON.stringify({ id: 'first', name: 'a first boot', boot: { kernel, initrd, args } }, undefined, 2)
})

export interface Site { readonly configFile: string, readonly assets: string, readonly control: string }

/** The folders, before anything is in them. AppError write_failed or disk_full. */
export async function openSite (folder: string): Promise<Site> {
  for (const name of ['data/groups', 'data/profiles', 'data/assets', 'state', 'tftp']) {
    const path = join(folder, name)
    await mkdir(path, { recursive: true }).catch((error: unknown) => { throw writeError(path, error) })
  }
  return { configFile: join(folder, 'config.yaml'), assets: join(folder, 'data/assets'), control: join(folder, 'control.sock') }
}

/** AppError write_failed or disk_full. */
export async function writeSite (folder: string, site: Site, wish: Wish, boot: Booted): Promise<void> {
  for (const [name, text] of Object.entries(storeFiles(boot))) await written(join(folder, 'data', name), `${text}\n`)
  // JSON is YAML too.
  await written(site.configFile, JSON.stringify({
    data_path: join(folder, 'data'),
    assets_path: site.assets,
    state_path: join(folder, 'state'),
    control_socket: site.control,
    tftp: { root: join(folder, 'tftp') },
    ...settingsOf(wish)
  }))
}

const written = async (path: string, text: string): Promise<void> => {
  await writeFile(path, text).catch((error: unknown) => { throw writeError(path, error) })
}

/** Files of this machine, copied to where machines fetch them, by reference where the file system can; URLs stay as they are. */
export class TakenFiles {
  readonly #folder: string
  /** Where each came from. */
  readonly sources = new Map<string, string>()

  constructor (assets: string) { this.#folder = join(assets, 'try') }

  /** What machines are told; AppError read_failed, write_failed or disk_full. */
  async take (source: string): Promise<string> {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) return source
    const name = this.#nameFor(basename(source))
    try {
      if (!(await stat(source)).isFile()) throw new AppError('read_failed', `cannot take ${source}: it is no file`)
      await mkdir(this.#folder, { recursive: true })
      await copyFile(source, join(this.#folder, name), constants.COPYFILE_FICLONE)
    } catch (error) {
      if (error instanceof AppError) throw error
      if (['ENOSPC', 'EDQUOT'].includes(errnoOf(error))) throw writeError(this.#folder, error)
      throw new AppError('read_failed', `cannot take ${source}: ${messageOf(error)}`, { cause: error })
    }
    this.sources.set(name, resolve(source))
    return `/assets/try/${encodeURIComponent(name)}`
  }

  /** Kernel and initrd may be called the same in folders of their own. */
  #nameFor (name: string): string {
    for (let n = 2, free = name; ; free = `${n++}-${name}`) if (!this.sources.has(free)) return free
  }
}

/** What a release that is published below `assets` boots; `path` as `/assets/flatcar/4230.2.1`. `origin` is for what is fetched by URL. */
export async function bootOf (assets: string, path: string, origin: string): Promise<Booted> {
  const names = (await readdir(join(assets, path.slice('/assets/'.length)))).filter(name => !/\.(?:sig|asc|json)$/.test(name)).sort()
  const one = (pattern: RegExp): string | undefined => names.find(name => pattern.test(name))
  const kernel = one(/vmlinuz$|live-kernel/)
  const initrd = one(/image\.cpio\.gz$|live-initramfs/)
  if (kernel === undefined || initrd === undefined) throw new AppError('image_metadata_invalid', `${path} holds no kernel and initrd that are known: ${names.join(', ')}`)
  const rootfs = one(/live-rootfs/)
  return {
    kernel: `${path}/${kernel}`,
    initrd: [`${path}/${initrd}`],
    args: rootfs === undefined
      ? ['flatcar.first_boot=1', 'flatcar.autologin', 'console=tty0', 'console=ttyS0']
      : [`initrd=${initrd}`, `coreos.live.rootfs_url=${origin}${path}/${rootfs}`, 'ignition.firstboot', 'ignition.platform.id=metal', 'console=tty0', 'console=ttyS0']
  }
}
