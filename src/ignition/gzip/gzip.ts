// gzip as Go's compress/gzip writes it at its best level, byte for byte. Whether contents are worth compressing hangs on a few
// bytes, and the reference translator, which is Go, has to be followed in that: zlib's output is shorter by three to five bytes.
import { crc32 } from 'node:zlib'
import { bitLength, codesOf, huffmanCodes } from './huffman.js'
import { isMatch, matchBlocks, matchDistance, matchLength } from './match.js'
import type { Codes } from './huffman.js'
import type { Block, Token } from './match.js'

export const gzip = (text: Buffer): Buffer => {
  const writer = new BitWriter()
  for (const block of matchBlocks(text)) writeBlock(writer, block)
  writer.stored(Buffer.alloc(0), true)
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc32(text))
  trailer.writeUInt32LE(text.length % 2 ** 32, 4)
  // No name, no time, best compression, system unknown.
  return Buffer.concat([Buffer.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255), writer.bytes(), trailer])
}

const endOfBlock = 256
const firstLength = 257

interface Range { readonly code: number, readonly extraBits: number, readonly first: number }

const ranges = (count: number, first: number, extraBits: (code: number) => number): readonly Range[] => {
  let next = first
  return Array.from({ length: count }, (_, code) => {
    const range = { code, extraBits: extraBits(code), first: next }
    next += 1 << range.extraBits
    return range
  })
}

// RFC 1951 section 3.2.5: lengths from 3, where the last code is 258 alone, and distances from 1.
const lengthRanges = ranges(29, 3, code => code < 8 || code === 28 ? 0 : (code >> 2) - 1)
  .map(range => range.code === 28 ? { ...range, first: 258 } : range)
const distanceRanges = ranges(30, 1, code => code < 4 ? 0 : (code >> 1) - 1)

const rangeOf = (table: readonly Range[], value: number): Range =>
  table.findLast(({ first }) => first <= value) ?? { code: 0, extraBits: 0, first: value }

const fixedLiterals = codesOf(Uint8Array.from({ length: 288 }, (_, code) => code < 144 ? 8 : code < 256 ? 9 : code < 280 ? 7 : 8))
const fixedDistances = codesOf(new Uint8Array(30).fill(5))

class BitWriter {
  readonly #bytes: number[] = []
  #bits = 0
  #count = 0

  write (value: number, count: number): void {
    this.#bits |= value << this.#count
    for (this.#count += count; this.#count >= 8; this.#count -= 8) {
      this.#bytes.push(this.#bits & 0xff)
      this.#bits >>>= 8
    }
  }

  code ({ bits, lengths }: Codes, symbol: number): void { this.write(bits[symbol] ?? 0, lengths[symbol] ?? 0) }

