// Numbers as Go's strconv reads them: ParseInt in base 10 and in the syntax of the language (base 0), and ParseFloat.

/** strconv.ParseInt with base 10 and 64 bits. */
export function parseDecimal (text: string): bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const digits = text.replace(/^[+-]?0*/, '')
  if (digits.length > 19) return undefined
  const value = text.startsWith('-') ? -BigInt(digits) : BigInt(digits)
  return BigInt.asIntN(64, value) === value ? value : undefined
}

/** Whether each underscore stands between digits (or between the base prefix and a digit). */
function underscoresFit (text: string): boolean {
  const [, prefix = '', rest = ''] = /^[+-]?(0[bBoOxX])?(.*)$/.exec(text) ?? []
  const digit = /[xX]/.test(prefix) ? '[0-9a-fA-F]' : '[0-9]'
  const marked = (prefix === '' ? '' : '0') + rest
  return !new RegExp(`(?<!${digit})_|_(?!${digit})`).test(marked)
}

// A 64-bit integer has at most 64 digits (binary); the rest is room for leading zeros and underscores.
const longestWhole = 1000

/** strconv.ParseUint with base 0, without the range check. */
export function parseWhole (text: string): bigint | undefined {
  if (text.length > longestWhole || !/^[0-9]/.test(text) || (text.includes('_') && !underscoresFit(text))) return undefined
  const digits = text.replaceAll('_', '').toLowerCase()
  if (/^0[0-7]+$/.test(digits)) return BigInt('0o' + digits)
  return /^(?:0|[1-9]\d*|0b[01]+|0o[0-7]+|0x[0-9a-f]+)$/.test(digits) ? BigInt(digits) : undefined
}

/** Digits of a hexadecimal mantissa that are all a number, and not infinity. */
const mostHexDigits = 250

function parseHexFloat (text: string): number | undefined {
  const parts = /^([+-]?)0x([0-9a-f]*)(?:\.([0-9a-f]*))?p([+-]?\d+)$/.exec(text)
  if (parts === null) return undefined
  const [, sign, whole = '', fraction = '', power = ''] = parts
  if (whole + fraction === '') return undefined
  // In steps, since the mantissa may be far larger than the result or far smaller, while 2**exponent alone is out of range.
  const mantissa = BigInt('0x' + whole + fraction)
  // Of so many digits a number that is too large by itself keeps its first ones, and that there are others behind them.
  const dropped = 4 * Math.max(0, mantissa.toString(16).length - mostHexDigits)
  let value = Number(dropped === 0 ? mantissa : mantissa >> BigInt(dropped) | 1n)
  let exponent = Math.max(-20000, Math.min(20000, Number(power))) - 4 * fraction.length + dropped
  for (; exponent > 1000; exponent -= 1000) value *= 2 ** 1000
  for (; exponent < -1000; exponent += 1000) value *= 2 ** -1000
  value *= 2 ** exponent
  return sign === '-' ? -value : value
}

/** strconv.ParseFloat, or undefined where it reports an error (out of range is one). */
export function parseFloat64 (text: string): number | undefined {
  const infinity = /^([+-]?)inf(?:inity)?$/i.exec(text)
  if (infinity !== null) return infinity[1] === '-' ? -Infinity : Infinity
  if (/^nan$/i.test(text)) return NaN
  if (text.includes('_') && !underscoresFit(text)) return undefined
  const plain = text.replaceAll('_', '').toLowerCase()
  const value = /^[+-]?0x/.test(plain)
    ? parseHexFloat(plain)
    : /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/.test(plain) ? Number(plain) : undefined
  return value === undefined || !Number.isFinite(value) ? undefined : value
}
