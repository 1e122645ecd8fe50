import { chmodSync, chownSync, linkSync, renameSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { FileCache, pieceBytes } from '../../src/disk/file-cache.js'
import { readPart } from '../../src/disk/open-file.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { DiskFile, Readers, readUnchanged } from '../../src/disk/disk-file.js'

const MiB = 1024 * 1024

t.test('the more readers, the less each may hold', t => {
  const readers = new Readers()
  const shares = Array.from({ length: 200 }, () => readers.enter(400 * MiB))
  t.same(shares[0], { pieces: 2, bytes: MiB, later: MiB })
  t.same(shares[3], { pieces: 2, bytes: MiB, later: MiB })
  t.same(shares[4], { pieces: 1, bytes: 64 * 1024, later: MiB })
  t.same(shares[49], { pieces: 1, bytes: 64 * 1024, later: 128 * 1024 })
  t.same(shares[199], { pieces: 1, bytes: 4 * 1024, later: 64 * 1024 })
  const held = shares.slice(0, 50).reduce((sum, { pieces, bytes }) => sum + pieces * bytes, 0)
  t.ok(held <= 11 * MiB, `fifty who came one after the other hold ${held / MiB} MiB`)
  // HTTP's connections, each of which asks for an image that is not kept and takes nothing of it.
  for (let i = 200; i < 4096; i++) shares.push(readers.enter(400 * MiB))
  const most = shares.reduce((sum, { pieces, bytes }) => sum + pieces * bytes, 0)
  t.ok(most <= 28 * MiB, `as many as there may be hold ${most / MiB} MiB`)
  for (let i = 0; i < 4096; i++) readers.leave([])
  t.same(readers.enter(400 * MiB), { pieces: 2, bytes: MiB, later: MiB }, 'who comes when they have left')
  t.same(readers.enter(1000), { pieces: 2, bytes: 1000, later: 1000 })
  for (let i = 0; i < 18; i++) readers.enter(400 * MiB)
  t.same(readers.enter(200_000), { pieces: 1, bytes: 200_000, later: 200_000 }, 'a small file is read at once')
  t.end()
})

t.test('whoever wants a few octets has no share, and keeps nothing', async t => {
  const readers = new Readers()
  const path = join(t.testdir(), 'image')
  writeFileSync(path, Buffer.alloc(MiB, 'abc'))
  const handle = await open(path)
  const identity = await handle.stat({ bigint: true })
  const files = Array.from({ length: 200 }, () => new DiskFile({ handle, path, identity, cache: undefined, readers, close: async () => {} }))
  for (const file of files) t.equal((await readPart(file, 0, 3)).toString(), 'abc')
  t.same(readers.enter(400 * MiB), { pieces: 2, bytes: MiB, later: MiB }, 'as if nobody else read')
  for (const file of files) await file.close()
  await handle.close()
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
  t.equal(first.bytes.length, 64 * 1024)
  let arrived = false
  const second = Promise.resolve(file.piece(64 * 1024, MiB)).then(piece => {
    arrived = true
    return piece
  })
  await handle.stat()
  t.notOk(arrived)
  const memory = first.bytes.buffer
  first.release()
  const { bytes, release } = await second
  t.equal(bytes.buffer, memory)
  t.equal(bytes[0], 'abc'.charCodeAt(64 * 1024 % 3))
  release()
  await file.close()
})

t.test('one of very many has larger pieces when it has taken some', async t => {
  const readers = new Readers()
  for (let i = 0; i < 100; i++) readers.enter(400 * MiB)
  const path = join(t.testdir(), 'image')
  writeFileSync(path, Buffer.alloc(2 * MiB, 'abc'))
  const handle = await open(path)
  const file = new DiskFile({ handle, path, identity: await handle.stat({ bigint: true }), cache: undefined, readers })
  const lengths: number[] = []
  for (let position = 0; position < file.size;) {
    const { bytes, release } = await file.piece(position, file.size - position)
    t.equal(bytes[0], 'abc'.charCodeAt(position % 3))
    lengths.push(bytes.length)
    position += bytes.length
    release()
  }
  t.same(lengths, [...Array.from({ length: 256 }, () => 4096), ...Array.from({ length: 16 }, () => 65_536)])
  await file.close()
})

t.test('a file that is cut or written to while it is read is no file any more, and its memory is given back', async t => {
  const path = join(t.testdir(), 'image')
  writeFileSync(path, Buffer.alloc(1000, 'a'))
  const handle = await open(path, 'r+')
  const identity = await handle.stat({ bigint: true })
  const memory = Buffer.alloc(400)
  t.equal(await readUnchanged({ path, place: path, handle }, identity, memory, 600), identity, 'nothing of its own is kept of a look that found the same')
  t.equal(memory.toString(), 'a'.repeat(400))
  const told = { code: 'read_failed', message: /image was written to while it was sent/ }
  await t.rejects(readUnchanged({ path, place: path, handle }, identity, memory, 601), told, 'one octet too many')
  const readers = new Readers()
  const file = new DiskFile({ handle, path, identity, cache: undefined, readers })
  await handle.write('b', 10)
  // Two pieces are a reader's share: a third would wait for ever were those not given back.
  for (let n = 0; n < 3; n++) await t.rejects(Promise.resolve(file.piece(0, 500)), told, 'not the one that was opened')
  truncateSync(path, 100)
  await t.rejects(Promise.resolve(file.piece(0, 500)), told)
  await file.close()
})

t.test('a file that was moved, linked or given to others is what it was, until it is written to', async t => {
  for (const [what, touch] of [
    ['moved', path => { renameSync(path, `${path}.old`) }],
    ['linked', path => { linkSync(path, `${path}.too`) }],
    ['protected', path => { chmodSync(path, 0o400) }],
    ...process.getuid?.() === 0 ? [['given to somebody', (path: string) => { chownSync(path, 1, 0) }], ['given to a group', (path: string) => { chownSync(path, 0, 1) }]] as const : []
  ] as ReadonlyArray<readonly [string, (path: string) => void]>) {
    const path = join(t.testdir({}), 'image')
    writeFileSync(path, Buffer.alloc(1000, 'a'))
    utimesSync(path, 1_600_000_000, 1_600_000_000)
    const handle = await open(path, 'r+')
    const file = new DiskFile({ handle, path, identity: await handle.stat({ bigint: true }), cache: undefined, readers: new Readers() })
    touch(path)
    for (let n = 0; n < 2; n++) {
      const { bytes, release } = await file.piece(0, 1000)
      t.equal(bytes.toString(), 'a'.repeat(1000), what)
      release()
    }
    await handle.write('b', 10)
    await handle.utimes(1_600_000_000, 1_600_000_000)
    // Of one that was moved before nobody tells what its time of change is of.
    if (what !== 'moved') await t.rejects(Promise.resolve(file.piece(0, 500)), { code: 'read_failed', message: /image was written to/ }, what)
    await file.close()
  }
})

t.test('pieces of a file that memory keeps begin where they are asked for', async t => {
  const path = join(t.testdir(), 'image')
  const bytes = Buffer.from(Array.from({ length: pieceBytes + 1000 }, (_, n) => n >> 8))
  writeFileSync(path, bytes)
  const handle = await open(path)
  const clock = new FakeClock(Date.now() + 30_000)
  const cache = new FileCache({ memory: 4 * pieceBytes, largest: 2 * pieceBytes, clock })
  const file = new DiskFile({ handle, path, identity: await handle.stat({ bigint: true }), cache, readers: new Readers() })
  for (const again of [false, true]) {
    for (const [position, most, length] of [[0, 10, 10], [700, 10, 10], [pieceBytes - 5, 10, 5], [pieceBytes, 10, 10], [pieceBytes + 990, 100, 10]] as const) {
      const piece = file.piece(position, most)
      if (again) t.notOk(piece instanceof Promise, 'at once')
      const { bytes: part, release } = await piece
      t.ok(part.equals(bytes.subarray(position, position + length)), `${position}`)
      release()
    }
  }
  await file.close()
})
