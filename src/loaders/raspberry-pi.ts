// The files of Raspberry Pis, which ask for all of them below their serial number: from a folder that all boards share, made for the
// machine's group, or the profile's images.
import { ownPath } from '../matchbox/ipxe-settings.js'
import type { OnDecided } from '../matchbox/loader-files.js'
import type { Provisioner } from '../matchbox/provisioner.js'
import { boardConfig, boardFile, boardImage, renderBoardFile } from '../matchbox/render-raspberry-pi.js'
import { memoryFile } from '../disk/open-file.js'
import type { Mac } from '../net/mac.js'
import type { FileSource } from '../tftp/file-source.js'

export interface RaspberryPiOptions {
  /** The folder of the boards' firmware, in `stored`. */
  readonly folder: string
  readonly stored: FileSource
  readonly assets: FileSource | undefined
  readonly provisioner: Pick<Provisioner, 'settledBootOf'>
  readonly macOf: (address: string) => Mac | undefined
  /** Where the machine at an address finds the HTTP API. */
  readonly originFor: (client: string) => string
  /** Told what was decided for a board that asks for the file which says what to boot. */
  readonly onDecided?: OnDecided | undefined
}

export const raspberryPiFiles = ({ folder, stored, assets, provisioner, macOf, originFor, onDecided }: RaspberryPiOptions): FileSource => ({
  open: async (name, request) => {
    const asked = boardFile(name)
    if (asked === undefined) return undefined
    const shared = await stored.open(`${folder}/${asked.name}`, request)
    if (shared !== undefined) return shared
    // Its folder tells a board that no lease of ours is known of.
    const mac = asked.mac ?? macOf(request.client)
    const labels = new Map<string, string>()
    if (asked.serial !== undefined) labels.set('serial', asked.serial)
    if (mac !== undefined) labels.set('mac', mac)
    const decided = await provisioner.settledBootOf({ labels, rawQuery: '', client: request.client })
    if (asked.name === boardConfig) onDecided?.(name, request.client, decided)
    const { boot, fromDisk } = decided
    // Without a config.txt or a kernel the board goes on in its own boot order.
    if (boot === undefined || fromDisk !== undefined) return undefined
    const made = renderBoardFile(asked.name, boot, { mac, uuid: undefined }, originFor(request.client))
    if (made !== undefined) return memoryFile(`${name} (made)`, Buffer.from(made))
    const image = boardImage(asked.name, boot)
    const path = image === undefined ? undefined : ownPath(image.url, originFor(request.client))
    return path === undefined ? undefined : await assets?.open(path.slice(1), request)
  }
})
