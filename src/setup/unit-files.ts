// What systemd is told of the configuration: the units as they ship, and drop-ins for the interface of a socket, for where it listens
// when that is not where its unit says, and for folders that the service writes elsewhere (systemd.socket(5), systemd.exec(5)); and the
// unit of the gateway, where this machine is to be one.
import { type Gateway, gatewayDropIn, gatewayDropInFile, gatewayUnit } from './gateway.js'

/** A socket of the configuration that systemd is to open. */
export interface WantedSocket {
  /** Its name in the table of listeners: `dhcp-client`. */
  readonly name: string
  readonly transport: 'udp' | 'tcp'
  /** An IPv4 address, or an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
  /** The one interface to listen on. */
  readonly device?: string | undefined
}

export interface UnitWishes {
  /** The units as they ship, by their path below `systemd/`. */
  readonly units: ReadonlyMap<string, string>
  readonly sockets: readonly WantedSocket[]
  /** Whether DHCP is answered on several interfaces: each then has an instance of the templates. */
  readonly several: boolean
  /** Folders elsewhere than where the unit lets the service write. */
  readonly written: readonly string[]
  /** The version of systemd. */
  readonly systemd: number
  readonly gateway?: Gateway | undefined
}

export interface UnitFiles {
  /** By their path below /etc/systemd/system. */
  readonly files: ReadonlyMap<string, string>
  /** The socket units that are to start. */
  readonly sockets: readonly string[]
}

/** The first version whose directives core-provisioner.service.d/ is for. */
const hardening = 239

const heading = '# Written by install.sh from the configuration.\n'

export function unitFiles ({ units, sockets, several, written, systemd, gateway }: UnitWishes): UnitFiles {
  const files = new Map<string, string>()
  for (const [path, text] of units) {
    if (path === gatewayUnit && gateway === undefined) continue
    const isDropIn = path.includes('.d/')
    if (/\.(?:service|socket)$/.test(path) || (isDropIn && systemd >= hardening && path.endsWith('.conf'))) files.set(path, text)
  }
  if (written.length > 0 && systemd >= hardening) {
    files.set('core-provisioner.service.d/paths.conf', `${heading}[Service]\nReadWritePaths=${written.map(path => quoted(`-${path}`)).join(' ')}\n`)
  }
  if (gateway !== undefined) files.set(gatewayDropInFile, gatewayDropIn(gateway))
  const names = sockets.map(socket => {
    const instance = several && socket.device !== undefined
    const name = `core-provisioner-${socket.name}${instance ? `@${socket.device}` : ''}.socket`
    const template = `core-provisioner-${socket.name}${instance ? '@' : ''}.socket`
    if (socket.device !== undefined) files.set(`${name}.d/interface.conf`, `${heading}[Socket]\nBindToDevice=${withoutSpecifiers(socket.device)}\n`)
    const listen = `${socket.transport === 'tcp' ? 'ListenStream' : 'ListenDatagram'}=`
    const at = `${listen}${socket.host.includes(':') ? `[${socket.host}]` : socket.host}:${socket.port}`
    // An empty one forgets what the unit lists.
    if (!(units.get(template) ?? '').split('\n').includes(at)) files.set(`${template}.d/listen.conf`, `${heading}[Socket]\n${listen}\n${at}\n`)
    return name
  })
  return { files, sockets: names }
}

const withoutSpecifiers = (text: string): string => text.replaceAll('%', '%%')

/** As systemd splits words. Of a folder with a hyphen before it that is missing the service itself says so. */
const quoted = (path: string): string => /[\s"'\\]/.test(path)
  ? `"${withoutSpecifiers(path).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  : withoutSpecifiers(path)
