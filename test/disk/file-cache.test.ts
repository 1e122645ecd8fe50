import t from 'tap'
import { type CachedFile, FileCache, pieceBytes } from '../../src/disk/file-cache.js'
import type { FileIdentity } from '../../src/disk/file-identity.js'
import type { FilePiece } from '../../src/disk/open-file.js'
import { FakeClock } from '../helpers/fake-clock.js'

const identity = (ino: number, pieces: number, more: Partial<FileIdentity> = {}): FileIdentity =>
  ({ dev: 1n, ino: BigInt(ino), size: BigInt(pieces * pieceBytes), mtimeNs: 1n, ctimeNs: 1n, ...more })

/** A disk that counts reads; the bytes tell file and piece. */
const disk = (file: number) => {
  const reads: number[] = []
  const read = async (memory: Buffer, position: number): Promise<void> => {
    reads.push(position / pieceBytes)
    memory.fill(file * 16 + position / pieceBytes)
  }
  return { reads, read }
}

const cacheOf = (pieces: number): { cache: FileCache, clock: FakeClock } => {
  const clock = new FakeClock()
  return { cache: new FileCache({ memory: pieces * pieceBytes, smallest: 1024, clock }), clock }
}

async function readAll (file: CachedFile, pieces: number, read: (memory: Buffer, position: number) => Promise<void>): Promise<Array<number | undefined>> {
  const found: Array<number | undefined> = []
  for (let i = 0; i < pieces; i++) {
    const piece = await file.piece(i, read)
    found.push(piece?.bytes[pieceBytes - 1])
    piece?.release()
  }
  return found
}

t.test('what was read once comes from memory, for every reader of the same file', async t => {
  const { cache } = cacheOf(4)
  const { reads, read } = disk(1)
  const [a, b] = [cache.open(identity(1, 3))!, cache.open(identity(1, 3))!]
  t.same(await readAll(a, 3, read), [16, 17, 18])
  t.same(await readAll(b, 3, read), [16, 17, 18])
  t.same(reads, [0, 1, 2])
  t.same([cache.bytes, cache.hits, cache.misses], [3 * pieceBytes, 3, 3])
  a.close()
  b.close()
  t.same(await readAll(cache.open(identity(1, 3))!, 3, read), [16, 17, 18])
  t.equal(reads.length, 3, 'it stays when nobody reads it')
})

t.test('those who ask while a piece is read wait for that one reading', async t => {
  const { cache } = cacheOf(4)
  let finish = (): void => {}
  let reads = 0
  const read = (memory: Buffer): Promise<void> => new Promise(resolve => {
    reads++
    finish = () => { memory.fill(7); resolve() }
  })
  const files = Array.from({ length: 50 }, () => cache.open(identity(1, 2))!)
  const pieces = files.map(file => file.piece(0, read))
  finish()
  for (const piece of await Promise.all(pieces)) t.equal(piece?.bytes[0], 7)
  t.equal(reads, 1)
})

t.test('another look is another file', async t => {
  const { cache } = cacheOf(10)
  const first = identity(1, 2)
  await readAll(cache.open(first)!, 2, disk(1).read)
  for (const [what, other] of Object.entries({
    inode: { ino: 2n }, device: { dev: 2n }, 'time of writing': { mtimeNs: 2n }, 'time of change': { ctimeNs: 2n }
  })) t.same(await readAll(cache.open({ ...first, ...other })!, 2, disk(2).read), [32, 33], what)
})

t.test('what does not fit, is small, or was written just now is not kept', t => {
  const { cache, clock } = cacheOf(4)
  t.equal(cache.open(identity(1, 5)), undefined)
  t.ok(cache.open(identity(1, 4)))
  t.equal(cache.open(identity(1, 1, { size: 1000n })), undefined)
  t.equal(cache.open(identity(1, 1, { ctimeNs: BigInt(clock.now() - 20) * 1_000_000n })), undefined)
  t.ok(cache.open(identity(1, 1, { ctimeNs: BigInt(clock.now() - 60) * 1_000_000n })))
  t.equal(new FileCache({ memory: 0, clock }).open(identity(1, 1)), undefined, 'no memory, no cache')
  t.end()
})

t.test('the file used longest ago makes room, and never more memory is taken', async t => {
  const { cache } = cacheOf(5)
  const use = async (ino: number): Promise<void> => {
    const file = cache.open(identity(ino, 2))!
    t.same(await readAll(file, 2, disk(ino).read), [ino * 16, ino * 16 + 1])
    file.close()
  }
  for (const ino of [1, 2, 1, 3]) await use(ino)
  t.equal(cache.bytes, 5 * pieceBytes)
  const misses = cache.misses
  await use(1)
  t.equal(cache.misses, misses, '1 was used after 2')
  await use(2)
  t.ok(cache.misses > misses, '2 has gone, in part at least')
  for (let ino = 4; ino < 12; ino++) await use(ino)
  t.equal(cache.bytes, 5 * pieceBytes)
})

