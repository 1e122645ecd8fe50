// What a first boot needs, made in a folder of its own and gone with it: a store of one group and one profile, the images, and a
// configuration; and the same as it would be written down to stay.
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { constants } from 'node:fs'
import { AppError, messageOf } from '../base/errors.js'
import type { Subnet } from '../net/ipv4.js'
import { formatIpv4, formatSubnet } from '../net/ipv4.js'

export interface Booted { readonly kernel: string, readonly initrd: readonly string[], readonly args: readonly string[] }

/** `server`: gives the addresses itself; without it the network's own server does. */
export interface Wish { readonly interfaceName: string, readonly server: Subnet | undefined }

/** Half of the subnet, which leaves the first half to whoever has addresses there already. */
function rangeOf ({ network, prefix }: Subnet): string {
  const size = 2 ** (32 - prefix)
  return `${formatIpv4((network + size / 2) >>> 0)}-${formatIpv4((network + size - 2) >>> 0)}`
}

const dhcpText = ({ interfaceName, server }: Wish): string => `dhcp:
  mode: ${server === undefined ? 'proxy' : 'server'}
  interface: ${JSON.stringify(interfaceName)}
${server === undefined ? '' : `  unknown_clients: allow\n  subnets: [{ subnet: ${formatSubnet(server)}, range: ${rangeOf(server)} }]\n`}`

const storeFiles = (boot: Booted): Readonly<Record<string, string>> => ({
  'groups/default.json': JSON.stringify({ id: 'default', name: 'every machine', profile: 'first' }, undefined, 2),
  'profiles/first.json': JSON.stringify({ id: 'first', name: 'a first boot', boot }, undefined, 2)
})

export interface Site { readonly configFile: string, readonly assets: string, readonly control: string }

/** The folders, before anything is in them. */
export async function openSite (folder: string): Promise<Site> {
  for (const name of ['data/groups', 'data/profiles', 'data/assets', 'state', 'tftp']) await mkdir(join(folder, name), { recursive: true })
  return { configFile: join(folder, 'config.yaml'), assets: join(folder, 'data/assets'), control: join(folder, 'control.sock') }
}

export async function writeSite (folder: string, site: Site, wish: Wish, boot: Booted, assets: string): Promise<void> {
  for (const [name, text] of Object.entries(storeFiles(boot))) await writeFile(join(folder, 'data', name), `${text}\n`)
  await writeFile(site.configFile, `data_path: ${JSON.stringify(join(folder, 'data'))}
assets_path: ${JSON.stringify(assets)}
state_path: ${JSON.stringify(join(folder, 'state'))}
control_socket: ${JSON.stringify(site.control)}
rpc: { address: "" }
tftp: { root: ${JSON.stringify(join(folder, 'tftp'))} }
${dhcpText(wish)}`)
}

/** A URL as it is; a file of this machine copied to where machines can fetch it, by reference where the file system can. */
export async function placed (source: string, assets: string): Promise<string> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) return source
  const name = basename(source)
  await mkdir(join(assets, 'try'), { recursive: true })
  try {
    await copyFile(source, join(assets, 'try', name), constants.COPYFILE_FICLONE)
  } catch (error) {
    throw new AppError('read_failed', `cannot take ${source}: ${messageOf(error)}`, { cause: error })
  }
  return `/assets/try/${encodeURIComponent(name)}`
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

/** What would make it permanent, for a person to take and change. */
export function permanently (wish: Wish, boot: Booted, image: string | undefined): string {
  const taken = [boot.kernel, ...boot.initrd].some(url => url.startsWith('/assets/try/'))
  return [
    '# /etc/core-provisioner/config.yaml',
    dhcpText(wish).trimEnd(),
    ...image === undefined ? [] : [`images:\n  sources: [{ os: ${image} }]`],
    ...Object.entries(storeFiles(boot)).flatMap(([name, text]) => ['', `# /var/lib/matchbox/${name}`, text]),
    ...taken ? ['', '# kernel and initrd belong into /var/lib/matchbox/assets/try/'] : []
  ].join('\n')
}
