import t from 'tap'
import { longAfter, TransferPlaces, type PlacesOptions, type TransferSlot } from '../../src/tftp/places.js'
import type { TransferSession } from '../../src/tftp/transfer-session.js'
import type { WantedTransfer } from '../../src/tftp/wanted-transfer.js'
import { FakeClock } from '../helpers/fake-clock.js'

/** Transfers of which only is told what places ask of them. */
class Hall {
  readonly clock = new FakeClock()
  readonly slots: TransferSlot[] = []
  readonly gaveWay: string[] = []
  readonly dropped: string[] = []
  readonly places: TransferPlaces
  #port = 0

  constructor (options: Partial<PlacesOptions> = {}) {
    this.places = new TransferPlaces({
      maxTransfers: 8,
      maxTransfersPerClient: 4,
      clock: this.clock,
      isKnown: address => address.startsWith('known'),
      hear: () => {},
      begin: slot => {
        this.slots.push(slot)
        slot.session = this.#session(slot)
      },
      onDropped: ({ key }) => { this.dropped.push(key) },
      ...options
    })
  }

  get served (): string[] { return this.slots.splice(0).map(({ asked }) => asked.key) }

  ask (address: string, port = ++this.#port): string {
    return this.places.ask({ key: `${address}:${port}`, address, bytes: Buffer.from('a'), name: 'a', client: { address, port } } as unknown as WantedTransfer)
  }

  /** Milliseconds, in which the deadlines are looked at. */
  pass (milliseconds: number): void {
    for (let passed = 0; passed < milliseconds; passed += 100) {
      this.clock.advance(100)
      this.places.tick(this.clock.now(), 100)
    }
  }

  /** One that was confirmed, and goes on. */
  #session (slot: TransferSlot): TransferSession {
    const giveWay = (): void => {
      this.gaveWay.push(slot.asked.key)
      this.places.release(slot)
    }
    return { heard: true, stalled: false, restartable: false, started: this.clock.now(), tick: () => {}, replace: () => {}, giveWay } as unknown as TransferSession
  }
}

t.test('who holds many transfers for long gives way, however busy they are', async t => {
  const hall = new Hall()
  for (let n = 0; n < 6; n++) hall.ask('known-many', n)
  for (let n = 0; n < 4; n++) hall.ask(`one-${n}`, n)
  t.same(hall.served, ['known-many:0', 'known-many:1', 'known-many:2', 'known-many:3', 'one-0:0', 'one-1:1', 'one-2:2', 'one-3:3'])
  t.equal(hall.ask('newcomer', 1), 'waits')
  hall.pass(longAfter / 2)
  t.equal(hall.ask('newcomer', 1), 'repeated')
  hall.pass(longAfter / 2 - 100)
  t.same(hall.served, [], 'not yet')
  hall.pass(100)
  t.same(hall.served, ['newcomer:1'])
  t.same(hall.gaveWay, ['known-many:0'], 'one that holds one is left alone')
  t.equal(hall.ask('another', 1), 'begins')
  t.equal(hall.ask('third', 1), 'begins')
  t.equal(hall.ask('fourth', 1), 'waits', 'of addresses that hold one each, none')
  t.equal(hall.places.size, 8)
})

t.test('first goes who never answered, then who has stalled, then nobody', t => {
  const hall = new Hall()
  for (let n = 0; n < 4; n++) hall.ask('known-many', n)
  for (let n = 0; n < 4; n++) hall.ask('known-others', n)
  const sessions = new Map(hall.slots.map(({ asked, session }) => [asked.key, session]))
  Object.assign(sessions.get('known-many:1')!, { stalled: true })
  Object.assign(sessions.get('known-others:2')!, { heard: false })
  hall.served.splice(0)
  hall.pass(200)
  t.equal(hall.ask('first', 1), 'begins')
  t.same(hall.gaveWay, ['known-others:2'])
  t.equal(hall.ask('second', 1), 'begins')
  t.same(hall.gaveWay.slice(1), ['known-many:1'])
  t.equal(hall.ask('third', 1), 'waits')
  t.equal(hall.gaveWay.length, 2)
  t.end()
})

t.test('who has not answered yet has a fifth of a second', t => {
  const hall = new Hall()
  for (let n = 0; n < 8; n++) hall.ask(`one-${n}`, n)
  for (const { session } of hall.slots) Object.assign(session!, { heard: false })
  hall.pass(100)
  t.equal(hall.ask('newcomer', 1), 'waits')
  t.same(hall.gaveWay, [])
  hall.pass(100)
  t.same(hall.gaveWay, ['one-0:0'])
  t.end()
})

t.test('a stranger that waits with many requests holds up nobody', async t => {
  const hall = new Hall({ maxTransfers: 6 })
  for (let n = 0; n < 100; n++) for (const stranger of ['x', 'y', 'z']) hall.ask(stranger, n)
  const first = hall.slots.splice(0)
  t.equal(first.length, 6)
  hall.ask('honest', 1)
  hall.ask('known', 1)
  for (const slot of first) hall.places.release(slot)
  t.same(hall.served.slice(0, 2), ['known:1', 'honest:1'])
  t.equal(hall.places.size, 6)
  t.equal(hall.places.waiting, 300 - 6 - 4)
})

t.test('one that is asked for again in another way keeps its place', async t => {
  const hall = new Hall({ maxTransfers: 2 })
  hall.ask('a', 1)
  hall.ask('b', 1)
  hall.ask('c', 1)
  t.same(hall.served, ['a:1', 'b:1'])
  const { key, address } = { key: 'a:1', address: 'a' }
  t.equal(hall.places.ask({ key, address, bytes: Buffer.from('other'), name: 'b', client: { address, port: 1 } } as unknown as WantedTransfer), 'begins')
  t.same(hall.served, ['a:1'])
  t.equal(hall.places.waiting, 1)
})

t.test('who waits and does not ask again is dropped, and nobody is served any more when it closes', async t => {
  const hall = new Hall({ maxTransfers: 1 })
  hall.ask('a', 1)
  hall.ask('b', 1)
  hall.pass(20_000)
  t.same(hall.dropped, ['b:1'])
  hall.ask('c', 1)
  const [slot] = hall.slots.splice(0)
  const closed = hall.places.close(1000, () => {})
  hall.places.release(slot!)
  await closed
  t.same(hall.served, [])
})
