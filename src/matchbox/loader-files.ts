// The files that boot loaders ask for by fixed names, made when asked for: PXELINUX's and GRUB's configuration and iPXE's
// autoexec.ipxe. They are found in every folder, since each loader looks for its own beside where it was loaded from.
import { Buffer } from 'node:buffer'
import { type Mac, parseMac } from '../net/mac.js'
import { goBytes } from '../go/string.js'
import { alone, bootsInTurn, type Fallbacks } from './fallbacks.js'
import { renderLocalGrub } from './local-boot.js'
import { resilientFor } from './document-bodies.js'
import type { MachineBoot, Provisioner } from './provisioner.js'
import { renderGrubFile, renderGrubHandOver } from './render-grub-file.js'
import { renderAutoexec } from './render-ipxe.js'
import { renderDisk, renderKernel, renderPxelinux } from './render-pxelinux.js'

export interface LoaderFilesOptions {
  readonly bootOf: Provisioner['bootOf'] | Provisioner['settledBootOf']
  /** Absolute URL of iPXE's first script. */
  readonly scriptUrl: string
  /** Where the HTTP API is, from the outside: `http://192.168.100.2:8080`. */
  readonly origin: string
  /** Whether scripts are the resilient ones where neither group nor profile says. */
  readonly resilient: boolean
  /** Who else serves the same. */
  readonly fallbacks?: Fallbacks
  /** Told what was decided for a machine, whose loader asked from `client` for a file that says what to boot. */
  readonly onDecided?: OnDecided
}

export type OnDecided = (file: string, client: string, decided: MachineBoot) => void

export interface LoaderFileRequest {
  /** A normalised name: relative, '/' between its parts. */
  readonly name: string
  /** Whose address it is asked from, when that is known. */
  readonly mac: Mac | undefined
  /** The address it is asked from. */
  readonly client: string
  /** False for a machine that is known not to be an x86 one with BIOS: U-Boot and petitboot read PXELINUX's files too. */
  readonly x86Bios?: boolean
  /** Whether PXELINUX's menu.c32 is there in `folder`. */
  readonly hasMenu: (folder: string) => Promise<boolean>
}

/** The file of that name for that machine; undefined for a name that is none of these. */
export type LoaderFiles = (request: LoaderFileRequest) => Promise<Buffer | undefined>

interface LoaderFileContext {
  readonly client: string
  readonly mac: Mac | undefined
  readonly uuid: string | undefined
  readonly x86Bios: boolean
  /** With a slash at its end, or ''. */
  readonly folder: string
  readonly decided: MachineBoot
  readonly options: LoaderFilesOptions
  readonly hasMenu: (folder: string) => Promise<boolean>
}

interface Kind {
  readonly name: RegExp
  /** Whether the loader does what the file says; autoexec.ipxe leads to a script that says it. */
  readonly decides?: boolean
  readonly make: (asked: LoaderFileContext) => string | undefined | Promise<string | undefined>
}

async function pxelinux (asked: LoaderFileContext): Promise<string | undefined> {
  const { folder, decided: { fromDisk, boot }, mac, uuid, options: { scriptUrl } } = asked
  if (asked.x86Bios) return renderPxelinux({ scriptUrl, fromDisk, folder, menu: await asked.hasMenu(folder) })
  if (fromDisk !== undefined) return renderDisk(fromDisk.why)
  return boot === undefined ? undefined : renderKernel(boot, { mac, uuid })
}

const grub = ({ client, decided: { fromDisk, boot }, mac, uuid, options: { origin, fallbacks = alone } }: LoaderFileContext): string => {
  if (fromDisk !== undefined) return renderLocalGrub(fromDisk.why)
  if (boot === undefined) return renderGrubHandOver(origin)
  const others = fallbacks.others(client)
  const [, ...boots] = bootsInTurn(boot, fallbacks, client)
  return renderGrubFile(boot, { origin, mac, uuid }, boots.map((boot, n) => ({ boot, origin: others[n]!.origin })))
}

/** A first script that is elsewhere than here is that of all provisioners. */
const scriptUrls = ({ client, options: { origin, scriptUrl, fallbacks = alone } }: LoaderFileContext): readonly string[] =>
  scriptUrl === `${origin}/boot.ipxe` ? [scriptUrl, ...fallbacks.others(client).map(({ origin }) => `${origin}/boot.ipxe`)] : [scriptUrl]

/** `%` stands for a MAC address with hyphens, `#` for a UUID. */
const pattern = (text: string): RegExp => new RegExp(`^(?<folder>(?:.*/)?)${text
  .replace('%', '01-(?<mac>[0-9a-f]{2}(?:-[0-9a-f]{2}){5})').replace('#', '(?<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})')}$`, 'i')

/** A file for one machine is only there when a group matches it, so that its loader goes on to the general one. */
const ifMatched = (make: Kind['make']): Kind['make'] => asked => asked.decided.group === undefined ? undefined : make(asked)

const kinds: readonly Kind[] = [
  { name: pattern('pxelinux\\.cfg/default'), make: pxelinux, decides: true },
  { name: pattern('pxelinux\\.cfg/%'), make: ifMatched(pxelinux), decides: true },
  { name: pattern('pxelinux\\.cfg/#'), make: ifMatched(pxelinux), decides: true },
  { name: pattern('grub\\.cfg'), make: grub, decides: true },
  { name: pattern('grub\\.cfg-%'), make: ifMatched(grub), decides: true },
  {
    name: pattern('autoexec\\.ipxe'),
    make: asked => renderAutoexec(scriptUrls(asked), resilientFor(asked.decided.group, asked.decided.boot, asked.options.resilient))
  }
]

export function createLoaderFiles (options: LoaderFilesOptions): LoaderFiles {
  return async ({ name, mac, client, x86Bios = true, hasMenu }) => {
    for (const kind of kinds) {
      const found = kind.name.exec(name)?.groups
      if (found === undefined) continue
      const labels = new Map<string, string>()
      const named = found['mac'] === undefined ? mac : parseMac(found['mac'])
      if (named !== undefined) labels.set('mac', named)
      if (found['uuid'] !== undefined) labels.set('uuid', found['uuid'].toLowerCase())
      const decided = await options.bootOf({ labels, rawQuery: '', client })
      const text = await kind.make({
        client,
        mac: named,
        uuid: found['uuid']?.toLowerCase(),
        x86Bios,
        folder: found['folder'] ?? '',
        decided,
        options,
        hasMenu
      })
      if (text === undefined) return undefined
      if (kind.decides === true) options.onDecided?.(name, client, decided)
      return goBytes(text)
    }
    return undefined
  }
}
