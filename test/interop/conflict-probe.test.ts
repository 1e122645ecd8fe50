// Conflict probing against the kernel's own ARP in a network namespace: used, free, gone but remembered, behind a firewall.
import t from 'tap'
import { fileURLToPath } from 'node:url'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { able } from '../helpers/tools.js'

const program = fileURLToPath(new URL('../helpers/probe-program.ts', import.meta.url))

t.test('who uses an address', async t => {
  if (!able(t, namespaceProblem())) return
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const host = space.client('br0', '02:00:00:00:00:09')
  host.ip('address', 'add', '172.30.0.9/24', 'dev', 'eth0')
  const ask = (address: string, mac: string): { inUse: boolean, by?: string, milliseconds: number } =>
    JSON.parse(space.exec(process.execPath, '--import=tsx', program, address, mac)) as { inUse: boolean, by?: string, milliseconds: number }
  const stranger = '02:00:00:00:00:55'

  const used = ask('172.30.0.9', stranger)
  t.match(used, { inUse: true, by: '02:00:00:00:00:09' }, 'a host that was never spoken to')
  t.ok(used.milliseconds < 250, `${used.milliseconds} ms`)
  t.match(ask('172.30.0.9', stranger), { inUse: true }, 'a host the kernel knows by now')
  t.match(ask('172.30.0.9', '02:00:00:00:00:09'), { inUse: false }, 'the machine itself')
  const free = ask('172.30.0.10', stranger)
  t.match(free, { inUse: false }, 'nobody')
  t.ok(free.milliseconds >= 250 && free.milliseconds < 400, `${free.milliseconds} ms`)
  host.ip('link', 'set', 'eth0', 'down')
  t.match(space.ip('neighbour', 'show', '172.30.0.9'), '02:00:00:00:00:09', 'the kernel remembers the host')
  t.match(ask('172.30.0.9', stranger), { inUse: false }, 'a host that is gone does not hold its address')
})
