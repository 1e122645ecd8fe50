// In which order test files run: the longest first, by what is known of them, and no more firmware than cores.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { idleShare, keepSeconds, longestFirst, namedFiles, readSeconds, TestQueue } from '../../scripts/lib/test-order.js'

const sources: Readonly<Record<string, string>> = {
  'test/dhcp/packet.test.ts': '',
  'test/cli/serve.test.ts': '',
  'test/etcd/client.test.ts': "import { startEtcd } from '../helpers/etcd.js'\n",
  'test/interop/boot.test.ts': "import { boot } from '../../scripts/lib/qemu.js'\n",
  'test/scenario/fleet.test.ts': ''
}
const read = (path: string): string | undefined => sources[path]
const files = Object.keys(sources).filter(path => path.endsWith('.test.ts'))

t.test('without a run before: the list, then by what a file starts', t => {
  t.same(longestFirst(files, read, {}).map(({ file, lane }) => [file, lane]), [
    ['test/scenario/fleet.test.ts', undefined],
    ['test/interop/boot.test.ts', 'firmware'],
    ['test/etcd/client.test.ts', 'clusters'],
    ['test/cli/serve.test.ts', undefined],
    ['test/dhcp/packet.test.ts', undefined]
  ])
  t.same(namedFiles.filter(file => !existsSync(file)), [], 'the list names files that are there')
  t.end()
})

t.test('what the last run here took counts more', t => {
  const root = t.testdir()
  t.same(readSeconds(root), {})
  keepSeconds(root, { 'test/dhcp/packet.test.ts': 500, 'test/scenario/fleet.test.ts': 90 })
  keepSeconds(root, { 'test/scenario/fleet.test.ts': 1 })
  t.equal(longestFirst(files, read, readSeconds(root))[0]?.file, 'test/dhcp/packet.test.ts')
  t.equal(longestFirst(files, read, readSeconds(root)).at(-1)?.file, 'test/scenario/fleet.test.ts')
  writeFileSync(join(root, '.cache/test-seconds.json'), '{ "test/dhcp')
  t.same(readSeconds(root), {}, 'cut off')
  const full = t.testdir({ '.cache': 'no folder' })
  t.doesNotThrow(() => { keepSeconds(full, {}) })
  t.end()
})

t.test('firmware runs on as many cores as there are, and others beside it', t => {
  const firmware = [1, 2, 3].map(n => ({ file: `firmware ${n}`, lane: 'firmware' as const }))
  const queue = new TestQueue([...firmware, { file: 'other', lane: undefined }], 2)
  const taken = [1, 2, 3, 4].map(() => queue.take())
  t.same(taken.map(test => test?.file), ['firmware 1', 'firmware 2', 'other', undefined])
  queue.ended(taken[2]!)
  t.equal(queue.take(), undefined)
  queue.ended(taken[0]!)
  t.equal(queue.take()?.file, 'firmware 3')
  queue.ended(taken[1]!)
  t.equal(queue.take(), undefined)
  t.end()
})

t.test('how much of the cores is idle', t => {
  const core = (idle: number, user: number) => ({ times: { user, nice: 0, sys: 0, idle, irq: 0 } })
  t.equal(idleShare([core(0, 0), core(100, 50)], [core(10, 90), core(140, 110)]), 0.25)
  t.equal(idleShare([core(5, 5)], [core(5, 5)]), 0, 'no time has passed')
  t.end()
})
