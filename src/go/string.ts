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

const beyondAscii = /[\x80-\xff]/

/** The text of bytes that came one character each; what is not UTF-8 is kept as `goString` keeps it. */
export const textOfBytes = (bytes: string): string => beyondAscii.test(bytes) ? goString(Buffer.from(bytes, 'latin1')) : bytes
