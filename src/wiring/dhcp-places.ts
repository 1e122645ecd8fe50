// Where DHCP is answered: an interface each, and the two ports beside.
import { type Config, type DhcpInterface, dhcpInterfaces, type DhcpMode } from '../config/load.js'
import { ports } from '../dhcp/constants.js'
import type { ListenPlace } from './place.js'

const placesOf = (config: Config, modes: readonly DhcpMode[], place: (at: DhcpInterface) => Pick<ListenPlace, 'key' | 'port'>): readonly ListenPlace[] =>
  dhcpInterfaces(config).filter(({ mode }) => modes.includes(mode)).map(at => ({ ...place(at), device: at.name, deviceKey: at.key }))

export const dhcpPlaces = (config: Config): readonly ListenPlace[] =>
  placesOf(config, ['server', 'proxy'], () => ({ key: 'dhcp.port', port: config.dhcp.port }))

export const dhcpClientPlaces = (config: Config): readonly ListenPlace[] =>
  placesOf(config, ['server'], ({ key }) => ({ key, port: ports.client }))

export const bootServerPlaces = (config: Config): readonly ListenPlace[] =>
  placesOf(config, ['proxy'], () => ({ key: 'dhcp.boot_server_port', port: config.dhcp.boot_server_port }))