t.test('a file that is being read stays, until its reader has taken nothing for a while', async t => {
  const { cache, clock } = cacheOf(4)
  const held = cache.open(identity(1, 3))!
  await readAll(held, 3, disk(1).read)
  const last = await held.piece(2, disk(1).read) as FilePiece
  const other = cache.open(identity(2, 3))!
  t.same(await readAll(other, 3, disk(2).read), [32, undefined, undefined], 'the rest is read by the one who asks')
  clock.advance(6000)
  t.same(await readAll(other, 3, disk(2).read), [32, 33, 34])
  t.equal(last.bytes[0], 18, 'memory that somebody sends from is not used again')
  last.release()
  held.close()
  const third = cache.open(identity(3, 1))!
  t.same(await readAll(third, 1, disk(3).read), [48])
  t.equal(cache.bytes, 4 * pieceBytes)
})

t.test('a reading that fails, fails for all who wait for it, and its memory is used again', async t => {
  const { cache } = cacheOf(2)
  const [a, b] = [cache.open(identity(1, 2))!, cache.open(identity(1, 2))!]
  const broken = async (): Promise<void> => { throw new Error('the disk is gone') }
  const both = [a.piece(0, broken), b.piece(0, broken)]
  for (const piece of both) await t.rejects(Promise.resolve(piece), { message: 'the disk is gone' })
  t.equal(cache.bytes, 0)
  t.same(await readAll(a, 2, disk(1).read), [16, 17])
  t.same(await readAll(b, 2, disk(1).read), [16, 17])
  t.equal(cache.bytes, 2 * pieceBytes)
})

t.test('a file that is all in memory can be held there', async t => {
  const { cache } = cacheOf(4)
  const half = identity(1, 1, { size: BigInt(pieceBytes * 1.5) })
  const file = cache.open(half)!
  t.equal(cache.hold(half), undefined, 'nothing is there')
  const first = await file.piece(0, disk(1).read)
  first?.release()
  t.equal(cache.hold(half), undefined, 'half of it is there')
  let finish = (): void => {}
  const loading = file.piece(1, () => new Promise(resolve => { finish = resolve }))
  t.equal(cache.hold(half), undefined, 'it is being read')
  finish()
  ;(await loading)?.release()
  file.close()
  t.equal(cache.bytes, 1.5 * pieceBytes, 'the last piece takes what it needs')
  const [held, again] = [cache.hold(half)!, cache.hold(half)!]
  t.equal(held.bytes(0).length, pieceBytes)
  t.equal(held.bytes(pieceBytes - 1)[0], 16)
  t.equal(held.bytes(pieceBytes + 5).length, pieceBytes / 2 - 5)
  t.equal(cache.hold({ ...half, ctimeNs: 2n }), undefined, 'another look is another file')

  const other = cache.open(identity(2, 3))!
  t.same(await readAll(other, 3, disk(2).read), [32, 33, undefined], 'what is held stays')
  held.close()
  held.close()
  t.same(await readAll(other, 3, disk(2).read), [32, 33, undefined], 'closing twice is closing once')
  again.close()
  other.close()
  const third = cache.open(identity(3, 4))!
  t.same(await readAll(third, 4, disk(3).read), [48, 49, 50, 51])
  t.equal(cache.bytes, 4 * pieceBytes)
})

t.test('parts of pieces and whole ones share the memory', async t => {
  const { cache } = cacheOf(2)
  for (let ino = 1; ino < 50; ino++) {
    const small = identity(ino, 1, { size: BigInt(100_000 + ino) })
    const file = cache.open(small)!
    const piece = await file.piece(0, disk(ino).read)
    t.equal(piece?.bytes.length, 100_000 + ino)
    piece?.release()
    file.close()
    t.ok(cache.bytes <= 2 * pieceBytes)
  }
  const whole = cache.open(identity(99, 2))!
  t.same(await readAll(whole, 2, disk(9).read), [144, 145])
  whole.close()
  const small = cache.open(identity(100, 1, { size: 2000n }))!
  const piece = await small.piece(0, disk(1).read)
  t.equal(piece?.bytes.length, 2000, 'one of the whole ones has made way')
  t.equal(cache.bytes, pieceBytes + 2000)
})
