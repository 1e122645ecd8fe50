import { randomBytes } from 'node:crypto'
import t from 'tap'
import { GuardTokens } from '../../src/machines/guard-tokens.js'
import { mac } from '../helpers/dhcp.js'

const [first, second] = [mac('52:54:00:00:00:01'), mac('52:54:00:00:00:02')]
const secret = Buffer.alloc(32, 7)
const limits = { window: 600_000, count: 3 }
const now = 1_700_000_000_000

t.test('a token is good for its machine, in its window, so many times', t => {
  const tokens = new GuardTokens(secret)
  const token = tokens.mint(first, now)
  t.match(token, /^[0-9a-z]+-[\w-]{22}$/)
  t.equal(tokens.take(first, token, now + 1000, limits), undefined)
  t.match(tokens.take(second, token, now, limits), /not one that was given to this machine/)
  t.equal(tokens.take(first, token, now + 600_000, limits), undefined)
  t.match(tokens.take(first, token, now + 601_000, limits), /601 s old, and guard_window is 600 s/)
  t.equal(tokens.take(first, token, now + 2000, limits), undefined)
  t.match(tokens.take(first, token, now + 2000, limits), /used 3 times already/)
  t.end()
})

t.test('a restart knows the tokens of before, another secret does not', t => {
  const token = new GuardTokens(secret).mint(first, now)
  t.equal(new GuardTokens(secret).take(first, token, now, limits), undefined)
  t.match(new GuardTokens(randomBytes(32)).take(first, token, now, limits), /not one that was given/)
  t.end()
})

t.test('a guess is refused whatever it looks like, and costs no memory', t => {
  const tokens = new GuardTokens(secret)
  const good = tokens.mint(first, now)
  for (const guess of [undefined, '', '-', good.slice(1), `${good}A`, good.replace(/^./, 'z'), `${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}x`,
    '0'.repeat(100_000), `${'z'.repeat(11)}-${'A'.repeat(22)}`, `1-${'é'.repeat(22)}`]) {
    t.type(tokens.take(first, guess, now, limits), 'string', String(guess).slice(0, 40))
  }
  t.equal(tokens.take(first, good, now, limits), undefined)
  t.end()
})

t.test('a clock that was set back ends tokens no later', t => {
  const tokens = new GuardTokens(secret)
  const token = tokens.mint(first, now)
  t.equal(tokens.take(first, token, now - 500_000, limits), undefined)
  t.match(tokens.take(first, token, now - 3_600_000, limits), /old/)
  t.end()
})
