// Sizes as alecthomas/units reads them: `10GiB`, `1GiB512MiB`, `1.5TiB`, also `10GB` for the same; never a bare number.

import { goQuote } from '../../go/quote.js'

export type Sectors = { readonly ok: true, readonly sectors: bigint } | { readonly ok: false, readonly problem: string }

const powers = ['K', 'M', 'G', 'T', 'P', 'E'] as const
const unitsEndingIn = (suffix: string): ReadonlyMap<string, number> =>
  new Map([['B', 1], ...powers.map((prefix, i): [string, number] => [`${prefix}${suffix}`, 1024 ** (i + 1)])])
const binaryUnits = unitsEndingIn('iB')
const oldUnits = unitsEndingIn('B')

/** A partition's size or start in sectors of 512 bytes, rounded up; 0 for ''. */
export function readSectors (text: string): Sectors {
  if (text === '') return { ok: true, sectors: 0n }
  const first = readBytes(text, binaryUnits)
  const bytes = typeof first === 'bigint' ? first : readBytes(text, oldUnits)
  if (typeof bytes === 'string') return { ok: false, problem: bytes }
  if (bytes < 0n) return { ok: false, problem: `invalid dimension (negative): ${goQuote(text)}` }
  return { ok: true, sectors: (bytes + 511n) / 512n }
}

/** Bytes, or what is wrong. Reckons in float64 as the reference does, so that both lose the same digits. */
function readBytes (text: string, units: ReadonlyMap<string, number>): bigint | string {
  const invalid = `units: invalid ${text}`
  const negative = text.startsWith('-')
  const unsigned = text.replace(/^[-+]/, '')
  if (unsigned === '0') return 0n
  if (unsigned === '') return invalid
  let total = 0
  for (let rest = unsigned; rest !== '';) {
    const [amount = '', whole = '', fraction = ''] = /^(\d*)(?:\.(\d*))?/.exec(rest) ?? []
    if (whole + fraction === '' || tooLong(whole) || tooLong(fraction)) return invalid
    const unit = /^[^\d.]*/.exec(rest.slice(amount.length))?.[0] ?? ''
    const scale = units.get(unit)
    if (scale === undefined) return `units: unknown unit ${unit} in ${text}`
    total += (Number(whole) + Number(fraction) / 10 ** fraction.length) * scale
    rest = rest.slice(amount.length + unit.length)
  }
  if (total > 2 ** 63) return 'units: overflow parsing unit'
  const bytes = BigInt(Math.trunc(total))
  // 2^63 itself slips through and turns into the least int64.
  return BigInt.asIntN(64, negative ? -bytes : bytes)
}

/** More digits than the reference's int64 takes: it gives up once what it has so far is (2^63 - 10) / 10 or more. */
function tooLong (digits: string): boolean {
  const significant = digits.slice(0, -1).replace(/^0+/, '')
  return significant.length > 20 || BigInt(significant) >= (2n ** 63n - 10n) / 10n
}
