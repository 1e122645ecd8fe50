// Which listener takes which socket that the service manager opened. A socket is known by its name (FileDescriptorName=tftp,
// or its unit core-provisioner-tftp.socket) and, where systemd names none (before 227), by its port.
import { isIP } from 'node:net'
import type { Config, LoadedConfig } from '../config/load.js'
import { AppError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { InheritedSocket } from '../net/inherited-sockets.js'
import { openLibc } from '../net/libc.js'
import { boundReceiving, openListeningSocket } from '../net/listening-socket.js'
import { isWildcard, type ListenPlace, type SocketRow } from './place.js'

export class Sockets {
  readonly #loaded: LoadedConfig
  readonly #rows: readonly SocketRow[]
  readonly #free = new Map<InheritedSocket, SocketRow | undefined>()

  constructor (inherited: readonly InheritedSocket[], loaded: LoadedConfig, rows: readonly SocketRow[]) {
    this.#loaded = loaded
    this.#rows = rows
    for (const socket of inherited) this.#free.set(socket, rowOf(socket, loaded.config, rows))
  }

  /**
   * A socket for the listener, undefined when it has to open its own. AppError `config_invalid` when there is one for it that
   * does not listen where the configuration says: machines are told what is configured.
   */
  take (name: string, place: ListenPlace): InheritedSocket | undefined {
    const row = this.#rows.find(candidate => candidate.name === name)
    if (row === undefined) throw new Error(`no listener ${name}`)
    const free = [...this.#free].flatMap(([socket, candidate]) => candidate === row ? [socket] : [])
    const socket = free.find(candidate => misfit(candidate, row, place) === undefined)
    if (socket === undefined) {
      // One that is for another interface is for the listener there.
      const others = row.places(this.#loaded.config).filter(({ device, port }) => device !== place.device || port !== place.port)
      const stray = free.find(candidate => others.every(other => misfit(candidate, row, other) !== undefined))
      if (stray !== undefined) throw this.#refusal(stray, row, place)
      return undefined
    }
    this.#free.delete(socket)
    return socket
  }

  /** Every socket for the listener: one for each address, where the unit lists them. */
  takeAll (name: string, place: ListenPlace): readonly InheritedSocket[] {
    const socket = this.take(name, place)
    return socket === undefined ? [] : [socket, ...this.takeAll(name, place)]
  }

  /**
   * The socket to listen on for requests, whoever opened it: what its connections hold in the kernel is bounded. Without a
   * descriptor Node is to open it, by its name.
   */
  toListenOn (name: string, place: ListenPlace): { readonly fd: number | undefined, readonly inherited: boolean } {
    const { host = '0.0.0.0', port } = place
    const socket = this.take(name, place)
    if (socket === undefined) return { fd: isIP(host) === 0 ? undefined : openListeningSocket(host, port), inherited: false }
    boundReceiving(socket.fd)
    return { fd: socket.fd, inherited: true }
  }

  /** Closes what nobody took, and says how not to open it: whoever sends there would wait for an answer. */
  closeUnused (log: Logger): void {
    if (this.#free.size === 0) return
    const libc = openLibc()
    for (const [socket, row] of this.#free) {
      libc.close(socket.fd)
      const unit = unitOf(socket, row)
      log.warn({ socket: unit, at: placeOf(socket), hint: `nothing in the configuration listens there: systemctl disable --now ${unit}` }, 'socket.unused')
    }
    this.#free.clear()
  }

  #refusal (socket: InheritedSocket, row: SocketRow, place: ListenPlace): AppError {
    const unit = unitOf(socket, row)
    const listen = row.transport === 'tcp' ? 'ListenStream' : 'ListenDatagram'
    const { at, expected, found, setting } = misfit(socket, row, place) ?? { at: '', expected: '', found: '', setting: '' }
    if (at === '') return new AppError('config_invalid', `${unit}: expected a ${row.transport} socket (${listen}=), not ${placeOf(socket)}`)
    return new AppError('config_invalid',
      `${this.#loaded.where(at.split('.'))}: ${at} is ${expected}, but ${unit} listens on ${found}: systemctl edit ${unit} and set ${setting}, or change ${at}`)
  }
}

/** Why a socket is not the one that is meant: the key, what it says, what the socket has, and the setting of the unit. */
interface Misfit { readonly at: string, readonly expected: string, readonly found: string, readonly setting: string }

function misfit (socket: InheritedSocket, { transport }: SocketRow, { key, port, host = '0.0.0.0', device = '', deviceKey = 'dhcp.interface' }: ListenPlace): Misfit | undefined {
  const setting = `${transport === 'tcp' ? 'ListenStream' : 'ListenDatagram'}=${host}:${port}`
  if (socket.transport !== transport) return { at: '', expected: transport, found: socket.transport, setting }
  if (port !== 0 && socket.port !== port) return { at: key, expected: `port ${port}`, found: `port ${socket.port}`, setting }
  if (!isWildcard(host) && socket.address !== host) return { at: key, expected: `address ${host}`, found: socket.address, setting }
  if (device !== '' && socket.device !== device) {
    return { at: deviceKey, expected: device, found: socket.device === '' ? 'every interface' : socket.device, setting: `BindToDevice=${device}` }
  }
  return undefined
}

function rowOf ({ name, transport, port, device }: InheritedSocket, config: Config, rows: readonly SocketRow[]): SocketRow | undefined {
  // core-provisioner-dhcp@ens224.socket is an instance of a template.
  const plain = name.replace(/\.socket$/, '').replace(/^core-provisioner-/, '').split('@', 1)[0]!
  const ofTransport = rows.filter(row => row.systemd !== undefined && row.transport === transport)
  const configured = (row: SocketRow): boolean =>
    row.places(config).some(place => place.port === port && (device === '' || place.device === undefined || place.device === device))
  return rows.find(row => row.systemd !== undefined && row.systemd === plain) ??
    ofTransport.find(configured) ?? ofTransport.find(row => row.port === port)
}

/** The unit to edit: systemd's own name for the socket where it gave one. */
const unitOf = (socket: InheritedSocket, row: SocketRow | undefined): string =>
  socket.name.endsWith('.socket') || row === undefined ? socket.name || `descriptor ${socket.fd}` : `core-provisioner-${row.systemd ?? row.name}.socket`

const placeOf = ({ transport, address, port, device }: InheritedSocket): string =>
  transport === 'other' ? 'a socket of another kind' : `${device === '' ? address : device}:${port}/${transport}`
