// What firewalld is told of the configuration: a service each for what machines ask, for that over TLS, and for the gRPC API
// (firewalld.service(5)). A loopback address needs no firewall, and the page is for those whom an administrator lets in.
import type { WantedSocket } from './unit-files.js'

export interface FirewallService {
  /** `core-provisioner-rpc` */
  readonly name: string
  /** The file below /etc/firewalld/services. */
  readonly text: string
  /** Whether the zone is to let it in: what it is for is on. */
  readonly on: boolean
}

const services = [
  {
    name: 'core-provisioner',
    description: 'What machines that netboot ask: DHCP, the PXE boot server, TFTP and HTTP.',
    listeners: ['http', 'tftp', 'dhcp', 'dhcp-client', 'boot-server'],
    otherwise: []
  },
  { name: 'core-provisioner-https', description: 'What core-provisioner tells machines by HTTP, over TLS.', listeners: ['https'], otherwise: ['8443/tcp'] },
  {
    name: 'core-provisioner-rpc',
    description: 'The gRPC API of core-provisioner, for those who define what machines boot.',
    listeners: ['rpc'],
    otherwise: ['8081/tcp']
  }
] as const

/** Of all of them. */
export const firewallServiceNames = services.map(({ name }) => name)

export function firewallServices (sockets: readonly WantedSocket[]): readonly FirewallService[] {
  const reached = sockets.filter(({ host }) => !/^(?:127\.|::1$)/.test(host))
  return services.map(({ name, description, listeners, otherwise }) => {
    const ports = portsOf(reached.filter(socket => (listeners as readonly string[]).includes(socket.name)))
    return { name, text: serviceXml(name, description, ports.length > 0 ? ports : otherwise), on: ports.length > 0 }
  })
}

/** `67/udp`, each once. */
export const portsOf = (sockets: readonly WantedSocket[]): readonly string[] => [...new Set(sockets.map(({ port, transport }) => `${port}/${transport}`))]

const serviceXml = (name: string, description: string, ports: readonly string[]): string => `<?xml version="1.0" encoding="utf-8"?>
<service>
  <short>${name}</short>
  <description>${description}</description>
${ports.map(port => port.split('/')).map(([number, transport]) => `  <port protocol="${transport}" port="${number}"/>\n`).join('')}</service>
`
