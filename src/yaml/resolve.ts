// What a scalar's text stands for: YAML 1.1 types as go-yaml resolves them. v2 takes all of 1.1's words for truth (`yes`, `n`,
// `off`), v3 only true and false (and the others where a bool is wanted, see decode.ts); both read `0644` and `0o644` as octal,
// drop underscores from numbers and know no sexagesimals.
import { decodeBase64 } from '../go/base64.js'
import { parseFloat64, parseWhole } from '../go/number.js'
import { goString } from '../go/string.js'
import { unixTime } from '../go/time.js'
import { YamlError } from './yaml-error.js'
import type { YamlScalar } from './node.js'
import type { YamlDialect } from './yaml-error.js'

/** `tag` is short (`!!int`) or, of an application, as written. `timestamp` and `merge` keep their text. */
export type Resolved =
  | { readonly type: 'null', readonly tag: string }
  | { readonly type: 'bool', readonly tag: string, readonly value: boolean }
  | { readonly type: 'int', readonly tag: string, readonly value: bigint }
  | { readonly type: 'float', readonly tag: string, readonly value: number }
  | { readonly type: 'string' | 'timestamp' | 'binary', readonly tag: string, readonly value: string }

const longPrefix = 'tag:yaml.org,2002:'
export const shortTag = (tag: string): string => tag.startsWith(longPrefix) ? `!!${tag.slice(longPrefix.length)}` : tag

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '))
const nulls = new Set(['', '~', 'null', 'Null', 'NULL'])
const truths = words('true True TRUE')
const untruths = words('false False FALSE')
/** YAML 1.1's further words for true and false. */
export const looseTruths = words('y Y yes Yes YES on On ON')
export const looseUntruths = words('n N no No NO off Off OFF')
const notNumbers = words('.nan .NaN .NAN')
const infinities = words('.inf .Inf .INF +.inf +.Inf +.INF')
const negativeInfinities = words('-.inf -.Inf -.INF')

const typeOfTag = { '!!str': 'string', '!!bool': 'bool', '!!int': 'int', '!!float': 'float', '!!null': 'null' } as const

/** What `scalar` is by its tag, style and text. Throws YamlError where a tag does not fit the text. */
export function resolveScalar (scalar: YamlScalar, dialect: YamlDialect): Resolved {
  const { tag, style, value } = scalar
  if (style !== 'plain' && (tag === '' || (tag === '!' && dialect === 'v3'))) return { type: 'string', tag: '!!str', value }
  const short = shortTag(tag)
  if (short === '!!binary') return { type: 'binary', tag: short, value: binaryText(scalar) }
  if (short === '' || (short === '!' && dialect === 'v3')) return resolvePlain(value, dialect)
  if (short === '!!timestamp' && dialect === 'v3') return resolveTimestamp(scalar)
  const wanted = Object.entries(typeOfTag).find(([name]) => name === short)?.[1]
  if (wanted === undefined) return { type: 'string', tag: short, value }
  if (wanted === 'string') return { type: 'string', tag: '!!str', value }
  const found = resolvePlain(value, dialect, false)
  if (found.type === wanted) return found
  if (wanted === 'float' && found.type === 'int' && dialect === 'v3' && found.value <= maximumInt) {
    return { type: 'float', tag: '!!float', value: Number(found.value) }
  }
  throw new YamlError(`yaml: cannot decode ${found.tag} \`${value}\` as a ${short}`, scalar)
}

function resolveTimestamp (scalar: YamlScalar): Resolved {
  const found = resolvePlain(scalar.value, 'v3')
  if (found.type === 'timestamp') return found
  throw new YamlError(`yaml: cannot decode ${found.tag} \`${scalar.value}\` as a !!timestamp`, scalar)
}

function binaryText (scalar: YamlScalar): string {
  const decoded = decodeBase64(scalar.value.replace(/[\r\n]/g, ''))
  if ('corruptAt' in decoded) throw new YamlError('yaml: !!binary value contains invalid base64 data', scalar)
  return goString(decoded)
}

// v2 asks for a digit after the point and for a sign in the exponent: `501.` and `4e2` are strings to it.
const floatForms = {
  v2: /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]+)?)([eE][-+][0-9]+)?$/,
  v3: /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/
} as const

/** Nobody writes longer numbers; they are strings. */
const longestNumber = 1000

function resolvePlain (text: string, dialect: YamlDialect, timestamps = dialect === 'v3'): Resolved {
  const string: Resolved = { type: 'string', tag: '!!str', value: text }
  if (!/^([-+.0-9yYnNtTfFoO~]|$)/.test(text)) return text === '<<' && dialect === 'v3' ? { ...string, tag: '!!merge' } : string
  if (nulls.has(text)) return { type: 'null', tag: '!!null' }
  if (truths.has(text) || (dialect === 'v2' && looseTruths.has(text))) return { type: 'bool', tag: '!!bool', value: true }
  if (untruths.has(text) || (dialect === 'v2' && looseUntruths.has(text))) return { type: 'bool', tag: '!!bool', value: false }
  const float = (value: number): Resolved => ({ type: 'float', tag: '!!float', value })
  if (notNumbers.has(text)) return float(NaN)
  if (infinities.has(text)) return float(Infinity)
  if (negativeInfinities.has(text)) return float(-Infinity)
  if (text.startsWith('.') && text.length <= longestNumber) {
    const value = parseFloat64(text)
    return value === undefined ? string : float(value)
  }
  if (!/^[-+0-9]/.test(text) || text.length > longestNumber) return string
  if (timestamps && isTimestamp(text)) return { type: 'timestamp', tag: '!!timestamp', value: text }
  const plain = text.replaceAll('_', '')
  const int = parseInteger(plain)
  if (int !== undefined) return { type: 'int', tag: '!!int', value: int }
  if (floatForms[dialect].test(plain)) {
    const value = parseFloat64(plain)
    if (value !== undefined) return float(value)
  }
  return string
}

export const maximumInt = 2n ** 63n - 1n
const maximumUint = 2n ** 64n - 1n

/** strconv.ParseInt with base 0, or ParseUint where that is too small. */
function parseInteger (text: string): bigint | undefined {
  const magnitude = parseWhole(text.replace(/^[-+]/, ''))
  if (magnitude === undefined) return undefined
  const value = text.startsWith('-') ? -magnitude : magnitude
  return value >= -maximumInt - 1n && value <= (/^[-+]/.test(text) ? maximumInt : maximumUint) ? value : undefined
}

const clock = String.raw`(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d{0,9}))?`
const timestampForms = [
  /^(\d{4})-(\d{1,2})-(\d{1,2})$/,
  new RegExp(String.raw`^(\d{4})-(\d{1,2})-(\d{1,2})[Tt]${clock}(?:Z|[-+]\d{2}:\d{2})$`),
  new RegExp(String.raw`^(\d{4})-(\d{1,2})-(\d{1,2}) ${clock}$`)
] as const

function isTimestamp (text: string): boolean {
  const parts = timestampForms.map(form => form.exec(text)).find(found => found !== null)
  if (parts === undefined || parts === null) return false
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(part => Number(part ?? 0))
  return unixTime({ year, month, day, hour, minute, second }) !== undefined
}
