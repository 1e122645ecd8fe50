import t from 'tap'
import { ReservedAddresses } from '../../src/dhcp/reserved-addresses.js'
import type { Reservation } from '../../src/dhcp/reservations.js'
import { mac } from '../helpers/dhcp.js'

const entry = (ip: number, ...cards: readonly number[]): Reservation =>
  ({ macs: cards.map(n => mac(`52:54:00:00:00:0${n}`)), ip, hostName: undefined, source: '' })

t.test('of two that want an address the earlier has it, and the other when that goes', t => {
  const addresses = new ReservedAddresses()
  addresses.take(new Map([['1 b', entry(7, 2)], ['2 a', entry(8, 3)]]))
  addresses.take(new Map([['1 a', entry(7, 1)]]))
  t.equal(addresses.holderOf(7), mac('52:54:00:00:00:01'))
  addresses.take(new Map([['1 a', undefined]]))
  t.equal(addresses.holderOf(7), mac('52:54:00:00:00:02'))
  addresses.take(new Map([['1 b', entry(9, 2, 4)]]))
  t.equal(addresses.holderOf(7), undefined, 'it has another address now')
  t.equal(addresses.holderOf(9), mac('52:54:00:00:00:02'), 'one of its cards stands for the machine')
  t.equal(addresses.holderOf(8), mac('52:54:00:00:00:03'))
  addresses.take(new Map([['2 a', entry(8)]]))
  t.equal(addresses.holderOf(8), undefined, 'it names nobody')
  t.end()
})
