// What whoever is on the link may write into a message: hardware addresses that are nobody's, and addresses that answers are to go to.
import t, { type Test } from 'tap'
import type { DhcpPacket } from '../../src/dhcp/packet.js'
import { builtProgram } from '../helpers/built.js'
import { layOutBootSite } from '../helpers/boot-site.js'
import { ip, mac, request } from '../helpers/dhcp.js'
import { NetworkNamespace, namespaceProblem } from '../helpers/netns.js'
import { PipeClient } from '../helpers/pipe-client.js'
import { able, needs } from '../helpers/tools.js'
import { until } from '../helpers/until.js'

const program = builtProgram()
const known = '52:54:00:00:00:40'
const pxe = { vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003016', clientSystemArchitecture: [7] }
const nobodies = ['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '33:33:00:00:00:01', '53:54:00:12:34:56']

interface Site {
  readonly space: NetworkNamespace
  /** Has 172.30.250.1. */
  readonly stranger: NetworkNamespace
  /** The sum of what a metric says of those of its labels that match. */
  readonly count: (metric: string, labels?: RegExp) => number
}

async function layOut (t: Test, dhcp: object): Promise<Site> {
  const { config, space } = layOutBootSite(t, { kernel: 'image', macs: [], config: { dhcp: { interface: 'br0', ...dhcp } } })
  const stranger = space.client('br0')
  stranger.ip('address', 'add', '172.30.250.1/16', 'dev', 'eth0')
  await space.spawn(process.execPath, program, 'serve', '--config', config).line(/"msg":"appliance\.ready"/)
  return {
    space,
    stranger,
    count: (metric, labels = /.*/) => [...space.exec('curl', '-s', 'http://172.30.0.1:8080/metrics').matchAll(new RegExp(`^${metric}\\{(.*)\\} (\\d+)$`, 'gm'))]
      .reduce((sum, [, of = '', n]) => sum + (labels.test(of) ? Number(n) : 0), 0)
  }
}

const server = {
  mode: 'server',
  unknown_clients: 'allow',
  subnets: [{ subnet: '172.30.0.0/16', range: '172.30.128.1-172.30.128.250' }],
  reservations: [{ mac: known, ip: '172.30.0.41' }]
}

for (const [mode, dhcp] of [['server', server], ['proxy', { mode: 'proxy' }]] as const) {
  t.test(`in ${mode} mode a hardware address that is nobody's is given nothing, whatever it asks`, async t => {
    if (!able(t, namespaceProblem()) || !needs(t, 'curl')) return
    const { stranger, count } = await layOut(t, dhcp)
    const wire = await PipeClient.start(stranger)
    const serverIdentifier = ip('172.30.0.1')
    const messages: readonly DhcpPacket[] = nobodies.flatMap(nobody => [
      request({ dhcpMessageType: 'DISCOVER', ...pxe }, { mac: mac(nobody) }),
      request({ dhcpMessageType: 'REQUEST', serverIdentifier, requestedIpAddress: ip('172.30.128.9'), ...pxe }, { mac: mac(nobody) }),
      request({ dhcpMessageType: 'INFORM', ...pxe }, { mac: mac(nobody), ciaddr: ip('172.30.250.1') })
    ])
    const short = [0, 1, 5, 7, 16].map(length => ({ ...request({ dhcpMessageType: 'DISCOVER', ...pxe }), chaddr: Buffer.alloc(length, 2) }))
    const ports = mode === 'proxy' ? [67, 4011] : [67]
    for (const port of ports) for (const message of [...messages, ...short]) wire.send(message, port)
    const sent = ports.length * (messages.length + short.length)
    await until('all are decided on', () => count('dhcp_dropped_total', /hardware_type/) + count('dhcp_sent_total') >= sent)
    t.equal(count('dhcp_dropped_total', /hardware_type/), sent)
    t.match(await wire.ask(request({ dhcpMessageType: 'DISCOVER', ...pxe }, { mac: mac(known) })), { options: { serverIdentifier } }, 'a machine is answered')
  })
}

t.test('a proxy sends nothing to whom a stranger names', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'curl')) return
  const { space, stranger, count } = await layOut(t, { mode: 'proxy' })
  // What goes beyond the link goes by the stranger, who sees it.
  stranger.ip('address', 'add', '10.99.0.9/32', 'dev', 'eth0')
  space.ip('route', 'add', '10.99.0.0/24', 'via', '172.30.250.1', 'dev', 'br0')
  const [client, agent] = [await PipeClient.start(stranger), await PipeClient.start(stranger, 'eth0', 67)]
  const [serverIdentifier, other] = [ip('172.30.0.1'), ip('10.99.0.9')]
  const header = { mac: mac(known) }
  const refused = [
    client.send(request({ dhcpMessageType: 'INFORM', ...pxe }, { ...header, ciaddr: other })),
    client.send(request({ dhcpMessageType: 'REQUEST', serverIdentifier, ...pxe }, { ...header, ciaddr: other })),
    ...['172.30.255.255', '255.255.255.255', '224.0.0.1'].flatMap(many => [
      agent.send(request({ dhcpMessageType: 'DISCOVER', ...pxe }, { ...header, giaddr: ip(many) })),
      client.send(request({ dhcpMessageType: 'INFORM', ...pxe }, { ...header, ciaddr: ip(many) }))
    ])
  ]
  await until('all are decided on', () => count('dhcp_dropped_total', /unexpected/) + count('dhcp_sent_total') >= refused.length)
  t.equal(count('dhcp_dropped_total', /unexpected/), refused.length)
  t.equal(count('dhcp_sent_total'), 0)
  const from = { ...header, ciaddr: ip('172.30.250.1') }
  t.match(await client.ask(request({ dhcpMessageType: 'INFORM', ...pxe }, from)), { options: { serverIdentifier } }, 'a client is answered where it is')
  t.match(await client.ask(request({ dhcpMessageType: 'REQUEST', ...pxe }, from), 4011), { options: { serverIdentifier } }, 'on port 4011 too')
  t.match(await agent.ask(request({ dhcpMessageType: 'DISCOVER', ...pxe }, { ...header, giaddr: other })), { giaddr: other }, 'and a relay agent at another of its addresses')
})
