import t from 'tap'
import { KeptFiles } from '../../src/rendering/kept-files.js'
import type { SharedMemoryFile } from '../../src/rendering/long-renderings.js'

const file = (id: number, octets: number): SharedMemoryFile => ({ id, kind: 'generic', name: `f${id}`, content: new SharedArrayBuffer(octets) })

t.test('what it holds, once', t => {
  const kept = new KeptFiles(10)
  const one = file(1, 3)
  new Uint8Array(one.content).set([1, 2, 3])
  const made = kept.of(one)
  t.match(made, { kind: 'generic', name: 'f1', content: Buffer.of(1, 2, 3) })
  t.equal(kept.of(one), made)
  new Uint8Array(one.content)[0] = 9
  t.equal(made.content[0], 1, 'a copy')
  t.end()
})

t.test('so many octets, to the octet: the oldest go first, and as many as have to', t => {
  const kept = new KeptFiles(10)
  const isKept = (made: unknown, id: number, octets: number): boolean => kept.of(file(id, octets)) === made
  const [a, b] = [kept.of(file(1, 4)), kept.of(file(2, 6))]
  t.ok(isKept(a, 1, 4) && isKept(b, 2, 6), 'ten of ten')
  const c = kept.of(file(3, 1))
  t.ok(isKept(b, 2, 6) && isKept(c, 3, 1))
  const d = kept.of(file(4, 3))
  t.ok(isKept(b, 2, 6) && isKept(c, 3, 1) && isKept(d, 4, 3), 'what went counts no longer')
  t.notOk(isKept(a, 1, 4), 'the first is gone')
  t.notOk(isKept(b, 2, 6))
  t.end()
})

t.test('one that alone is too much is kept, and nothing else', t => {
  const kept = new KeptFiles(10)
  const [a, b] = [kept.of(file(1, 10)), kept.of(file(2, 11))]
  t.equal(kept.of(file(2, 11)), b)
  t.not(kept.of(file(1, 10)), a)
  t.not(kept.of(file(2, 11)), b)
  t.end()
})
