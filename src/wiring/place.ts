// Where listeners listen, and what is known of a socket before it is opened.
import type { Config } from '../config/load.js'
import type { Diagnose } from '../doctor/ports.js'

/** Where one instance of a row listens. */
export interface ListenPlace {
  /** Where the configuration says so: `dhcp.port`. */
  readonly key: string
  /** 0 takes any free one, and is what a Unix socket has. */
  readonly port: number
  /** The one address to listen on; all without it. */
  readonly host?: string
  /** The one interface to listen on; all without it. */
  readonly device?: string
  /** Where the configuration names that interface: `dhcp.interfaces.1`. */
  readonly deviceKey?: string
  /** Of a Unix socket. */
  readonly path?: string
}

/** What is known of a socket before it is opened. */
export interface SocketRow {
  readonly name: string
  readonly transport: 'udp' | 'tcp' | 'unix'
  /** The port that the unit file and the documentation name; none for a Unix socket. */
  readonly port?: number
  /** core-provisioner-NAME.socket, or FileDescriptorName=NAME; none for what systemd never opens. */
  readonly systemd?: string
  /** The keys that say where it listens and as what. */
  readonly keys: readonly string[]
  /** What the configuration asks for: nothing, one place, or several. */
  readonly places: (config: Config) => readonly ListenPlace[]
  /** What is there from the outside. */
  readonly diagnose: Diagnose
}

/** Whether a host to listen on is every address of the machine. */
export const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::'

/** `0.0.0.0:8080/tcp`, `ens192:67/udp`, `/run/core-provisioner/control.sock` */
export const placeText = ({ transport }: Pick<SocketRow, 'transport'>, { device, host = '0.0.0.0', port, path }: ListenPlace): string =>
  path ?? `${device ?? (host.includes(':') ? `[${host}]` : host)}:${port}/${transport}`
