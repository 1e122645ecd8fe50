// The interfaces that DHCP is answered on: dhcp.interface and those of dhcp.interfaces, each in its mode.
import type { Config } from './schema.js'

export type DhcpMode = 'server' | 'proxy'

export interface DhcpInterface {
  readonly name: string
  readonly mode: DhcpMode
  /** Where it is written: `dhcp.interfaces.1`. */
  readonly key: string
}

interface WithDhcp { readonly dhcp: Pick<Config['dhcp'], 'interface' | 'interfaces' | 'mode'> }

/** In the order in which they are written; one that both keys name stands as dhcp.interfaces has it. */
export function dhcpInterfaces ({ dhcp: { interface: first, interfaces, mode: usual } }: WithDhcp): readonly DhcpInterface[] {
  const listed = interfaces.map(({ name, mode }, index) => ({ name, mode: mode ?? usual, key: `dhcp.interfaces.${index}` }))
  const single = first === '' || listed.some(({ name }) => name === first) ? [] : [{ name: first, mode: usual, key: 'dhcp.interface' }]
  return [...single, ...listed].flatMap(({ mode, ...rest }) => mode === 'off' ? [] : [{ ...rest, mode }])
}

/** Whether machines get boot data from here. */
export const answersDhcp = (config: WithDhcp): boolean => dhcpInterfaces(config).length > 0

/** Whether machines get addresses from here. */
export const givesAddresses = (config: WithDhcp): boolean => dhcpInterfaces(config).some(({ mode }) => mode === 'server')
