// What a stranger can send to the whole program over a real socket. `npm run soak -- dhcp-hostile` sends a million.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { sendMutated } from '../helpers/dhcp-hostile.js'
import { mac, request } from '../helpers/dhcp.js'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { PipeClient } from '../helpers/pipe-client.js'
import { able } from '../helpers/tools.js'
import { until } from '../helpers/until.js'
import { bundledProgram } from '../helpers/built.js'
import { shortFolder } from '../helpers/short-folder.js'

const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)

for (const [mode, count] of [['server', 20_000], ['proxy', 10_000]] as const) {
  t.test(`${count} mutated messages in ${mode} mode: none finds a mistake, good machines are answered in between`, async t => {
    if (!able(t, namespaceProblem())) return
    t.comment(`FUZZ_SEED=${seed}`)
    const result = await sendMutated({ mode, count, seed, folder: shortFolder(t) })
    // A good machine overtakes what came before it, so that the flood that waits for its answer runs ahead of the server.
    t.match(result, { sent: count, arrived: count, unread: 0, missed: 0 })
    t.equal(result.dropped['failed'], undefined)
    // More than can be decided on arrives at once: of strangers' DISCOVERs the oldest are dropped, undecoded. Of the rest a quarter is whole.
    const decoded = count - (result.dropped['overload'] ?? 0)
    const judged = decoded - ['malformed', 'rate_limited'].reduce((sum, reason) => sum + (result.dropped[reason] ?? 0), 0)
    t.ok(judged > decoded / 4, `${judged} of ${decoded} were decided on`)
    t.ok(decoded > count / 4, `${decoded} of ${count} were decoded`)
  })
}

for (const [mode, port] of [['server', 67], ['proxy', 67], ['proxy', 4011]] as const) {
  t.test(`in ${mode} mode known machines are answered whatever else arrives at port ${port}, and as fast as it may`, async t => {
    if (!able(t, namespaceProblem())) return
    t.comment(`FUZZ_SEED=${seed}`)
    const { sent, arrived, unread, missed, dropped } = await sendMutated({ mode, count: 30_000, seed, folder: shortFolder(t), waiting: 1000, port })
    t.comment({ sent, arrived, unread, dropped })
    t.equal(missed, 0)
    t.equal(unread, 0)
    t.equal(arrived, sent)
  })
}

t.test('a flood from one machine and a bad reservation hurt nobody else', async t => {
  if (!able(t, namespaceProblem())) return
  const folder = shortFolder(t)
  const [flooder, good] = ['52:54:00:00:00:66', '52:54:00:00:00:01']
  writeFileSync(join(folder, 'config.yaml'), `data_path: ${folder}/data
assets_path: ""
state_path: ${folder}/state
control_socket: ${folder}/c
rpc: { address: "" }
tftp: { address: "" }
dhcp:
  mode: server
  interface: br0
  unknown_clients: allow
  subnets: [{ subnet: 172.30.0.0/24, range: 172.30.0.100-172.30.0.200 }]
  reservations:
    - { mac: "52:54:00:00:00:02", ip: 10.9.9.9 }
    - { mac: "${good}", ip: 172.30.0.41 }
    - { mac: "52:54:00:00:00:03", ip: 172.30.0.41 }
`)
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const wire = await PipeClient.start(space.client('br0'))
  const appliance = space.spawn(process.execPath, bundledProgram(), 'serve', '--config', join(folder, 'config.yaml'))
  await appliance.line(/"msg":"appliance\.ready"/)
  const refused = appliance.output().split('\n').filter(line => line.includes('reservation.refused'))
  t.equal(refused.length, 2)
  t.match(refused[0], /config\.yaml:13: the reservation of 10\.9\.9\.9 .* no subnet of dhcp\.subnets holds that address/)
  t.match(refused[1], /config\.yaml:15: the reservation of 172\.30\.0\.41 .*config\.yaml:14 has it already/)

  const discover = (from: string): ReturnType<typeof request> => request({ dhcpMessageType: 'DISCOVER' }, { mac: mac(from) })
  for (let n = 0; n < 1000; n++) wire.send(discover(flooder))
  t.match(await wire.ask(discover(good)), { yiaddr: 0xac1e0029 }, 'the reservation between the two bad ones is in force, behind a flood')
  t.match(await appliance.line(/"reason":"rate_limited"/), new RegExp(flooder))
  t.equal(appliance.output().split('"reason":"rate_limited"').length, 2, 'told of once')
  const count = (name: RegExp): number => [...space.exec('curl', '-s', 'http://172.30.0.1:8080/metrics').matchAll(new RegExp(`^${name.source} (\\d+)$`, 'gm'))]
    .reduce((sum, [, n]) => sum + Number(n), 0)
  // The known machine does not wait for those before it.
  await until('all are decided on', () => count(/(?:dhcp_dropped_total\{.*\}|dhcp_received_total\{.*\}|udp_receive_dropped_total\{port="67"\})/) >= 1001)
  const dropped = count(/dhcp_dropped_total\{reason="(?:rate_limited|overload)"\}/)
  t.ok(dropped > 900, `${dropped} of 1000 dropped`)
})
