// The loader files of TFTP and UEFI HTTP Boot: the owner's folder first, then what is made when asked for, then what the
// program and the distribution bring.
import { stat } from 'node:fs/promises'
import { bootFolders } from '../base/bundled.js'
import type { Clock } from '../base/clock.js'
import { errnoOf } from '../base/errors.js'
import type { Config } from '../config/load.js'
import { raspberryPiFiles } from '../loaders/raspberry-pi.js'
import { shimImages } from '../loaders/shim-image.js'
import { type OwnLoaders, ownOrSpare } from '../loaders/spare-loaders.js'
import { alone, type Fallbacks } from '../matchbox/fallbacks.js'
import { createLoaderFiles, type LoaderFiles, type OnDecided } from '../matchbox/loader-files.js'
import type { AddressClaims } from '../machines/address-claims.js'
import type { Provisioner } from '../matchbox/provisioner.js'
import type { Mac } from '../net/mac.js'
import { Readers } from '../disk/disk-file.js'
import { DiskTurns } from '../disk/disk-turns.js'
import { FileCache } from '../disk/file-cache.js'
import { type FileSource, firstOf, storedFiles } from '../tftp/file-source.js'
import { memoryFile } from '../disk/open-file.js'
import { bootConfig } from './dhcp-settings.js'

/** Boot loaders are small and asked for by everybody at once. Bytes. */
export const loaderCache = { memory: 64 * 2 ** 20, largest: 8 * 2 ** 20 }

export interface LoaderFilesParts {
  readonly config: Config
  readonly clock: Clock
  /** Where the machine at an address finds the HTTP API. */
  readonly originFor: (client: string) => string
  readonly provisioner: Provisioner
  readonly macOf: (address: string) => Mac | undefined
  /** Fulfilled when it is known who was given the address, before files are made for it. */
  readonly hear?: AddressClaims['hear']
  /** Whether the machine may be an x86 one with BIOS; all may without it. */
  readonly mayBeBios?: (mac: Mac) => boolean
  /** Who else serves the same. */
  readonly fallbacks?: Fallbacks
  readonly onDecided?: OnDecided
  /** At the disk of the assets. */
  readonly assetTurns?: DiskTurns
}

/** Loaders on disk, whoever put them there: the owner's folder first, then what the program and the distribution bring. */
function storedLoaders (
  { tftp }: Config, clock: Clock, memory: number = loaderCache.memory
): { readonly own: OwnLoaders, readonly bundled: FileSource } {
  const shared = { trusted: bootFolders(), cache: new FileCache({ ...loaderCache, memory, clock }), readers: new Readers(), clock }
  const turns = new DiskTurns(tftp.root, clock)
  return {
    own: { files: storedFiles({ ...shared, roots: [tftp.root], turns }), turns, isShut: () => turns.take(() => isShut(tftp.root)) },
    bundled: storedFiles({ ...shared, roots: bootFolders() })
  }
}

/** Whether no name in it may be looked up. */
const isShut = (folder: string): Promise<boolean> =>
  stat(`${folder}/.`).then(() => false, (error: unknown) => ['EACCES', 'EPERM'].includes(errnoOf(error)))

/** The same as one source, for who only looks. `memory`: octets that it may keep. */
export function loadersOnDisk (config: Config, clock: Clock, memory?: number): FileSource {
  const { own, bundled } = storedLoaders(config, clock, memory)
  return ownOrSpare(own, bundled, clock)
}

export function loaderFiles (options: LoaderFilesParts): FileSource {
  const { config, clock, originFor, provisioner, macOf, hear, mayBeBios = () => true, fallbacks = alone, onDecided, assetTurns } = options
  const { own, bundled } = storedLoaders(config, clock)
  const stored = ownOrSpare(own, bundled, clock)

  const makerFor = (client: string): LoaderFiles => {
    const origin = originFor(client)
    const { scriptUrl } = bootConfig(config, origin)
    const { resilient } = config.boot
    return createLoaderFiles({ bootOf: provisioner.settledBootOf, scriptUrl, origin, resilient, fallbacks, ...onDecided && { onDecided } })
  }
  const made: FileSource = {
    open: async (name, request) => {
      const hasMenu = async (folder: string): Promise<boolean> => {
        const menu = await stored.open(`${folder}menu.c32`, request)
        await menu?.close()
        return menu !== undefined
      }
      const mac = macOf(request.client)
      const { client } = request
      const content = await makerFor(client)({ name, mac, client, x86Bios: mac === undefined || mayBeBios(mac), hasMenu })
      return content === undefined ? undefined : memoryFile(`${name} (made)`, content)
    }
  }
  const whenHeard = (files: FileSource): FileSource => ({
    open: async (name, request) => {
      await hear?.(undefined, request.client)
      return await files.open(name, request)
    }
  })
  const images = config.assets_path === '' ? undefined : assets(config, clock, assetTurns)
  const boards = raspberryPiFiles({ folder: config.boot.raspberry_pi, stored, assets: images, provisioner, macOf, originFor, onDecided })
  const shims = shimImages({ files: stored, originFor })
  return ownOrSpare(own, firstOf([whenHeard(made), shims, bundled, whenHeard(boards), ...images === undefined ? [] : [images]]), clock)
}

/** Images under the names that scripts have for them, for loaders that know no HTTP (U-Boot). What is not verified is not there. */
function assets ({ assets_path: root }: Config, clock: Clock, turns: DiskTurns | undefined): FileSource {
  const stored = storedFiles({ roots: [root], cache: new FileCache({ memory: 0, clock }), readers: new Readers(), clock, turns })
  return {
    open: async (name, request) => {
      const [top, ...path] = name.split('/')
      return top !== 'assets' || path.includes('.partial') ? undefined : await stored.open(path.join('/'), request)
    }
  }
}
