// How much memory machines need for what profiles boot from /assets/: a live system is held there whole.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { resolveAsset } from '../assets/aliases.js'
import { Links } from '../disk/links.js'
import type { NetBoot } from '../matchbox/profile.js'
import { pinAssets } from '../matchbox/pin-assets.js'
import type { Ground } from '../wiring/ground.js'
import { isOwnHost } from '../wiring/own-hosts.js'
import { type Finding, note, warning } from './finding.js'

const MiB = 2 ** 20
/** What a kernel and its first programs take besides. */
const besides = 512 * MiB

export function diagnoseMemory ({ config, homes, store }: Pick<Ground, 'config' | 'homes' | 'store'>): readonly Finding[] {
  const links = new Links(config.assets_path)
  const isOwn = isOwnHost(config, homes)
  const sizeOf = (initrd: string): number => {
    let bytes = 0
    const resolve = (path: string): string => {
      const file = config.assets_path === '' ? '' : join(config.assets_path, resolveAsset(links, path).slice('/assets/'.length))
      bytes = sizeOfFile(file)
      return path
    }
    pinAssets({ kernel: '', initrd: [initrd], args: [] }, { isOwn, resolve })
    return bytes
  }
  return [...store.snapshot.profiles.values()].flatMap(({ id, boot }) => boot === undefined ? [] : adviceFor(id, boot, sizeOf))
}

/** 0 also for what may not be looked at, as below a file in place of the folder: that is told by who would serve it. */
function sizeOfFile (path: string): number {
  try {
    return statSync(path, { throwIfNoEntry: false })?.size ?? 0
  } catch {
    return 0
  }
}

/** `live-kernel.x86_64` has `live-rootfs.x86_64.img` beside it; up to the releases of 2024 the kernel was `live-kernel-x86_64`. */
const rootfsOf = (kernel: string): string => (kernel.split('/').at(-1) ?? '').replace(/live-kernel[-.](\w+)$/, 'live-rootfs.$1.img')

/** `sizeOf` tells the bytes of an entry of `initrd`, 0 when they are not known. */
export function adviceFor (id: string, boot: NetBoot, sizeOf: (initrd: string) => number): readonly Finding[] {
  // Fedora CoreOS and its kin: "Running Fedora CoreOS directly from RAM", prerequisites.
  if (/\blive-kernel\b/.test(boot.kernel)) {
    const [, url] = boot.args.map(arg => /^coreos\.live\.rootfs_url=(.*)$/.exec(arg)).find(match => match !== null) ?? []
    if (url !== undefined && !/^(?:[a-z]+:\/\/|\$\{)/.test(url)) {
      return [warning('memory', `profile ${id}: coreos.live.rootfs_url=${url} among its boot.args is no whole URL, which the live system asks for: its machines stop early; http:// and this host go before it`)]
    }
    if (url !== undefined) return [note('memory', `profile ${id} boots Fedora CoreOS live: its machines need 2 GiB of memory`)]
    if (boot.initrd.some(initrd => /\blive-rootfs\b/.test(initrd))) {
      return [note('memory', `profile ${id} loads its rootfs as an initrd: its machines need 4 GiB of memory; with coreos.live.rootfs_url= among the arguments in its place 2 GiB do`)]
    }
    return [warning('memory', `profile ${id} boots a live system of Fedora CoreOS and names no rootfs, neither by coreos.live.rootfs_url= nor as an initrd: its machines stop early; add coreos.live.rootfs_url= with the whole URL of ${rootfsOf(boot.kernel)} to its boot.args`)]
  }
  const packed = boot.initrd.reduce((sum, initrd) => sum + sizeOf(initrd), 0)
  if (packed < 256 * MiB) return []
  const needed = Math.ceil((2 * packed + besides) / (512 * MiB)) / 2
  return [note('memory', `profile ${id} has ${Math.round(packed / MiB)} MiB of initrd, which a machine holds packed and unpacked at once: its machines need ${needed} GiB of memory at least`)]
}
