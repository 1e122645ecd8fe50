// The addresses this machine has. The kernel does not tell Node which of them a datagram was sent to, so a server that
// answers from that address (as PXE clients and NATs want) listens on each of them.
import { networkInterfaces } from 'node:os'

/** Every IPv4 address of this machine, loopback included, each once. */
export const localIpv4Addresses = (): string[] => [...new Set(Object.values(networkInterfaces())
  .flatMap(addresses => addresses ?? []).filter(a => a.family === 'IPv4').map(a => a.address))]
