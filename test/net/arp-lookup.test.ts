// One address of the kernel's ARP table, in a network namespace.
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { able } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

const program = fileURLToPath(new URL('../helpers/arp-program.ts', import.meta.url))

t.test('what the kernel has of an address, on whichever link', async t => {
  if (!able(t, namespaceProblem())) return
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  space.bridge('fifteen-letters', '172.31.0.1/24')
  space.ip('address', 'add', '172.30.0.2/16', 'dev', 'fifteen-letters')
  const add = (address: string, hardware: string, device: string): void => {
    space.ip('neighbour', 'add', address, 'lladdr', hardware, 'dev', device, 'nud', 'permanent')
  }
  add('172.30.0.9', '02:00:00:00:00:09', 'br0')
  add('172.30.7.7', '02:00:00:00:00:77', 'fifteen-letters')
  add('172.30.0.8', '02:00:00:00:00:08', 'fifteen-letters')
  space.ip('neighbour', 'add', '172.31.0.5', 'dev', 'fifteen-letters', 'nud', 'incomplete')
  const addresses = '172.30.0.9,172.30.7.7,172.30.0.8,172.31.0.5,172.31.0.6,192.0.2.1'
  t.same(JSON.parse(space.exec(process.execPath, typescript, program, addresses)), {
    found: ['02:00:00:00:00:09', '02:00:00:00:00:77', '02:00:00:00:00:08', 'nobody', 'nobody', null],
    left: 0,
    milliseconds: 0
  })
})
