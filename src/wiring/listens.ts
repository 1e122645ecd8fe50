// What the log says when a listener is up: its socket, and the address by which machines or people reach it.
import type { Server } from 'node:net'
import { formatIpv4 } from '../net/ipv4.js'
import type { Homes } from '../dhcp/homes.js'
import type { Listens } from './listener.js'
import { isWildcard, type ListenPlace, placeText, type SocketRow } from './place.js'

/** The names or addresses of this machine that are told in boot URLs, one for each interface. */
export const toldHosts = ({ all }: Homes): readonly string[] => all.map(({ host }) => host)

/** Those of a listener that nobody is told of: its own, where it has one. */
export const hostsOf = ({ host = '0.0.0.0' }: ListenPlace, homes: Homes): readonly string[] => isWildcard(host) ? toldHosts(homes) : [host]

/** The addresses that DHCP names as the server to load from. */
export function bootServers (place: ListenPlace, homes: Homes): readonly string[] {
  const told = homes.all.flatMap(({ own }) => own === undefined ? [] : [formatIpv4(own)])
  return told.length > 0 ? told : hostsOf(place, homes)
}

/** The port that a server has, where the configuration leaves it open. */
export function boundPort (server: Pick<Server, 'address'>, configured: number): number {
  const bound = server.address()
  return typeof bound === 'object' ? bound?.port ?? configured : configured
}

/** Where the socket is, and what leads to it for whoever is told one of `hosts`. */
export function listensAt (row: Pick<SocketRow, 'transport'>, place: ListenPlace, port: number, hosts: readonly string[], url?: (host: string) => string): Listens {
  const known = [...new Set(hosts)].map(host => url === undefined ? `${host}:${port}` : url(`${host}:${port}`))
  const told = known.length === 1 ? known[0]! : known
  return { at: placeText(row, { ...place, port }), ...url === undefined ? { address: told } : { url: told } }
}
