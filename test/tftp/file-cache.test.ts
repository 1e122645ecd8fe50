import t from 'tap'
import { FileCache, type FileIdentity } from '../../src/tftp/file-cache.js'

const identity = (size: number, ino = 1): FileIdentity => ({ dev: 1, ino, size, mtimeMs: 1, ctimeMs: 1 })

t.test('a file is given as long as it looks the same', async t => {
  const cache = new FileCache({ total: 100, file: 50 })
  t.equal(cache.open('a', identity(3)), undefined)
  cache.add('a', identity(3), Buffer.from('abc'))
  t.equal((await cache.open('a', identity(3))?.read(1, 2))?.toString(), 'bc')
  for (const other of [{ size: 4 }, { ino: 2 }, { dev: 2 }, { mtimeMs: 2 }, { ctimeMs: 2 }]) {
    cache.add('a', identity(3), Buffer.from('abc'))
    t.equal(cache.open('a', { ...identity(3), ...other }), undefined, Object.keys(other).join())
    t.equal(cache.open('a', identity(3)), undefined, 'and is forgotten')
  }
})

t.test('the file used longest ago makes room', async t => {
  const cache = new FileCache({ total: 100, file: 50 })
  for (const path of ['a', 'b']) cache.add(path, identity(50), Buffer.alloc(50))
  await cache.open('a', identity(50))?.close()
  t.ok(cache.hasRoom(50))
  t.equal(cache.open('b', identity(50)), undefined)
  t.ok(cache.open('a', identity(50)))
  t.notOk(cache.hasRoom(51), 'too large a file')
})

t.test('what is being read counts until its last reader is done', async t => {
  const cache = new FileCache({ total: 100, file: 100 })
  cache.add('a', identity(60), Buffer.alloc(60))
  const first = cache.open('a', identity(60))
  const second = cache.open('a', identity(60))
  t.notOk(cache.hasRoom(60), 'it is in use')
  t.ok(cache.hasRoom(40))
  cache.open('a', identity(60, 2))
  t.equal(cache.bytes, 60, 'replaced on disk, still read')
  t.notOk(cache.hasRoom(60))
  await first?.close()
  await first?.close()
  t.equal(cache.bytes, 60, 'closing twice is closing once')
  await second?.close()
  t.equal(cache.bytes, 0)
  t.ok(cache.hasRoom(60))
})
