// The gateway of the served network: which of its interfaces core-provisioner-gateway.service is told of, and the policy by which
// firewalld lets through what it forwards (firewalld.policy(5), since 0.9), between interfaces whose zones it was told.

export interface Gateway {
  /** Interfaces that machines boot from. */
  readonly inside: readonly string[]
  /** The interface that leads out. */
  readonly outside: string
  /** `192.168.100.0/24` */
  readonly networks: readonly string[]
  /** What install.sh told firewalld of them. */
  readonly assigned?: readonly Assignment[]
}

/** An interface that was in its zone only because that is the default one: no policy of firewalld 1.3 is for such a one. */
export interface Assignment {
  readonly zone: string
  readonly name: string
}

export const gatewayUnit = 'core-provisioner-gateway.service'
/** Below /etc/systemd/system. */
export const gatewayDropInFile = `${gatewayUnit}.d/interfaces.conf`
/** firewalld takes no name of a policy that is longer than 18 characters, and reads nothing at all beside one. */
export const gatewayPolicy = 'core-provisioner'

/** The drop-in of the unit. */
export const gatewayDropIn = ({ inside, outside, networks, assigned = [] }: Gateway): string => `# Written by install.sh.
[Service]
Environment="INSIDE=${inside.join(' ')}"
Environment="OUTSIDE=${outside}"
Environment="NETWORKS=${networks.join(' ')}"
${assigned.length === 0 ? '' : zonesLine(assigned)}`

const zonesLine = (assigned: readonly Assignment[]): string =>
  `# Zones of firewalld that install.sh has named these interfaces to, and takes them out of again.
Environment="ZONES=${assigned.map(({ zone, name }) => `${zone}/${name}`).join(' ')}"
`

/** Which interface leads out by a drop-in that is there; undefined where it is not one of ours. */
export const outsideIn = (dropIn: string): string | undefined => /^Environment="OUTSIDE=([^"\s]+)"$/m.exec(dropIn)?.[1]

/** What firewalld was told for the gateway of a drop-in. */
export const assignedIn = (dropIn: string): readonly Assignment[] =>
  (/^Environment="ZONES=([^"]*)"$/m.exec(dropIn)?.[1] ?? '').split(' ').flatMap(pair => {
    const [zone = '', name = ''] = pair.split('/')
    return zone === '' || name === '' ? [] : [{ zone, name }]
  })

/** Within one zone firewalld forwards by itself (since 1.0): then there is nothing to say. */
export function policyXml (ingress: readonly string[], egress: string): string | undefined {
  const from = ingress.filter(zone => zone !== egress)
  return from.length === 0
    ? undefined
    : `<?xml version="1.0" encoding="utf-8"?>
<policy target="ACCEPT">
  <short>${gatewayPolicy}</short>
  <description>What machines of the netboot network send out through this one.</description>
${from.map(zone => `  <ingress-zone name="${zone}"/>\n`).join('')}  <egress-zone name="${egress}"/>
</policy>
`
}
