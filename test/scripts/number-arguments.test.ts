import t from 'tap'
import { assertAtMost, numberOf, numbersOf, seedOf } from '../../scripts/lib/number-arguments.js'

t.test('numbers as they are typed', t => {
  t.equal(numberOf('N', '12'), 12)
  t.equal(numberOf('N', '1e6'), 1_000_000)
  t.equal(numberOf('N', '0', { least: 0 }), 0)
  t.equal(numberOf('N', '0.5', { least: 0, hasParts: true }), 0.5)
  t.same(numbersOf('N', '10,1000'), [10, 1000])
  t.equal(seedOf('SEED', '0'), 0)
  t.ok(Number.isSafeInteger(seedOf('SEED', undefined)))
  assertAtMost(['1', '2'], 2)
  t.end()
})

t.test('what is none, or cannot be', t => {
  for (const text of ['', ' ', 'abc', '-1', '0', '1.5', '0x10', '10 ', '1,5', 'Infinity', 'NaN', '1e400', '9007199254740993']) {
    t.throws(() => numberOf('--rounds', text), { message: `--rounds takes a whole number from 1 on, not ${JSON.stringify(text)}` })
  }
  t.throws(() => numberOf('--loss', '101', { least: 0, most: 100, hasParts: true }), { message: '--loss takes a number from 0 to 100, not "101"' })
  for (const text of ['', '10,', '10,,20', '10,x']) t.throws(() => numbersOf('--sizes', text), { message: /^--sizes takes a whole number/ })
  t.throws(() => assertAtMost(['1', 'x'], 1), { message: 'there is nothing that "x" could say' })
  t.end()
})
