// Whose turn is not the first waits for the others, and answers when none of them did.
import t from 'tap'
import type { ClientMessage } from '../../src/dhcp/client-info.js'
import { AnswerTurns } from '../../src/dhcp/answer-turns.js'
import { parseMac } from '../../src/net/mac.js'
import { FakeClock } from '../helpers/fake-clock.js'

const asked = (n: number, dhcpMessageType: string, more: object = {}): ClientMessage =>
  ({ request: { secs: 3, options: { dhcpMessageType, ...more } }, client: { mac: parseMac(`52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`)! } }) as unknown as ClientMessage

function bench (delay?: number) {
  const clock = new FakeClock()
  const said: string[] = []
  const leases = new Map<string, object>()
  const turns = new AnswerTurns({
    turn: delay === undefined ? undefined : (_, secs) => secs === 3 ? delay : 0,
    table: { ofMac: (mac: string) => [leases.get(mac)] } as never,
    clock
  })
  const take = (n: number, message: ClientMessage): void => { turns.take(message, waited => { said.push(`${n} ${waited ? 'late' : 'at once'}`) }, () => { said.push(`${n} left`) }) }
  return { clock, said, leases, turns, take }
}

t.test('what is for one server is answered at once, what is for all after the others had their time', t => {
  const { clock, said, take } = bench(400)
  take(1, asked(1, 'REQUEST', { serverIdentifier: 1 }))
  take(2, asked(2, 'INFORM'))
  t.same(said.splice(0), ['1 at once', '2 at once'])
  take(3, asked(3, 'DISCOVER'))
  take(4, asked(4, 'REQUEST'))
  clock.advance(399)
  t.same(said, [])
  clock.advance(1)
  t.same(said, ['3 late', '4 late'])
  for (const first of [bench(0), bench()]) {
    first.take(1, asked(1, 'DISCOVER'))
    t.same([first.said, first.clock.pending], [['1 at once'], 0], 'the first one, and the only one')
  }
  t.end()
})

t.test('one that somebody else answered meanwhile is left; a newer message takes the place of an older one', t => {
  const { clock, said, leases, turns, take } = bench(400)
  take(1, asked(1, 'DISCOVER'))
  leases.set(asked(1, '').client.mac, {})
  take(2, asked(2, 'DISCOVER'))
  clock.advance(200)
  take(3, asked(2, 'REQUEST', { serverIdentifier: 1 }))
  t.same(said.splice(0), ['3 at once'])
  take(4, asked(3, 'DISCOVER'))
  clock.advance(200)
  t.same(said.splice(0), ['1 left'])
  take(5, asked(3, 'DISCOVER'))
  clock.advance(399)
  t.same(said, [])
  clock.advance(1)
  t.same(said.splice(0), ['5 late'])
  take(6, asked(6, 'DISCOVER'))
  turns.close()
  t.equal(clock.pending, 0)
  t.end()
})

t.test('of more than 2048 that wait the next is answered at once', t => {
  const { clock, said, take } = bench(400)
  for (let n = 0; n < 2048; n++) take(n, asked(n, 'DISCOVER'))
  t.same(said, [])
  take(2048, asked(2048, 'DISCOVER'))
  t.same(said.splice(0), ['2048 at once'])
  take(7, asked(7, 'REQUEST', { serverIdentifier: 1 }))
  t.same(said.splice(0), ['7 at once'])
  take(2048, asked(2048, 'DISCOVER'))
  t.same(said, [], 'who was answered before its time waits no more')
  clock.advance(400)
  t.same([said.length, clock.pending], [2048, 0])
  take(3000, asked(3000, 'DISCOVER'))
  t.equal(clock.pending, 1, 'and then they wait again')
  t.end()
})
