// The text of a file of other people's: UTF-8, with or without byte order mark, lines ended as on any system; and where in it
// something stands.
import { AppError } from '../base/errors.js'
import type { Place, ListRemark } from './host-list.js'
import { placeText } from './host-list.js'

/** A list that cannot be read: the place, what is wrong there, and what was expected. */
export const listError = (at: Place, text: string): AppError => new AppError('list_invalid', `${placeText(at)}: ${text}`)

/** A file of a hundred thousand machines takes a tenth of it. */
export const largestFile = 64 * 1024 * 1024

export class SourceText {
  readonly file: string
  /** Every line ends with `\n`. */
  readonly text: string
  readonly remarks: readonly ListRemark[]
  readonly #starts: readonly number[]

  constructor (file: string, text: string, remarks: readonly ListRemark[] = []) {
    this.file = file
    this.text = text
    this.remarks = remarks
    const starts = [0]
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
    this.#starts = starts
  }

  /** The place of a character. */
  at (offset: number): Place {
    const starts = this.#starts
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return { file: this.file, line: low + 1, column: offset - starts[low]! + 1 }
  }

  get lines (): readonly string[] { return this.text.split('\n') }

  /** `line` and `column` count from 1. */
  place (line: number, column = 1): Place { return { file: this.file, line, column } }
}

/** The text in the bytes of a file; throws AppError list_invalid with the place of the first one that is no text. */
export function decodeText (file: string, bytes: Uint8Array): SourceText {
  const start: Place = { file, line: 1, column: 1 }
  if (bytes.length > largestFile) throw listError(start, `the file is larger than ${largestFile / 1024 / 1024} MiB`)
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw listError(start, 'the file is UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)')
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // What a lenient decoder made of it shows where the strict one gave up.
    const lenient = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
    throw listError(new SourceText(file, unixLines(lenient)).at(unixLines(lenient).indexOf('\ufffd')),
      'this is not UTF-8: if the file is Latin-1, save it as UTF-8 (iconv -f LATIN1 -t UTF-8)')
  }
  const marked = text.startsWith('\ufeff')
  if (marked) text = text.slice(1)
  const plain = unixLines(text)
  const zero = plain.indexOf('\0')
  if (zero >= 0) throw listError(new SourceText(file, plain).at(zero), 'a byte of zero: this is no text file')
  return new SourceText(file, plain, marked ? [{ at: start, text: 'the byte order mark at the beginning is passed over' }] : [])
}

const unixLines = (text: string): string => text.includes('\r') ? text.replaceAll('\r\n', '\n').replaceAll('\r', '\n') : text