  stored (text: Buffer, last: boolean): void {
    this.write(last ? 1 : 0, 3)
    if (this.#count > 0) this.write(0, 8 - this.#count)
    this.write(text.length, 16)
    this.write(~text.length & 0xffff, 16)
    for (const byte of text) this.#bytes.push(byte)
  }

  bytes (): Buffer { return Buffer.from(this.#bytes) }
}

const writeBlock = (writer: BitWriter, { tokens, text }: Block): void => {
  const literalUse = new Uint32Array(286)
  const distanceUse = new Uint32Array(30)
  let extraBits = 0
  for (const token of tokens) {
    if (isMatch(token)) {
      const [length, distance] = [rangeOf(lengthRanges, matchLength(token)), rangeOf(distanceRanges, matchDistance(token))]
      count(literalUse, firstLength + length.code)
      count(distanceUse, distance.code)
      extraBits += length.extraBits + distance.extraBits
    } else {
      count(literalUse, token)
    }
  }
  count(literalUse, endOfBlock)
  // A table of distances has to have one, used or not.
  if (distanceUse.every(use => use === 0)) distanceUse[0] = 1
  // Go leaves these out of the comparison of the two codes where a stored block is out of the question; they are the same in both.
  const fixedSize = 3 + bitLength(fixedLiterals, literalUse) + bitLength(fixedDistances, distanceUse) + extraBits
  const literals = huffmanCodes(literalUse, 15)
  const distances = huffmanCodes(distanceUse, 15)
  const table = codeTable(literals, distances)
  const dynamicSize = table.size + bitLength(literals, literalUse) + bitLength(distances, distanceUse) + extraBits
  const dynamic = dynamicSize < fixedSize
  const storable = text !== undefined && text.length <= 65535
  if (storable && (text.length + 5) * 8 < Math.min(fixedSize, dynamicSize)) return writer.stored(text, false)
  if (dynamic) table.write(writer)
  else writer.write(2, 3)
  writeTokens(writer, tokens, dynamic ? literals : fixedLiterals, dynamic ? distances : fixedDistances)
}

const count = (uses: Uint32Array, symbol: number): void => { uses[symbol] = (uses[symbol] ?? 0) + 1 }

const writeTokens = (writer: BitWriter, tokens: readonly Token[], literals: Codes, distances: Codes): void => {
  for (const token of tokens) {
    if (!isMatch(token)) {
      writer.code(literals, token)
      continue
    }
    const [length, distance] = [rangeOf(lengthRanges, matchLength(token)), rangeOf(distanceRanges, matchDistance(token))]
    writer.code(literals, firstLength + length.code)
    writer.write(matchLength(token) - length.first, length.extraBits)
    writer.code(distances, distance.code)
    writer.write(matchDistance(token) - distance.first, distance.extraBits)
  }
  writer.code(literals, endOfBlock)
}

/** The order in which the lengths of the code length codes stand. */
const tableOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const
const tableExtraBits: Readonly<Record<number, number>> = { 16: 2, 17: 3, 18: 7 }

/** The two codes as a dynamic block begins with them (section 3.2.7), and how many bits they and the block's head take. */
const codeTable = (literals: Codes, distances: Codes): { size: number, write: (writer: BitWriter) => void } => {
  const literalCount = literals.lengths.findLastIndex(length => length !== 0) + 1
  const distanceCount = distances.lengths.findLastIndex(length => length !== 0) + 1
  const runs = runLengths([...literals.lengths.subarray(0, literalCount), ...distances.lengths.subarray(0, distanceCount)])
  const uses = new Uint32Array(19)
  for (const { symbol } of runs) count(uses, symbol)
  const codes = huffmanCodes(uses, 7)
  const orderCount = Math.max(4, tableOrder.findLastIndex(symbol => uses[symbol] !== 0) + 1)
  const extraBits = runs.reduce((sum, { symbol }) => sum + (tableExtraBits[symbol] ?? 0), 0)
  return {
    size: 3 + 5 + 5 + 4 + 3 * orderCount + bitLength(codes, uses) + extraBits,
    write: writer => {
      writer.write(4, 3)
      writer.write(literalCount - 257, 5)
      writer.write(distanceCount - 1, 5)
      writer.write(orderCount - 4, 4)
      for (const symbol of tableOrder.slice(0, orderCount)) writer.write(codes.lengths[symbol] ?? 0, 3)
      for (const { symbol, extra } of runs) {
        writer.code(codes, symbol)
        writer.write(extra, tableExtraBits[symbol] ?? 0)
      }
    }
  }
}

interface Run { readonly symbol: number, readonly extra: number }

/** Code lengths with their repetitions folded: 16 repeats the length before it, 17 and 18 stand for zeros. */
const runLengths = (lengths: readonly number[]): Run[] => {
  const runs: Run[] = []
  for (let at = 0; at < lengths.length;) {
    const length = lengths[at] ?? 0
    let left = 0
    while (lengths[at + left] === length) left++
    at += left
    if (length !== 0) {
      runs.push({ symbol: length, extra: 0 })
      for (left--; left >= 3; left -= Math.min(6, left)) runs.push({ symbol: 16, extra: Math.min(6, left) - 3 })
    } else {
      for (; left >= 11; left -= Math.min(138, left)) runs.push({ symbol: 18, extra: Math.min(138, left) - 11 })
      if (left >= 3) {
        runs.push({ symbol: 17, extra: left - 3 })
        left = 0
      }
    }
    for (; left > 0; left--) runs.push({ symbol: length, extra: 0 })
  }
  return runs
}
