// Another DHCP server on a test's network.
import type { NetworkNamespace, Running } from './netns.js'

/** A dnsmasq on a machine of its own on the bridge, 172.30.0.5, that gives addresses and nothing else. */
export async function dnsmasq (space: NetworkNamespace, ...more: readonly string[]): Promise<Running> {
  const machine = space.client('br0')
  machine.ip('address', 'add', '172.30.0.5/24', 'dev', 'eth0')
  const running = machine.spawn('dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--interface=eth0',
    '--dhcp-range=172.30.0.200,172.30.0.220,1h', '--leasefile-ro', '--log-facility=-', '--user=root', ...more)
  await running.line(/DHCP, IP range/)
  return running
}
