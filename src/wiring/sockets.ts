// Which listener takes which socket that the service manager opened. A socket is known by its name (FileDescriptorName=tftp,
// or its unit core-provisioner-tftp.socket) and, where systemd names none (before 227), by its port.
import type { LoadedConfig } from '../config/load.js'
import { ports as dhcpPorts } from '../dhcp/constants.js'
import { AppError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { InheritedSocket } from '../net/inherited-sockets.js'
import { openLibc } from '../net/libc.js'

export const socketNames = ['dhcp', 'dhcp-client', 'boot-server', 'tftp', 'http', 'rpc'] as const
export type SocketName = typeof socketNames[number]

const transports: Readonly<Record<SocketName, InheritedSocket['transport']>> = {
  dhcp: 'udp', 'dhcp-client': 'udp', 'boot-server': 'udp', tftp: 'udp', http: 'tcp', rpc: 'tcp'
}

/** The ports that the unit files come with. */
const standardPorts: Readonly<Record<SocketName, number>> = {
  dhcp: dhcpPorts.server, 'dhcp-client': dhcpPorts.client, 'boot-server': 4011, tftp: 69, http: 8080, rpc: 8081
}

/** What the configuration says of a listener. */
export interface Wanted {
  /** Where it says so: `dhcp.port`. */
  readonly key: string
  readonly port: number
  /** The one address to listen on; all without it. */
  readonly host?: string
  /** The one interface to listen on; all without it. */
  readonly device?: string
}

const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

export class Sockets {
  readonly #loaded: LoadedConfig
  readonly #free = new Map<InheritedSocket, SocketName | undefined>()

  constructor (inherited: readonly InheritedSocket[], loaded: LoadedConfig) {
    this.#loaded = loaded
    for (const socket of inherited) this.#free.set(socket, nameOf(socket, loaded.config))
  }

  /**
   * A socket for the listener, undefined when it has to open its own. AppError `config_invalid` when it does not listen
   * where the configuration says: machines are told what is configured.
   */
  take (name: SocketName, wanted: Wanted): InheritedSocket | undefined {
    const [socket] = [...this.#free].find(([, free]) => free === name) ?? []
    if (socket === undefined) return undefined
    this.#check(name, socket, wanted)
    this.#free.delete(socket)
    return socket
  }

  /** Every socket for the listener: one for each address, where the unit lists them. */
  takeAll (name: SocketName, wanted: Wanted): readonly InheritedSocket[] {
    const socket = this.take(name, wanted)
    return socket === undefined ? [] : [socket, ...this.takeAll(name, wanted)]
  }

  /** Closes what nobody took, and says how not to open it: whoever sends there would wait for an answer. */
  closeUnused (log: Logger): void {
    if (this.#free.size === 0) return
    const libc = openLibc()
    for (const [socket, name] of this.#free) {
      libc.close(socket.fd)
      const unit = unitOf(socket, name)
      log.warn({ socket: unit, at: placeOf(socket), hint: `nothing in the configuration listens there: systemctl disable --now ${unit}` }, 'socket.unused')
    }
    this.#free.clear()
  }

  #check (name: SocketName, socket: InheritedSocket, { key, port, host = '0.0.0.0', device = '' }: Wanted): void {
    const unit = unitOf(socket, name)
    const wrong = (at: string, expected: string, found: string, setting: string): AppError => new AppError('config_invalid',
      `${this.#loaded.where(at.split('.'))}: ${at} is ${expected}, but ${unit} listens on ${found}: systemctl edit ${unit} and set ${setting}, or change ${at}`)
    const listen = transports[name] === 'tcp' ? 'ListenStream' : 'ListenDatagram'
    if (socket.transport !== transports[name]) {
      throw new AppError('config_invalid', `${unit}: expected a ${transports[name]} socket (${listen}=), not ${placeOf(socket)}`)
    }
    if (port !== 0 && socket.port !== port) throw wrong(key, `port ${port}`, `port ${socket.port}`, `${listen}=${host}:${port}`)
    if (!wildcards.has(host) && socket.address !== host) throw wrong(key, `address ${host}`, socket.address, `${listen}=${host}:${port}`)
    if (device !== '' && socket.device !== device) {
      throw wrong('dhcp.interface', device, socket.device === '' ? 'every interface' : socket.device, `BindToDevice=${device}`)
    }
  }
}

function nameOf ({ name, transport, port }: InheritedSocket, { dhcp, tftp, http, rpc }: LoadedConfig['config']): SocketName | undefined {
  const plain = name.replace(/\.socket$/, '').replace(/^core-provisioner-/, '')
  const configured: Readonly<Partial<Record<SocketName, number | undefined>>> = {
    dhcp: dhcp.port, 'boot-server': dhcp.boot_server_port, tftp: tftp.address?.port, http: http.address.port, rpc: rpc.address?.port
  }
  const fits = (ports: Readonly<Partial<Record<SocketName, number | undefined>>>) => (candidate: SocketName): boolean =>
    transports[candidate] === transport && ports[candidate] === port
  return socketNames.find(candidate => candidate === plain) ?? socketNames.find(fits(configured)) ?? socketNames.find(fits(standardPorts))
}

/** The unit to edit: systemd's own name for the socket where it gave one. */
const unitOf = (socket: InheritedSocket, name: SocketName | undefined): string =>
  socket.name.endsWith('.socket') || name === undefined ? socket.name || `descriptor ${socket.fd}` : `core-provisioner-${name}.socket`

const placeOf = ({ transport, address, port, device }: InheritedSocket): string =>
  transport === 'other' ? 'a socket of another kind' : `${device === '' ? address : device}:${port}/${transport}`
