// ISC's relay agent between a test's bridge and a network behind it.
import type { NetworkNamespace, Running } from './netns.js'

/** The agent's own namespace: 172.30.0.2 on `br0` of `space`, and 172.31.0.1/24 on its bridge `down0`, where its clients are. */
export async function relayAgent (space: NetworkNamespace): Promise<{ readonly relay: NetworkNamespace, readonly agent: Running }> {
  const relay = space.client('br0')
  relay.ip('address', 'add', '172.30.0.2/24', 'dev', 'eth0')
  relay.bridge('down0', '172.31.0.1/24')
  space.ip('route', 'add', '172.31.0.0/24', 'via', '172.30.0.2')
  const agent = relay.spawn('dhcrelay', '-4', '-d', '-a', '-id', 'down0', '-iu', 'eth0', '172.30.0.1')
  await agent.line(/Sending on/)
  return { relay, agent }
}
