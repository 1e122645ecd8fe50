// Who made a network card, by the first octets of its address: the IEEE's register as this machine's udev has it, and a table of our own of
// the virtual machines and boards that are met most in this trade, for where there is no udev.
import { createReadStream } from 'node:fs'

/** systemd's hardware database: `OUI:0055DA0*` and below it ` ID_OUI_FROM_DATABASE=Shinko Technos`. */
const registers = ['/usr/lib/udev/hwdb.d/20-OUI.hwdb', '/lib/udev/hwdb.d/20-OUI.hwdb']
/** Digits of the assignments that the IEEE makes, the longest first: it sells large, medium and small ones of the same octets. */
const lengths = [9, 7, 6] as const
/** Names that are remembered; a stranger can make up cards of every maker. */
const mostRemembered = 5000

const vendors: Readonly<Record<string, string>> = {
  '52:54:00': 'QEMU/KVM',
  '00:0c:29': 'VMware',
  '00:50:56': 'VMware',
  '00:05:69': 'VMware',
  '00:1c:14': 'VMware',
  '08:00:27': 'VirtualBox',
  '00:15:5d': 'Hyper-V',
  '00:16:3e': 'Xen',
  '00:1c:42': 'Parallels',
  'bc:24:11': 'Proxmox',
  '28:cd:c1': 'Raspberry Pi',
  '2c:cf:67': 'Raspberry Pi',
  '88:a2:9e': 'Raspberry Pi',
  'b8:27:eb': 'Raspberry Pi',
  'd8:3a:dd': 'Raspberry Pi',
  'dc:a6:32': 'Raspberry Pi',
  'e4:5f:01': 'Raspberry Pi'
}

/** undefined for one that is not in our table. */
export const vendorOf = (mac: string): string | undefined => vendors[mac.slice(0, 8)] ?? (isLocal(mac) ? 'made up (locally administered)' : undefined)

export class Vendors {
  readonly #paths: readonly string[]
  /** By digits; '' for those that the register has no name for. */
  readonly #known = new Map<string, string>()
  #reading: Promise<void> = Promise.resolve()

  constructor (paths: readonly string[] = registers) { this.#paths = paths }

  /** Names of those that have one, by address. Reads the register once for all that were not asked for before: it is not kept. */
  async namesOf (macs: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const unknown = macs.filter(mac => vendorOf(mac) === undefined)
    const read = async (): Promise<void> => {
      const wanted = new Set(unknown.flatMap(prefixesOf).filter(prefix => !this.#known.has(prefix)))
      if (wanted.size > 0) await this.#read(wanted)
    }
    // One after the other: who comes meanwhile mostly asks for the same.
    await (this.#reading = this.#reading.then(read))
    return new Map(macs.flatMap(mac => {
      const name = vendorOf(mac) ?? prefixesOf(mac).map(prefix => this.#known.get(prefix)).find(found => found !== undefined && found !== '')
      return name === undefined ? [] : [[mac, name] as const]
    }))
  }

  async #read (wanted: ReadonlySet<string>): Promise<void> {
    if (this.#known.size + wanted.size > mostRemembered) this.#known.clear()
    for (const prefix of wanted) this.#known.set(prefix, '')
    for (const path of this.#paths) {
      try {
        await readRegister(path, (prefix, name) => { if (wanted.has(prefix)) this.#known.set(prefix, name) })
        return
      } catch {
        // It is not there, or can't be read: the next one, or our own table alone.
      }
    }
  }
}

/** `0055DA012`, `0055DA0`, `0055DA` */
function prefixesOf (mac: string): readonly string[] {
  const digits = mac.replaceAll(':', '').toUpperCase()
  return lengths.map(length => digits.slice(0, length))
}

/** Piece by piece, so that nobody waits for three megabytes. */
async function readRegister (path: string, found: (prefix: string, name: string) => void): Promise<void> {
  let [rest, prefix] = ['', '']
  for await (const piece of createReadStream(path, 'utf8') as AsyncIterable<string>) {
    const lines = `${rest}${piece}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('OUI:')) prefix = line.slice(4, line.indexOf('*'))
      else if (line.startsWith(' ID_OUI_FROM_DATABASE=')) found(prefix, line.slice(' ID_OUI_FROM_DATABASE='.length))
    }
  }
}

/** The second-lowest bit of the first octet (IEEE 802). */
const isLocal = (mac: string): boolean => (Number.parseInt(mac.slice(0, 2), 16) & 2) !== 0
