// The Range header (RFC 9110 section 14.2) as Go's http.ServeContent reads it. In one pass and without a string for each part: in the
// 64 KiB of a header there is room for 15,000 ranges.
import { parseDecimal } from '../number.js'

export interface Range { readonly start: number, readonly length: number }

export interface AskedRanges {
  /** In their order; of more than `mostKept` the others are only counted. */
  readonly first: readonly Range[]
  /** How many were asked for. */
  readonly count: number
  /** The lengths of all of them together. */
  readonly octets: number
}

export const noOverlap = 'invalid range: failed to overlap'
const invalid = 'invalid range'
const unit = 'bytes='
/** Who asks for more gets the whole (serve-content), so that they need not be told one by one. */
const mostKept = 1000

const [tab, newline, carriageReturn, space, comma, dash, zero, nine] = [9, 10, 13, 32, 0x2c, 0x2d, 0x30, 0x39]

/** What the header asks for of so many octets, in words why it cannot be had. */
export function parseRange (header: string, size: number): AskedRanges | string {
  if (header !== '' && !header.startsWith(unit)) return invalid
  const first: Range[] = []
  let [count, octets, isOutside] = [0, 0, false]
  for (let at = unit.length; at < header.length;) {
    const end = placeOf(comma, header, at, header.length)
    const range = rangeIn(header, at, end, size)
    at = end + 1
    if (range === 'nothing') continue
    if (range === 'invalid') return invalid
    if (range === 'outside') {
      isOutside = true
      continue
    }
    if (count++ < mostKept) first.push(range)
    octets += range.length
  }
  return isOutside && count === 0 ? noOverlap : { first, count, octets }
}

function rangeIn (header: string, begin: number, end: number, size: number): Range | 'nothing' | 'invalid' | 'outside' {
  const from = blanksAfter(header, begin, end)
  const to = blanksBefore(header, from, end)
  if (from === to) return 'nothing'
  const middle = placeOf(dash, header, from, to)
  if (middle === to) return 'invalid'
  const second = blanksAfter(header, middle + 1, to)
  if (middle === from) {
    const length = header.charCodeAt(second) === dash ? undefined : parseCount(header, second, to)
    return length === undefined ? 'invalid' : { start: size - Math.min(length, size), length: Math.min(length, size) }
  }
  const start = parseCount(header, from, blanksBefore(header, from, middle))
  if (start === undefined) return 'invalid'
  if (start >= size) return 'outside'
  const last = second === to ? size - 1 : parseCount(header, second, to)
  return last === undefined || start > last ? 'invalid' : { start, length: Math.min(last, size - 1) - start + 1 }
}

/** Digits of which every number is exact. */
const exactDigits = 15

/** A place or length, as strconv.ParseInt reads it: not negative, and past 2^53 as good as endless. */
function parseCount (text: string, from: number, to: number): number | undefined {
  if (to > from && to - from <= exactDigits) {
    let [count, at] = [0, from]
    for (; at < to; at++) {
      const code = text.charCodeAt(at)
      if (code < zero || code > nine) break
      count = count * 10 + code - zero
    }
    if (at === to) return count
  }
  const value = parseDecimal(text.slice(from, to))
  return value === undefined || value < 0n ? undefined : Number(value)
}

/** Without blanks around it. A regular expression for those at the end would try at each blank of a run that is none. */
export function trim (text: string): string {
  const from = blanksAfter(text, 0, text.length)
  return text.slice(from, blanksBefore(text, from, text.length))
}

const isBlank = (code: number): boolean => code === space || code === tab || code === carriageReturn || code === newline

/** Where blanks end that begin at `from`. */
function blanksAfter (text: string, from: number, to: number): number {
  let at = from
  while (at < to && isBlank(text.charCodeAt(at))) at++
  return at
}

/** Where blanks begin that end at `to`. */
function blanksBefore (text: string, from: number, to: number): number {
  let at = to
  while (at > from && isBlank(text.charCodeAt(at - 1))) at--
  return at
}

/** Where the character stands, or `to`. */
function placeOf (code: number, text: string, from: number, to: number): number {
  let at = from
  while (at < to && text.charCodeAt(at) !== code) at++
  return at
}
