import { randomBytes } from 'node:crypto'
import t from 'tap'
import { GuardTokens, nameOfToken } from '../../src/machines/guard-tokens.js'
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

t.test('a window is over a millisecond after its end, and the other\'s clock may be off by as much as is said', t => {
  const tokens = new GuardTokens(secret)
  const token = tokens.mint(first, now)
  for (const [age, slack, isGood] of [
    [600_000, undefined, true], [600_001, undefined, false], [600_500, 500, true], [600_501, 500, false], [-600_500, 500, true], [-600_501, 500, false]
  ] as const) {
    t.same(typeof tokens.check(first, token, now + age, 600_000, slack), isGood ? 'object' : 'string', `${age} ms, ${slack}`)
  }
  t.same(tokens.check(first, token, now + 7, 600_000), { made: now })
  t.end()
})

t.test('a use that came to nothing is given back', t => {
  const tokens = new GuardTokens(secret)
  const token = tokens.mint(first, now)
  tokens.giveBack(token)
  t.same([...tokens.uses], [])
  for (let n = 0; n < 3; n++) t.equal(tokens.take(first, token, now + n, limits), undefined)
  tokens.giveBack(token)
  t.same(tokens.useOf(token), { name: nameOfToken(token), count: 2, until: now + 600_000 })
  tokens.giveBack(token)
  t.match(tokens.useOf(token), { count: 1 })
  tokens.giveBack(token)
  t.same([...tokens.uses], [])
  t.equal(nameOfToken('abc'), 'ba7816bf8f01cfea414140de5dae2223', 'half of its SHA-256 (FIPS 180-4)')
  t.end()
})

t.test('a token that ended is counted no more, and of more than 65,536 the first is forgotten', t => {
  const tokens = new GuardTokens(secret)
  tokens.know({ name: 'over', count: 1, until: now - 1 })
  tokens.know({ name: 'ends now', count: 1, until: now })
  tokens.take(first, tokens.mint(first, now), now, limits)
  t.same([...tokens.uses].map(({ count }) => count), [1, 1])
  for (let n = 0; n < 65_533; n++) tokens.know({ name: String(n), count: 1, until: now })
  tokens.take(second, tokens.mint(second, now), now, limits)
  t.same([[...tokens.uses].length, [...tokens.uses][0]?.name], [65_536, 'ends now'])
  tokens.take(first, tokens.mint(first, now + 1), now, limits)
  t.equal([...tokens.uses].length, 65_536)
  t.equal([...tokens.uses].some(({ name }) => name === 'ends now'), false)
  t.end()
})
