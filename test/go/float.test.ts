// formatFloat against JavaScript's own conversions, which agree where there is no tie to round.
import t from 'tap'
import fc from 'fast-check'
import { type FloatFormat, formatFloat } from '../../src/go/float.js'

const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
t.comment(`seed ${seed}`)

t.test('the shortest digits read back as the value', t => {
  fc.assert(fc.property(finite, fc.constantFrom('e', 'f', 'g', 'E', 'G'), (value, format) => {
    if (!Object.is(Number(formatFloat(value, format as 'e', -1)), value)) throw new Error(`${value} %${format}`)
  }), { seed })
  t.end()
})

t.test('digits to a precision', t => {
  fc.assert(fc.property(finite, fc.integer({ min: 0, max: 60 }), (value, precision) => {
    const [, digits, sign, exponent] = /^(.*)e([+-])(\d+)$/.exec(value.toExponential(precision))!
    const expected = `${Object.is(value, -0) ? '-' : ''}${digits}e${sign}${exponent!.padStart(2, '0')}`
    const actual = formatFloat(value, 'e', precision)
    // Go rounds a tie to even, JavaScript up; no double has more digits than 800.
    const isTie = (): boolean => new RegExp(`^-?\\d\\.\\d{${precision}}50*e`).test(formatFloat(value, 'e', 800))
    if (actual !== expected && !isTie()) throw new Error(`${value} ${precision}: ${actual}, not ${expected}`)
  }), { seed })
  t.end()
})

t.test('hexadecimal reads back as the value', t => {
  fc.assert(fc.property(finite, value => {
    const [, sign, digit, fraction = '', exponent] = /^(-?)0x([01])(?:\.([0-9a-f]+))?p([+-]\d+)$/.exec(formatFloat(value, 'x', -1))!
    const mantissa = parseInt(digit! + fraction, 16) / 16 ** fraction.length
    const half = Math.floor(Number(exponent) / 2)
    const read = mantissa * 2 ** half * 2 ** (Number(exponent) - half)
    if (!Object.is(sign === '-' ? -read : read, value)) throw new Error(String(value))
  }), { seed })
  t.end()
})

const rows: ReadonlyArray<readonly [number, FloatFormat, number, string]> = [
  [144.1872666559831, 'e', 46, '1.4418726665598310887617117259651422500610351562e+02'],
  [0, 'g', -1, '0'], [0, 'e', 3, '0.000e+00'], [0, 'f', 0, '0'], [-0, 'f', 1, '-0.0'], [9.995, 'f', 2, '9.99'], [999.9996, 'f', 3, '1000.000'],
  [0.000999, 'g', 1, '0.001'], [99999.5, 'g', 5, '1e+05'], [1e23, 'g', -1, '1e+23'], [123456789, 'g', -1, '1.23456789e+08'], [1e100, 'f', -1, '1' + '0'.repeat(100)],
  [0.5, 'f', 0, '0'], [1.5, 'f', 0, '2'], [2.5, 'f', 0, '2'], [0.125, 'f', 2, '0.12'], [0.375, 'f', 2, '0.38'], [5e-324, 'e', 5, '4.94066e-324'],
  [0, 'g', 0, '0'], [0, 'g', 3, '0'], [0, 'e', -1, '0e+00'], [0, 'f', -1, '0'], [0, 'f', 2, '0.00'], [1, 'e', 0, '1e+00'], [0.5, 'e', 0, '5e-01'], [12, 'E', 1, '1.2E+01'],
  [0.6, 'f', 0, '1'], [0.4, 'f', 0, '0'], [0.06, 'f', 1, '0.1'], [0.005, 'f', 1, '0.0'], [0.0005, 'f', 1, '0.0'], [0.05, 'f', 3, '0.050'], [9.96, 'f', 1, '10.0'], [99, 'e', 0, '1e+02'],
  [0.03125, 'f', 4, '0.0312'], [0.09375, 'f', 4, '0.0938'], [1024, 'f', 2, '1024.00'], [2 ** 70, 'f', 0, '1180591620717411303424'], [2 ** 52, 'f', 0, '4503599627370496'],
  [1e-5, 'f', -1, '0.00001'], [1.5, 'f', -1, '1.5'], [120, 'f', -1, '120'],
  [1234, 'g', 0, '1e+03'], [5, 'g', 0, '5'], [1234, 'g', 4, '1234'], [1234, 'g', 3, '1.23e+03'], [100, 'g', 10, '100'], [1.5, 'g', 10, '1.5'], [0.00001, 'g', 3, '1e-05'],
  [0.0001, 'g', -1, '0.0001'], [0.00001, 'g', -1, '1e-05'], [100000, 'g', -1, '100000'], [1000000, 'g', -1, '1e+06'], [1000000, 'G', -1, '1E+06'], [1250000, 'g', 2, '1.2e+06'],
  [1, 'b', -1, '4503599627370496p-52'], [2 ** 52, 'b', -1, '4503599627370496p+0'], [2 ** 60, 'b', -1, '4503599627370496p+8'], [5e-324, 'b', -1, '1p-1074'],
  [0, 'x', -1, '0x0p+00'], [0, 'x', 2, '0x0.00p+00'], [1, 'x', -1, '0x1p+00'], [-10.5, 'X', -1, '-0X1.5P+03'], [5e-324, 'x', -1, '0x1p-1074'], [1, 'x', 16, '0x1.0000000000000000p+00'],
  // A half goes to the even digit, and may wrap around.
  [1.5, 'x', 0, '0x1p+01'], [1.25, 'x', 0, '0x1p+00'], [1.75, 'x', 0, '0x1p+01'], [1.03125, 'x', 1, '0x1.0p+00'], [1.09375, 'x', 1, '0x1.2p+00'], [1.96875, 'x', 1, '0x1.0p+01'],
  [1.046875, 'x', 1, '0x1.1p+00'], [1 + 2 ** -52, 'x', 13, '0x1.0000000000001p+00'], [1 + 2 ** -52, 'x', 12, '0x1.000000000000p+00'], [1 + 3 * 2 ** -52, 'x', 12, '0x1.000000000000p+00']
]
for (const [value, format, precision, text] of rows) t.equal(formatFloat(value, format, precision), text, `%.${precision}${format} of ${value}`)
