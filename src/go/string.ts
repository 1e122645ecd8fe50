// Strings as Go has them: any bytes. A `!!binary` scalar may hold bytes that are not UTF-8; each of those is kept as a lone
// surrogate U+DC80 to U+DCFF, which no text can contain otherwise (YAML refuses surrogates), and turns back into its byte.

/** The text of UTF-8 bytes, bytes that are none kept as lone surrogates. */
export function goString (bytes: Buffer): string {
  const text = bytes.toString('utf8')
  if (!text.includes('\ufffd')) return text
  let result = ''
  for (let offset = 0; offset < bytes.length;) {
    const lead = bytes[offset] ?? 0
    const width = lead < 0x80 ? 1 : lead >> 5 === 6 ? 2 : lead >> 4 === 14 ? 3 : lead >> 3 === 30 ? 4 : 1
    const sequence = bytes.subarray(offset, offset + width)
    const char = sequence.toString('utf8')
    const whole = [...char].length === 1 && (char !== '\ufffd' || sequence.equals(replacement))
    result += whole ? char : String.fromCharCode(0xdc00 + lead)
    offset += whole ? width : 1
  }
  return result
}

const replacement = Buffer.from('\ufffd', 'utf8')

const escapedByte = /[\udc80-\udcff]/u

/** The bytes of such a string. */
export function goBytes (text: string): Buffer {
  if (!escapedByte.test(text)) return Buffer.from(text, 'utf8')
  const parts: Buffer[] = []
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(char, 'utf8'))
  }
  return Buffer.concat(parts)
}

/** The text as it can be shown: bytes that are not UTF-8 become U+FFFD, as Go's encoders have it. */
export const printable = (text: string): string => text.replace(/[\ud800-\udfff]/gu, '\ufffd')

// What Go's strconv.IsPrint lets stand: letters, marks, numbers, punctuation, symbols and the plain space.
const printing = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u
const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['\x07', '\\a'], ['\b', '\\b'], ['\f', '\\f'], ['\n', '\\n'], ['\r', '\\r'], ['\t', '\\t'], ['\v', '\\v'], ['"', '\\"'], ['\\', '\\\\']
])

/** The text between double quotes as Go's %q writes it. */
export function goQuote (text: string): string {
  let quoted = ''
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    const hex = (digits: number): string => code.toString(16).padStart(digits, '0')
    const short = shortEscapes.get(char)
    if (short !== undefined) quoted += short
    else if (code >= 0xdc80 && code <= 0xdcff) quoted += `\\x${(code - 0xdc00).toString(16)}`
    else if (printing.test(char)) quoted += char
    else quoted += code < 0x80 ? `\\x${hex(2)}` : code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`
  }
  return `"${quoted}"`
}

/** Go's strings.ToLower: each character by itself, so that no sigma is a final one. */
export const goLower = (text: string): string =>
  Array.from(text, char => char === '\u0130' ? 'i' : char.toLowerCase()).join('')
