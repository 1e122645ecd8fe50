// A list of ten thousand machines that is imported beside the running program: it is in force whole, without a restart and by a
// reading or two of hosts.d, and the last machine of it gets its own address.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { broadcastFlag } from '../../src/dhcp/constants.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { bundledProgram } from '../helpers/built.js'
import { mac, request } from '../helpers/dhcp.js'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { PipeClient } from '../helpers/pipe-client.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able } from '../helpers/tools.js'

const count = 10_000
const hex = (n: number): string => n.toString(16).padStart(2, '0')
const machine = (n: number): string => `02:dd:00:00:${hex(n >> 8)}:${hex(n & 255)}`
const address = (n: number): string => `172.30.${100 + (n >> 8)}.${n & 255}`
/** `less`: how many of the last are left out, and how far the addresses of the others move. */
const list = (less: number): string => `MAC,IP,HOST\n${Array.from({ length: count - less }, (_, n) => `${machine(n)},${address(n + less)},n${n}\n`).join('')}`

t.test('ten thousand hosts, imported while the program runs', async t => {
  if (!able(t, namespaceProblem())) return
  // A socket's path has its limit.
  const folder = shortFolder(t)
  mkdirSync(join(folder, 'data'))
  const config = join(folder, 'config.yaml')
  writeFileSync(config, `data_path: ${folder}/data
assets_path: ""
state_path: ${folder}/state
control_socket: ${folder}/c
advertise: 172.30.0.1
log_level: debug
rpc: { address: "" }
dhcp:
  mode: server
  interface: br0
  unknown_clients: deny
  subnets: [{ subnet: 172.30.0.0/16, range: 172.30.0.100-172.30.0.199 }]
`)
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/16')
  const appliance = space.spawn(process.execPath, bundledProgram(), 'serve', '--config', config)
  await appliance.line(/"msg":"appliance\.ready"/)
  const readings = (): number[] => appliance.output().split('\n').slice(0, -1).filter(line => line.includes('"msg":"reservation.in_force"'))
    .map(line => (JSON.parse(line) as { reservations: number }).reservations)

  const importing = async (less: number): Promise<string> => {
    writeFileSync(join(folder, 'rack.csv'), list(less))
    const run = space.spawn(process.execPath, bundledProgram(), 'hosts', 'import', join(folder, 'rack.csv'), '--config', config)
    t.equal(await run.ended, 0, run.output().slice(-1000))
    return run.output()
  }
  t.match(await importing(0), new RegExp(`^${count} added$`, 'm'))
  await appliance.line(new RegExp(`"reservations":${count},"problems":0,.*"msg":"reservation\\.in_force"`))
  const wire = await PipeClient.start(space.client('br0', '52:54:00:00:00:42'))
  const offered = async (n: number): Promise<string> =>
    formatIpv4((await wire.ask(request({ dhcpMessageType: 'DISCOVER' }, { mac: mac(machine(n)), flags: broadcastFlag }))).yiaddr)
  t.equal(await offered(count - 1), address(count - 1), 'the last one, asked once')
  t.equal(await offered(0), address(0))

  const first = readings()
  t.same([...new Set(first)], [0, count], 'none of them or all: a list is never in force by half')
  // One for the file that takes its name; one more where the look at the folder every three seconds comes just then, or an event twice.
  const whole = first.filter(n => n === count).length
  t.ok(whole >= 1 && whole <= 3, `${whole} readings`)

  t.match(await importing(1), new RegExp(`^1 removed, ${count - 1} changed$`, 'm'), 'each machine gets the address of the next one')
  await appliance.line(new RegExp(`"reservations":${count - 1},"problems":0,.*"msg":"reservation\\.in_force"`))
  t.equal(await offered(count - 2), address(count - 1), 'by the same list with other addresses')
  const second = readings().filter(n => n === count - 1).length
  t.ok(second <= 3, `${second} readings`)
  t.same([...new Set(readings())], [0, count, count - 1])
  t.notMatch(appliance.output(), /reservation\.(?:unread|refused|watch)/)
})
