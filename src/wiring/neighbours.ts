// Relay agents and other DHCP servers, noted as the observer hears of them.
import { Neighbours } from '../dhcp/neighbours.js'
import { contains, type Ipv4 } from '../net/ipv4.js'
import type { Ground } from './ground.js'

export interface NeighbourWatch {
  readonly seen: Neighbours
  readonly onRelay: (ip: Ipv4) => void
  readonly onServer: (ip: Ipv4) => void
}

/** undefined where there is no page to show them. */
export function watchNeighbours ({ config, clock }: Pick<Ground, 'config' | 'clock'>): NeighbourWatch | undefined {
  if (config.ui.address === null) return undefined
  const seen = new Neighbours(clock.now())
  const isServed = (ip: Ipv4): boolean => config.dhcp.subnets.some(({ subnet }) => contains(subnet, ip))
  return {
    seen,
    onRelay: ip => { seen.see(isServed(ip) ? 'relay' : 'unexpected_relay', ip, clock.now()) },
    onServer: ip => { seen.see('server', ip, clock.now()) }
  }
}
