// Unknown machines through the whole program: real DHCP clients in namespaces of their own, two at once, a stranger who asks in
// another one's name, a restart, and the address that each keeps.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { namespaceProblem, type NetworkNamespace, type Running } from '../helpers/netns.js'
import { askForAddress, networkSite } from '../helpers/network-site.js'
import { Program } from '../helpers/program.js'
import { able, needs } from '../helpers/tools.js'

const url = 'http://172.30.0.1:8080'
const card = (n: number): string => `52:54:00:00:01:0${n}`

t.test('three are enrolled as core, the fourth as default, and stay so', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'udhcpc')) return
  const profile = (id: string): string => JSON.stringify({ id, boot: { kernel: `/assets/${id}` } })
  const files = { data: { groups: {}, profiles: { 'core.json': profile('core'), 'default.json': profile('default') } }, assets: {} }
  const { folder, config, space, start } = networkSite(t, files, `enrolment:
  profiles: [ { profile: core, quantity: 3 }, { profile: default } ]
  range: 172.30.0.21-172.30.0.60
  hostname: "core-{n}"
dhcp:
  mode: server
  interface: br0
  unknown_clients: allow
  subnets: [{ subnet: 172.30.0.0/24, range: 172.30.0.100-172.30.0.150 }]`)
  let appliance = await start()
  const machines = [1, 2, 3, 4].map(n => ({ n, space: space.client('br0', card(n)) }))
  for (const { space: machine } of machines) {
    const address = await leased(machine)
    t.match(address, /^172\.30\.0\.1[0-4]\d$/, 'to boot with')
    machine.ip('address', 'add', `${address}/24`, 'dev', 'eth0')
  }
  t.same(readdirSync(join(folder, 'data/groups')), [], 'nobody is enrolled for asking for an address')

  const get = (from: NetworkNamespace, n: number): Running => from.spawn('curl', '-s', `${url}/ipxe?uuid=&mac=${card(n).replaceAll(':', '-')}&serial=S${n}`)
  const script = async (from: NetworkNamespace, n: number): Promise<string> => {
    const asking = get(from, n)
    await asking.ended
    return asking.output()
  }
  const [first, second, third, fourth] = machines as [typeof machines[0] & {}, typeof machines[0] & {}, typeof machines[0] & {}, typeof machines[0] & {}]
  t.match(await script(fourth.space, 9), /404/, 'a machine that nobody has seen')
  t.match(await script(fourth.space, 1), /404/, 'nobody enrols another one')
  t.same(readdirSync(join(folder, 'data/groups')), [])
  const both = await Promise.all([script(first.space, 1), script(second.space, 2)])
  for (const text of both) t.match(text, /^#!ipxe\nkernel \/assets\/core/)
  t.match(await script(third.space, 3), /kernel \/assets\/core/)
  t.match(await script(fourth.space, 4), /kernel \/assets\/default/)
  t.same(readdirSync(join(folder, 'data/groups')).sort(), ['core-1.json', 'core-2.json', 'core-3.json', 'core-4.json'])
  const shown = async (): Promise<ReadonlyArray<Record<string, unknown>>> => {
    const all = JSON.parse((await new Program(['machines', 'list', '--json', '--config', config]).end()).stdout) as ReadonlyArray<Record<string, unknown>>
    return all.filter(({ known }) => known).map(({ mac, group, profile, serial, state }) => ({ mac, group, profile, serial, state }))
  }
  const known = await shown()
  t.match(known.map(({ profile, state }) => [profile, state]), [['core', 'configured'], ['core', 'configured'], ['core', 'configured'], ['default', 'configured']])

  appliance.child.kill('SIGTERM')
  await appliance.ended
  appliance = await start()
  t.match(await script(fourth.space, 4), /kernel \/assets\/default/)
  t.same(await shown(), known, 'the same after a restart')
  const addresses: string[] = []
  for (const { space: machine } of machines) addresses.push(await leased(machine))
  t.same([...addresses].sort(), ['172.30.0.21', '172.30.0.22', '172.30.0.23', '172.30.0.24'], 'each has its own address now')
})

async function leased (machine: NetworkNamespace): Promise<string> {
  const said = await askForAddress(machine)
  return /lease of (\S+) obtained/.exec(said)?.[1] ?? said
}
