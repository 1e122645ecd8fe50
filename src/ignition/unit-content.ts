// systemd units as go-systemd reads them, which is what Ignition holds a unit's contents against: sections, options that go
// on after a backslash, comments, and lines of fewer than 2048 bytes.
import { utf8Width } from '../go/string.js'
import { isSpace } from '../go/unicode.js'

export type UnitContent = { readonly ok: true, readonly sections: readonly string[] } | { readonly ok: false, readonly problem: string }

const lineLimit = 2048
const bufferSize = 4096

// The length of a line is looked at only as far as the reference's read buffer reaches, so that has to be kept up with: it
// fills when it runs dry, with at most 4096 bytes, and a long line is noticed when 2048 bytes of it are in the buffer.
class BufferedBytes {
  readonly #bytes: Buffer
  #at = 0
  #filled = 0

  constructor (bytes: Buffer) { this.#bytes = bytes }

  /** The next character, '' at the end. A byte that is not UTF-8 counts as one character. */
  rune (): string {
    const end = this.#runeEnd()
    if (end > this.#filled) this.#fill()
    const lead = this.#bytes[this.#at] ?? 0
    const rune = end > this.#at && lead < 0x80 ? String.fromCharCode(lead) : this.#bytes.toString('utf8', this.#at, end)
    this.#at = end
    return rune
  }

  peekRune (): string {
    const before = this.#at
    const rune = this.rune()
    this.#at = before
    return rune
  }

  /** Up to and with `delimiter`, or to the end. */
  through (delimiter: string): string {
    const found = this.#bytes.indexOf(delimiter, this.#at)
    const end = found < 0 ? this.#bytes.length : found + 1
    const text = this.#bytes.toString('latin1', this.#at, end)
    while (this.#filled < end) {
      if (this.#filled - this.#at >= bufferSize) this.#at = this.#filled
      this.#fill()
    }
    this.#at = end
    return text
  }

  get atLongLine (): boolean {
    if (this.#filled - this.#at < lineLimit) return false
    const line = this.#bytes.subarray(this.#at, this.#at + lineLimit)
    return !line.includes('\n') && !line.includes('\r')
  }

  #fill (): void { this.#filled = Math.min(this.#bytes.length, this.#at + bufferSize) }

  #runeEnd (): number {
    if (this.#at >= this.#bytes.length) return this.#at
    return this.#at + (utf8Width(this.#bytes, this.#at) || 1)
  }
}

class UnitProblem extends Error {}

/** Bytes as the go-systemd of ct shows them in a message; the later one of Butane quotes them. */
const byteList = (bytes: Buffer): string => `[${bytes.join(' ')}]`

/** `contents` as bytes; the sections are those that hold an option. */
export function readUnitContent (contents: Buffer, show: (bytes: Buffer) => string = byteList): UnitContent {
  try {
    return { ok: true, sections: sectionsWithOptions(new BufferedBytes(contents), show) }
  } catch (error) {
    if (error instanceof UnitProblem) return { ok: false, problem: error.message }
    throw error
  }
}

function sectionsWithOptions (bytes: BufferedBytes, show: (bytes: Buffer) => string): string[] {
  const sections: string[] = []
  let section: string | undefined
  const checkLine = (): void => { if (bytes.atLongLine) throw new UnitProblem(`line too long (max ${lineLimit} bytes)`) }
  for (;;) {
    checkLine()
    const next = bytes.peekRune()
    if (next === '') return sections
    const isText = section !== undefined && !isSpace(next) && !'[#;'.includes(next)
    if (!isText) bytes.rune()
    if (next === '[') {
      checkLine()
      section = readSectionName(bytes, checkLine, show)
    } else if (next === '#' || next === ';') {
      checkLine()
      while (stripEnd(bytes.through('\n')).replace(/ $/, '').endsWith('\\'));
    } else if (section !== undefined && isText) {
      checkLine()
      readOptionName(bytes)
      do checkLine()
      while (readValueLine(bytes))
      sections.push(section)
    }
  }
}

function readSectionName (bytes: BufferedBytes, checkLine: () => void, show: (bytes: Buffer) => string): string {
  const name = bytes.through(']')
  if (!name.endsWith(']')) throw new UnitProblem('unable to find end of section')
  checkLine()
  const garbage = trim(stripEnd(bytes.through('\n')))
  if (garbage !== '') throw new UnitProblem(`found garbage after section name : ${show(Buffer.from(garbage, 'latin1'))}`)
  return Buffer.from(name.slice(0, -1), 'latin1').toString('utf8')
}

function readOptionName (bytes: BufferedBytes): void {
  for (let char = bytes.rune(); char !== '='; char = bytes.rune()) {
    if (char === '') throw new UnitProblem('EOF')
    if (char === '\n' || char === '\r') throw new UnitProblem('unexpected newline encountered while parsing option name')
  }
}

/** Whether the value goes on in the next line. */
function readValueLine (bytes: BufferedBytes): boolean {
  const line = stripEnd(bytes.through('\n'))
  return trim(line) !== '' && line.endsWith('\\')
}

// Go takes a CR off the end and then an LF: of CR LF the CR stays.
const stripEnd = (line: string): string => line.replace(/\r$/, '').replace(/\n$/, '')

/** Without white space at the ends; byte by byte and in one pass, as `trim()` takes the bytes of other letters and a regular
 * expression tries each run of spaces anew. */
function trim (bytes: string): string {
  let [start, end] = [0, bytes.length]
  while (start < end && isAsciiSpace(bytes.charCodeAt(start))) start++
  while (end > start && isAsciiSpace(bytes.charCodeAt(end - 1))) end--
  return bytes.slice(start, end)
}

const isAsciiSpace = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d)
