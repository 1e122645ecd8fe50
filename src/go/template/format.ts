// One value under one verb's flags, width and precision: the formatting half of Go's fmt (its format.go).
import { formatFloat, type FloatFormat } from '../float.js'
import { canBackquote, goQuote, quoteRune } from '../quote.js'
import { firstRunes, goBytes, maxRune, runeCount, runeError, stringOfRune } from '../string.js'
import { isPrint } from '../unicode.js'

export interface Flags {
  width: number | undefined
  precision: number | undefined
  minus: boolean
  plus: boolean
  sharp: boolean
  space: boolean
  zero: boolean
  /** %#v: Go syntax. (%+v only concerns structs, which templates never see; it takes the plus away.) */
  sharpV: boolean
}

export const noFlags = (): Flags => ({
  width: undefined, precision: undefined, minus: false, plus: false, sharp: false, space: false, zero: false, sharpV: false
})

function padding (flags: Flags, count: number): string {
  return count > 0 ? (flags.zero ? '0' : ' ').repeat(count) : ''
}

export function pad (flags: Flags, text: string): string {
  if (flags.width === undefined) return text
  const fill = padding(flags, flags.width - runeCount(text))
  return flags.minus ? text + fill : fill + text
}

const padWithSpaces = (flags: Flags, text: string): string => pad({ ...flags, zero: false }, text)

export const formatBool = (flags: Flags, value: boolean): string => pad(flags, value ? 'true' : 'false')

const truncate = (flags: Flags, text: string): string =>
  flags.precision === undefined ? text : firstRunes(text, flags.precision)

export const formatString = (flags: Flags, text: string): string => pad(flags, truncate(flags, text))

export function formatQuoted (flags: Flags, text: string): string {
  const shown = truncate(flags, text)
  return pad(flags, flags.sharp && canBackquote(shown) ? `\`${shown}\`` : goQuote(shown, flags.plus))
}

/** The bytes of a string in hexadecimal (%x and %X). */
export function formatHexBytes (flags: Flags, text: string, upper: boolean): string {
  let digits = goBytes(text).toString('hex', 0, flags.precision)
  const prefix = flags.sharp && digits !== '' ? '0x' : ''
  if (flags.space) digits = digits.replace(/..(?=.)/g, `$& ${prefix}`)
  digits = prefix + digits
  return pad(flags, upper ? digits.toUpperCase() : digits)
}

export type IntegerFormat = 'b' | 'o' | 'O' | 'd' | 'x' | 'X'

const radix = { b: 2, o: 8, O: 8, d: 10, x: 16, X: 16 } as const

export function formatInteger (flags: Flags, value: bigint, format: IntegerFormat): string {
  const { width, precision, sharp } = flags
  const sign = value < 0n ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
  let digits = ''
  if (precision === undefined) {
    digits = (value < 0n ? -value : value).toString(radix[format])
    if (flags.zero && width !== undefined) digits = digits.padStart(width - sign.length, '0')
  } else if (precision === 0 && value === 0n) {
    return padWithSpaces(flags, '') // a precision of nothing and a value of nothing: only padding, not even a sign
  } else {
    digits = (value < 0n ? -value : value).toString(radix[format]).padStart(precision, '0')
  }
  if (format === 'X') digits = digits.toUpperCase()
  if (format === 'O' && !sharp) digits = '0o' + digits
  if (sharp) {
    if (format === 'b') digits = '0b' + digits
    if (format === 'x' || format === 'X') digits = '0' + format + digits
    if ((format === 'o' || format === 'O') && !digits.startsWith('0')) digits = '0' + digits
    if (format === 'O') digits = '0o' + digits
  }
  return padWithSpaces(flags, sign + digits)
}

const runeOf = (value: bigint): number => value < 0n || value > BigInt(maxRune) ? runeError : Number(value)

export const formatCharacter = (flags: Flags, value: bigint): string => pad(flags, stringOfRune(runeOf(value)))

export const formatQuotedCharacter = (flags: Flags, value: bigint): string => pad(flags, quoteRune(runeOf(value), flags.plus))

/** %U: `U+0078`, and with # the character after it. */
export function formatUnicode (flags: Flags, value: bigint): string {
  const digits = BigInt.asUintN(64, value).toString(16).toUpperCase().padStart(Math.max(4, flags.precision ?? 0), '0')
  const shown = flags.sharp && value >= 0n && value <= BigInt(maxRune) && isPrint(Number(value))
  return padWithSpaces(flags, `U+${digits}${shown ? ` '${stringOfRune(Number(value))}'` : ''}`)
}

/** `#` keeps the decimal point, and for %g and %x the zeros up to the precision. */
function sharpened (number: string, format: FloatFormat, precision: number): string {
  const tailAt = number.search(format === 'x' || format === 'X' ? /[pP]/ : /[eE]/)
  const body = tailAt < 0 ? number : number.slice(0, tailAt)
  const tail = tailAt < 0 ? '' : number.slice(tailAt)
  const point = body.includes('.') ? '' : '.'
  if (format !== 'g' && format !== 'G' && format !== 'x') return body + point + tail
  // Digits count from the first that is not zero; in `0x1p-02` fmt takes the x for one.
  const counted = body === '0' ? 1 : body.replace('.', '').replace(/^0+/, '').length
  return body + point + '0'.repeat(Math.max(0, (precision < 0 ? 6 : precision) - counted)) + tail
}

/** `precision` is the default where the verb gives none; -1 for the shortest. */
export function formatFloatVerb (flags: Flags, value: number, format: FloatFormat, precision: number): string {
  const digits = flags.precision ?? precision
  const text = formatFloat(value, format, digits)
  const negative = text.startsWith('-')
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
  const plain = negative ? text.slice(1) : text
  const number = flags.sharp && format !== 'b' ? sharpened(plain, format, digits) : plain
  if (sign !== '' && flags.zero && flags.width !== undefined) return sign + number.padStart(flags.width - 1, '0')
  return pad(flags, sign + number)
}
