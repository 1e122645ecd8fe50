// Numbers as strconv reads them.
import t from 'tap'
import { parseFloat64, parseWhole } from '../../src/go/number.js'

t.test('hexadecimal floats, from the smallest to the largest', t => {
  const rows: ReadonlyArray<readonly [text: string, value: number | undefined]> = [
    ['0x1p0', 1], ['-0x1P+4', -16], ['0x.8p0', 0.5], ['0x1.p0', 1], ['0x1.8p1', 3], ['0x_1p0', 1], ['0x1p1023', 2 ** 1023], ['0x1p1024', undefined], ['0x1p1000', 2 ** 1000], ['0x1p1001', 2 ** 1001], ['0x1.fffffffffffffp1023', Number.MAX_VALUE],
    ['0x1p-1022', 2 ** -1022], ['0x1p-1074', 5e-324], ['0x1p-1100', 0], ['0x1p-99999', 0], ['0x0p1500', 0], ['0x0p99999', 0], ['-0x0p0', -0], ['0x1p-1000', 2 ** -1000], ['0x1p-1001', 2 ** -1001],
    // A mantissa that is far larger than the number, or far smaller.
    [`0x1${'0'.repeat(300)}p-1100`, 2 ** 100], [`-0x1${'0'.repeat(300)}p-1200`, -1], [`0x0.${'0'.repeat(300)}1p1204`, 1], [`0x1${'0'.repeat(225)}p-1500`, 2 ** -600], [`0x${'f'.repeat(257)}p0`, undefined], [`0x1${'0'.repeat(255)}p0`, 2 ** 1020], [`0x1${'0'.repeat(256)}p-4`, 2 ** 1020], [`0x${'0'.repeat(400)}1p0`, 1], [`0x${'0'.repeat(400)}.8p0`, 0.5],
    ['0xp1', undefined], ['0x.p1', undefined], ['0x1', undefined], ['0x1p', undefined], ['0x1.8', undefined], ['0xgp1', undefined]
  ]
  for (const [text, value] of rows) t.equal(parseFloat64(text), value, text.slice(0, 40))
  t.end()
})

t.test('decimal floats', t => {
  for (const [text, value] of [
    ['1', 1], ['+1.5', 1.5], ['.5', 0.5], ['5.', 5], ['1e3', 1000], ['1E-3', 0.001], ['1e400', undefined], ['1e-400', 0], ['inf', Infinity], ['-Infinity', -Infinity], ['+INF', Infinity], ['1_0', 10],
    ['.', undefined], ['', undefined], ['1e', undefined], ['infi', undefined], ['+nan', undefined], [' 1', undefined]
  ] as const) t.equal(parseFloat64(text), value, text)
  t.ok(Number.isNaN(parseFloat64('NaN')))
  t.end()
})

t.test('whole numbers with the sign of their base', t => {
  for (const [text, value] of [
    ['0', 0n], ['10', 10n], ['010', 8n], ['0o10', 8n], ['0b10', 2n], ['0XfF', 255n], ['1_000', 1000n], ['0_7', 7n], ['0x_1', 1n], [`0x${'0'.repeat(997)}1`, 1n],
    ['08', undefined], ['', undefined], ['-1', undefined], ['_1', undefined], ['1_', undefined], ['1__0', undefined], ['0x', undefined], ['0b2', undefined], [`0x${'0'.repeat(998)}1`, undefined]
  ] as const) t.equal(parseWhole(text), value, text.slice(0, 40))
  t.end()
})
