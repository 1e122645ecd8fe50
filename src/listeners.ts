// THE table of what listens, in the order in which it starts. serve, check, doctor, /readyz, the sockets of systemd, the graces at
// the end and a test of the documentation walk it: one more listener is one more row here, and the docs. What a listener is made of
// is loaded when the configuration has it listen.
import { answersDhcp, type Config, type ListenAddress } from './config/load.js'
import { ports as dhcpPorts } from './dhcp/constants.js'
import type { Diagnose } from './doctor/ports.js'
import { bootServerPlaces, dhcpClientPlaces, dhcpPlaces } from './wiring/dhcp-places.js'
import type { ListenerRow, ListenerTableRow } from './wiring/listener.js'
import type { ListenPlace } from './wiring/place.js'

/** What an initrd takes at 1 Gbit/s, twice. */
const downloadGrace = 10_000

type Look = 'portAsItShouldBe' | 'interfaceUp' | 'socketAnswered' | 'serverAnswers' | 'proxyAnswers'

/** By what doctor is made of, which is loaded when it looks. */
const looked = (...looks: readonly Look[]): Diagnose => async (...asked) => {
  const all = { ...await import('./doctor/ports.js'), ...await import('./doctor/dhcp-answers.js') }
  return await all.each(...looks.map(look => all[look]))(...asked)
}

const at = (key: string, address: ListenAddress | null): readonly ListenPlace[] => address === null ? [] : [{ key, ...address }]

// DHCP comes after what it sends machines to. The control socket, which asks all of them, is last.
export const listeners: readonly ListenerTableRow[] = [
  {
    name: 'http',
    transport: 'tcp',
    port: 8080,
    systemd: 'http',
    keys: ['http.address'],
    grace: 1500,
    inheritedGrace: downloadGrace,
    places: config => at('http.address', config.http.address),
    prepare: async (...from) => await (await import('./wiring/http.js')).prepareHttp(...from),
    diagnose: looked('portAsItShouldBe')
  },
  {
    name: 'https',
    transport: 'tcp',
    port: 8443,
    systemd: 'https',
    keys: ['http.https.address', 'http.https.cert_file', 'http.https.key_file'],
    grace: 1500,
    inheritedGrace: downloadGrace,
    places: config => at('http.https.address', config.http.https.address),
    prepare: async (...from) => await (await import('./wiring/https.js')).prepareHttps(...from),
    diagnose: looked('portAsItShouldBe')
  },
  {
    name: 'grpc',
    transport: 'tcp',
    port: 8081,
    systemd: 'rpc',
    keys: ['rpc.address', 'rpc.ca_file', 'rpc.cert_file', 'rpc.key_file', 'rpc.crl_file'],
    grace: 1000,
    places: config => at('rpc.address', config.rpc.address),
    prepare: async (...from) => await (await import('./wiring/grpc.js')).prepareGrpc(...from),
    diagnose: looked('portAsItShouldBe')
  },
  {
    name: 'tftp',
    transport: 'udp',
    port: 69,
    systemd: 'tftp',
    keys: ['tftp.address', 'tftp.root'],
    grace: 1500,
    places: config => at('tftp.address', config.tftp.address),
    prepare: async (...from) => await (await import('./wiring/tftp.js')).prepareTftp(...from),
    // Whoever never asked for it has what Matchbox had: a TFTP server of another program, or none.
    forgiven: (_, { config, isWritten }) => !answersDhcp(config) && !isWritten(['tftp']),
    diagnose: looked('portAsItShouldBe')
  },
  {
    name: 'dhcp',
    transport: 'udp',
    port: dhcpPorts.server,
    systemd: 'dhcp',
    keys: ['dhcp.mode', 'dhcp.interface', 'dhcp.interfaces', 'dhcp.port'],
    grace: 500,
    places: dhcpPlaces,
    prepare: async (...from) => await (await import('./wiring/dhcp.js')).prepareDhcp(...from),
    diagnose: looked('interfaceUp', 'portAsItShouldBe', 'proxyAnswers')
  },
  {
    name: 'dhcp-client',
    transport: 'udp',
    of: 'dhcp',
    what: 'asks at the start whether another DHCP server answers',
    port: dhcpPorts.client,
    systemd: 'dhcp-client',
    keys: ['dhcp.interface', 'dhcp.interfaces', 'dhcp.allow_other_servers'],
    places: dhcpClientPlaces,
    diagnose: looked('serverAnswers')
  },
  {
    name: 'boot-server',
    transport: 'udp',
    of: 'dhcp',
    what: 'the boot server of the proxy',
    port: dhcpPorts.bootServer,
    systemd: 'boot-server',
    keys: ['dhcp.interface', 'dhcp.interfaces', 'dhcp.boot_server_port'],
    places: bootServerPlaces,
    diagnose: looked('portAsItShouldBe')
  },
  {
    name: 'ui',
    transport: 'tcp',
    port: 8082,
    keys: ['ui.address', 'ui.allow', 'ui.users_file', 'ui.client_certificates'],
    grace: 500,
    places: config => at('ui.address', config.ui.address),
    prepare: async (...from) => await (await import('./wiring/ui.js')).prepareUi(...from),
    diagnose: looked('portAsItShouldBe')
  },
  {
    name: 'control',
    transport: 'unix',
    keys: ['control_socket'],
    grace: 1000,
    places: config => [{ key: 'control_socket', port: 0, path: config.control_socket }],
    prepare: async (...from) => await (await import('./wiring/control.js')).prepareControl(...from),
    // A unit of Matchbox's time has no RuntimeDirectory=; its machines boot without anybody asking the running appliance.
    forgiven: ({ code }, { isWritten }) => code === 'socket_failed' && !isWritten(['control_socket']),
    diagnose: looked('socketAnswered')
  }
]

export const isListener = (row: ListenerTableRow): row is ListenerRow => 'prepare' in row

/** Every instance that the configuration asks for. */
export const placesIn = (config: Config): ReadonlyArray<{ readonly row: ListenerTableRow, readonly place: ListenPlace }> =>
  listeners.flatMap(row => row.places(config).map(place => ({ row, place })))
