// How Go writes a float64: strconv.FormatFloat for the formats e E f g G b x X, correctly rounded to any precision (half to
// even on the exact decimal value), or with the fewest digits that read back the same when the precision is -1.

export type FloatFormat = 'e' | 'E' | 'f' | 'g' | 'G' | 'b' | 'x' | 'X'

/** 0.digits * 10^point; without digits zero. */
interface Decimal { readonly digits: string, readonly point: number }
const zero: Decimal = { digits: '', point: 1 }

const mantissaBits = 52n
const mantissaMask = (1n << mantissaBits) - 1n

/** The value as mantissa * 2^exponent, with the hidden bit of a normal number in the mantissa. */
function decompose (value: number): { mantissa: bigint, exponent: number } {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const biased = Number(bits >> mantissaBits & 0x7ffn)
  const fraction = bits & mantissaMask
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | 1n << mantissaBits, exponent: biased - 1075 }
}

const trimmed = (digits: string, point: number): Decimal => ({ digits: withoutLastZeros(digits), point })

function withoutLastZeros (digits: string): string {
  let { length } = digits
  while (digits[length - 1] === '0') length--
  return digits.slice(0, length)
}

function shortest (value: number): Decimal {
  const [digits = '', exponent] = value.toExponential().replace('.', '').split('e')
  return { digits, point: Number(exponent) + 1 }
}

function exact (value: number): Decimal {
  if (value === 0) return zero
  const { mantissa, exponent } = decompose(value)
  if (exponent >= 0) {
    const digits = (mantissa << BigInt(exponent)).toString()
    return trimmed(digits, digits.length)
  }
  const digits = (mantissa * 5n ** BigInt(-exponent)).toString()
  return trimmed(digits, digits.length + exponent)
}

/** The decimal with `count` digits at most. */
function round ({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point }
  if (count < 0) return zero
  const kept = digits.slice(0, count)
  const rest = digits.slice(count)
  const odd = Number(kept[count - 1]) % 2 === 1
  if (rest < '5' || (rest === '5' && !odd)) return trimmed(kept, point)
  const raised = (BigInt('0' + kept) + 1n).toString().padStart(count, '0')
  return trimmed(raised, raised.length > count ? point + 1 : point)
}

const exponentText = (letter: string, exponent: number): string =>
  letter + (exponent < 0 ? '-' : '+') + String(Math.abs(exponent)).padStart(2, '0')

function scientific ({ digits, point }: Decimal, precision: number, letter: string): string {
  const fraction = precision > 0 ? '.' + digits.slice(1, 1 + precision).padEnd(precision, '0') : ''
  return (digits[0] ?? '0') + fraction + exponentText(letter, point - 1)
}

function positional ({ digits, point }: Decimal, precision: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0'
  if (precision <= 0) return whole
  const fraction = point > 0 ? digits.slice(point) : '0'.repeat(Math.min(-point, precision)) + digits
  return `${whole}.${fraction.slice(0, precision).padEnd(precision, '0')}`
}

function general (value: number, letter: 'e' | 'E', precision: number): string {
  const count = precision === 0 ? 1 : precision
  const decimal = precision < 0 ? shortest(value) : round(exact(value), count)
  const { digits, point } = decimal
  // Go chooses the exponent form as for six digits when the digits are the shortest.
  const limit = precision < 0 ? 6 : count
  const exponent = point - 1
  return exponent < -4 || exponent >= limit
    ? scientific(decimal, Math.min(precision < 0 ? digits.length : count, digits.length) - 1, letter)
    : positional(decimal, Math.max(digits.length - point, 0))
}

function hexadecimal (value: number, upper: boolean, precision: number): string {
  let { mantissa, exponent } = decompose(value)
  exponent += 52
  if (mantissa === 0n) exponent = 0
  mantissa <<= 8n // the leading 1 at bit 60: fifteen hexadecimal digits after the point
  while (mantissa !== 0n && (mantissa & 1n << 60n) === 0n) {
    mantissa <<= 1n
    exponent--
  }
  if (precision >= 0 && precision < 15) {
    const dropped = BigInt(60 - 4 * precision)
    const rest = mantissa & (1n << dropped) - 1n
    mantissa >>= dropped
    const half = 1n << dropped - 1n
    if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa++
    mantissa <<= dropped
    if ((mantissa & 1n << 61n) !== 0n) {
      mantissa >>= 1n
      exponent++
    }
  }
  const digits = (mantissa & (1n << 60n) - 1n).toString(16).padStart(15, '0')
  const fraction = precision < 0 ? withoutLastZeros(digits) : digits.slice(0, precision).padEnd(precision, '0')
  const text = `0x${mantissa >> 60n}${fraction === '' ? '' : '.' + fraction}${exponentText('p', exponent)}`
  return upper ? text.toUpperCase() : text
}

function magnitude (value: number, format: FloatFormat, precision: number): string {
  switch (format) {
    case 'b': {
      const { mantissa, exponent } = decompose(value)
      return `${mantissa}p${exponent < 0 ? '' : '+'}${exponent}`
    }
    case 'x': case 'X': return hexadecimal(value, format === 'X', precision)
    case 'g': case 'G': return general(value, format === 'g' ? 'e' : 'E', precision)
    case 'f': {
      if (precision >= 0) {
        const decimal = exact(value)
        return positional(round(decimal, decimal.point + precision), precision)
      }
      const decimal = shortest(value)
      return positional(decimal, decimal.digits.length - decimal.point)
    }
    case 'e': case 'E': {
      const decimal = precision < 0 ? shortest(value) : round(exact(value), precision + 1)
      return scientific(decimal, precision < 0 ? decimal.digits.length - 1 : precision, format)
    }
  }
}

/** The value, which is finite (neither JSON nor a literal gives another), with a leading `-` for a negative one and for -0. */
export function formatFloat (value: number, format: FloatFormat, precision: number): string {
  const negative = value < 0 || Object.is(value, -0)
  return (negative ? '-' : '') + magnitude(Math.abs(value), format, precision)
}
