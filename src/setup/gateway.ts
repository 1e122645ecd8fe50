// The gateway of the served network: which of its interfaces core-provisioner-gateway.service is told of, and the policy by which
// firewalld lets through what it forwards (firewalld.policy(5), since 0.9).

export interface Gateway {
  /** Interfaces that machines boot from. */
  readonly inside: readonly string[]
  /** The interface that leads out. */
  readonly outside: string
  /** `192.168.100.0/24` */
  readonly networks: readonly string[]
}

export const gatewayUnit = 'core-provisioner-gateway.service'
/** firewalld takes no name of a policy that is longer than 18 characters, and reads nothing at all beside one. */
export const gatewayPolicy = 'core-provisioner'

/** The drop-in of the unit. */
export const gatewayDropIn = ({ inside, outside, networks }: Gateway): string => `# Written by install.sh.
[Service]
Environment="INSIDE=${inside.join(' ')}"
Environment="OUTSIDE=${outside}"
Environment="NETWORKS=${networks.join(' ')}"
`

/** Which interface leads out by a drop-in that is there; undefined where it is not one of ours. */
export const outsideIn = (dropIn: string): string | undefined => /^Environment="OUTSIDE=([^"\s]+)"$/m.exec(dropIn)?.[1]

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
