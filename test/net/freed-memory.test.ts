import t from 'tap'
import { collectGarbage } from '../../src/base/collect.js'
import { returnFreedMemory } from '../../src/net/freed-memory.js'

t.test('what was freed is given back', t => {
  // Each below the size from which the C library asks the system for a piece of its own.
  let buffers: Buffer[] | undefined = Array.from({ length: 300 }, () => Buffer.alloc(100_000, 1))
  t.equal(buffers.length, 300)
  buffers = undefined
  collectGarbage()
  t.equal(returnFreedMemory(), true)
  t.end()
})
