import { writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { DiskFile, Readers } from '../../src/disk/disk-file.js'

const MiB = 1024 * 1024

t.test('the more readers, the less each may hold', t => {
  const readers = new Readers()
  const shares = Array.from({ length: 200 }, () => readers.enter(400 * MiB))
  t.same(shares[0], { pieces: 2, bytes: MiB })
  t.same(shares[3], { pieces: 2, bytes: MiB })
  t.same(shares[4], { pieces: 1, bytes: MiB })
  t.same(shares[49], { pieces: 1, bytes: 128 * 1024 })
  t.same(shares[199], { pieces: 1, bytes: 64 * 1024 })
  const held = shares.slice(0, 50).reduce((sum, { pieces, bytes }) => sum + pieces * bytes, 0)
  t.ok(held <= 24 * MiB, `fifty who came one after the other hold ${held / MiB} MiB`)
  for (let i = 0; i < 200; i++) readers.leave([])
  t.same(readers.enter(400 * MiB), { pieces: 2, bytes: MiB }, 'who comes when they have left')
  t.same(readers.enter(1000), { pieces: 2, bytes: 1000 })
  t.end()
})

t.test('memory is used again, and not hoarded', t => {
  const readers = new Readers()
  readers.enter(MiB)
  const used = Array.from({ length: 20 }, () => readers.memory(MiB))
  readers.leave(used)
  const again = Array.from({ length: 20 }, () => readers.memory(MiB / 2))
  t.equal(again.filter(memory => used.includes(memory)).length, 8)
  t.end()
})

t.test('one of many waits for its piece to leave before it reads the next', async t => {
  const readers = new Readers()
  for (let i = 0; i < 20; i++) readers.enter(400 * MiB)
  const path = join(t.testdir(), 'image')
  writeFileSync(path, Buffer.alloc(MiB, 'abc'))
  const handle = await open(path)
  const file = new DiskFile({ handle, path, identity: await handle.stat({ bigint: true }), cache: undefined, readers })
  const first = await file.piece(0, MiB)
  t.equal(first.bytes.length, 256 * 1024)
  let arrived = false
  const second = Promise.resolve(file.piece(256 * 1024, MiB)).then(piece => {
    arrived = true
    return piece
  })
  await handle.stat()
  t.notOk(arrived)
  const memory = first.bytes.buffer
  first.release()
  const { bytes, release } = await second
  t.equal(bytes.buffer, memory)
  t.equal(bytes[0], 'abc'.charCodeAt(256 * 1024 % 3))
  release()
  await file.close()
})
