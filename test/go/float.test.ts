// formatFloat against JavaScript's own conversions, which agree where there is no tie to round.
import t from 'tap'
import fc from 'fast-check'
import { formatFloat } from '../../src/go/float.js'

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

const rows: ReadonlyArray<readonly [number, 'e' | 'f' | 'g', number, string]> = [
  [144.1872666559831, 'e', 46, '1.4418726665598310887617117259651422500610351562e+02'],
  [0, 'g', -1, '0'], [0, 'e', 3, '0.000e+00'], [0, 'f', 0, '0'], [-0, 'f', 1, '-0.0'], [9.995, 'f', 2, '9.99'], [999.9996, 'f', 3, '1000.000'],
  [0.000999, 'g', 1, '0.001'], [99999.5, 'g', 5, '1e+05'], [1e23, 'g', -1, '1e+23'], [123456789, 'g', -1, '1.23456789e+08'], [1e100, 'f', -1, '1' + '0'.repeat(100)],
  [0.5, 'f', 0, '0'], [1.5, 'f', 0, '2'], [2.5, 'f', 0, '2'], [0.125, 'f', 2, '0.12'], [0.375, 'f', 2, '0.38'], [5e-324, 'e', 5, '4.94066e-324']
]
for (const [value, format, precision, text] of rows) t.equal(formatFloat(value, format, precision), text, `%.${precision}${format} of ${value}`)
