// The sockets of DHCP, each bound to one interface: those of the service manager, or ones of our own, which only root can open.
import { openDeviceSocket } from '../net/device-socket.js'
import { openLibc } from '../net/libc.js'
import type { BindOptions } from '../net/udp.js'
import type { ListenPlace } from './place.js'
import type { RunningParts } from './running-parts.js'

/**
 * Bytes: a rack that is switched on at once waits here while the process is busy, and machines that are known behind strangers who
 * send a hundred thousand a second. Some 30,000 messages.
 */
const receiveBuffer = 16 * 2 ** 20

/** The socket of one place, opened when it is asked for, and anew each time. */
export class DeviceSocket {
  readonly #place: ListenPlace
  /** Of the service manager; it serves once. */
  #handed: number | undefined

  /** Takes the service manager's socket for the place, if there is one. */
  constructor ({ sockets }: Pick<RunningParts, 'sockets'>, name: string, place: ListenPlace) {
    this.#place = place
    this.#handed = sockets.take(name, place)?.fd
  }

  /** AppError as openDeviceSocket. */
  open (): BindOptions {
    const { port, device = '' } = this.#place
    const fd = this.#handed ?? openDeviceSocket(device, port)
    this.#handed = undefined
    return { address: '0.0.0.0', port, fd, broadcast: true, receiveBuffer }
  }

  /** Closes the service manager's socket, where it was never used or belongs to an interface that is gone. */
  drop (): void {
    if (this.#handed !== undefined) openLibc().close(this.#handed)
    this.#handed = undefined
  }
}
