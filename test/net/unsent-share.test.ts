// What the kernel holds for neighbours that do not answer ARP, and what waits in Node behind it.
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { mostQueued } from '../../src/net/udp.js'
import { NetworkNamespace, namespaceProblem } from '../helpers/netns.js'
import { able } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

t.test('the share of the buffer that is held, and so many datagrams that wait for room', async t => {
  if (!able(t, namespaceProblem())) return
  const space = new NetworkNamespace()
  t.teardown(() => space.close())
  space.bridge('br0', '172.30.0.1/16')
  space.client('br0')
  const program = space.spawn(process.execPath, typescript, fileURLToPath(new URL('../helpers/unsent-program.ts', import.meta.url)), '172.30.0.1')
  t.equal(await program.ended, 0, program.output())
  const { before, full, waiting, refused } = JSON.parse(program.output()) as Record<string, number>
  t.equal(before, 0)
  t.ok(full !== undefined && full >= 1, `${full} of the buffer`)
  t.equal(waiting, mostQueued)
  t.equal(refused, 'send EAGAIN')
})
