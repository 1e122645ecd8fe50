// Whole reads over a network that loses, doubles and reorders, by seeds that are printed.
import { createHash } from 'node:crypto'
import t from 'tap'
import { opcodes, type TftpOption } from '../../src/tftp/packet.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { FakeUdp } from '../helpers/fake-udp.js'
import { randomBytes } from '../helpers/random.js'
import { type ReadResult, readFile } from '../helpers/tftp-client.js'
import { memoryFiles, serve, type Served } from '../helpers/tftp-server.js'

const here = '192.0.2.1'
const at = { address: here, port: 69 }
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Winds the clock until `work` is done: whoever waits for a lost packet is helped by the passing of time alone. */
async function wind<T> (clock: FakeClock, udp: FakeUdp, work: Promise<T>): Promise<T> {
  const state = { over: false }
  const watched = work.finally(() => { state.over = true })
  for (let seconds = 0; !state.over && seconds < 24 * 3600; seconds += 0.5) {
    await udp.settle()
    if (!state.over) clock.advance(500)
  }
  return await watched
}

async function closed ({ server }: Served, clock: FakeClock, udp: FakeUdp): Promise<void> {
  await wind(clock, udp, server.close(60_000))
}

const options: ReadonlyArray<readonly [string, readonly TftpOption[]]> = [
  ['no options', []],
  ['blksize', [['blksize', '1468']]],
  ['blksize, tsize and a window of 4', [['blksize', '1468'], ['tsize', '0'], ['windowsize', '4']]],
  ['a window of 32', [['windowsize', '32']]],
  ['a pause of 2 s', [['timeout', '2'], ['blksize', '1024']]]
]

for (const [share, seeds] of [[0.01, [1, 2, 3, 4]], [0.1, [5, 6, 7, 8]]] as const) {
  t.test(`${share * 100} % lost, doubled and reordered`, async t => {
    const content = randomBytes(9, 73_728)
    for (const seed of seeds) {
      for (const [name, asked] of options) {
        const udp = new FakeUdp({ seed, lose: share, double: share, delay: share }, { record: false })
        const clock = new FakeClock()
        const served = await serve(udp.host(here), clock, memoryFiles({ a: content }), at)
        const { content: got } = await wind(clock, udp, readFile(udp.host('192.0.2.9'), { server: at, file: 'a', options: asked, clock }))
        t.equal(digest(got), digest(content), `seed ${seed}, ${name}`)
        await closed(served, clock, udp)
        t.equal(udp.open, 0)
      }
    }
  })
}

t.test('every packet comes twice and every ACK is sent twice: no storm', async t => {
  const content = randomBytes(3, 100 * 512)
  for (const windowsize of ['1', '8']) {
    const udp = new FakeUdp({ seed: 0, double: 1 })
    const clock = new FakeClock()
    const served = await serve(udp.host(here), clock, memoryFiles({ a: content }), at)
    const { content: got } = await wind(clock, udp,
      readFile(udp.host('192.0.2.9'), { server: at, file: 'a', options: [['windowsize', windowsize]], clock, stutter: true }))
    t.equal(digest(got), digest(content))
    t.equal(udp.sent.filter(({ data }) => data[1] === opcodes.DATA).length, 101, `windowsize ${windowsize}: as many DATA packets as blocks`)
    await closed(served, clock, udp)
    t.match(served.counts(), { done: 1, duplicate: 1 })
  }
})

t.test('500 reads at once, some packets lost', async t => {
  const content = randomBytes(4, 20_000)
  const udp = new FakeUdp({ seed: 11, lose: 0.01, double: 0.01, delay: 0.01 }, { record: false })
  const clock = new FakeClock()
  const served = await serve(udp.host(here), clock, memoryFiles({ a: content }), at)
  const reads: Array<Promise<ReadResult>> = []
  for (let i = 0; i < 500; i++) {
    reads.push(readFile(udp.host(`192.0.${2 + (i >> 8)}.${i & 255}`), { server: at, file: 'a', options: [['blksize', '1468'], ['windowsize', i % 2 === 0 ? '1' : '8']], clock }))
  }
  const results = await wind(clock, udp, Promise.all(reads))
  t.equal(results.filter(({ content: got }) => digest(got) === digest(content)).length, 500)
  await closed(served, clock, udp)
  t.equal(udp.open, 0)
  t.match(served.counts(), { done: 500 })
})

t.test('70,000 blocks of 512 bytes', async t => {
  const content = Buffer.alloc(70_000 * 512, randomBytes(5, 4093))
  for (const windowsize of ['1', '32']) {
    const udp = new FakeUdp({ seed: 12, lose: 0.0005, double: 0.0005, delay: 0.0005 }, { record: false })
    const clock = new FakeClock()
    const served = await serve(udp.host(here), clock, memoryFiles({ a: content }), at)
    const { content: got } = await wind(clock, udp, readFile(udp.host('192.0.2.9'), { server: at, file: 'a', options: [['windowsize', windowsize]], clock }))
    t.equal(digest(got), digest(content), `windowsize ${windowsize}`)
    await closed(served, clock, udp)
  }
})
