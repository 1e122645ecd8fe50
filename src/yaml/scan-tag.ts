// What starts with a sigil: directives (YAML 1.1 section 7.1), anchors and aliases (6.9.2, 7.1) and tags (6.9.1, 8.2).
import type { Cursor } from './cursor.js'
import { sequenceLength } from './reader.js'
import type { YamlToken } from './token.js'
import type { Mark } from './yaml-error.js'

export function scanDirective (cursor: Cursor): YamlToken {
  const start = cursor.mark
  cursor.skip()
  const name = cursor.takeWord()
  if (name === '') throw cursor.error('could not find expected directive name', start)
  if (!cursor.isBlankOrEnd()) throw cursor.error('found unexpected non-alphabetical character', start)
  if (name !== 'YAML' && name !== 'TAG') throw cursor.error('found unknown directive name', start)
  cursor.skipBlanks()
  const value = name === 'YAML' ? scanVersion(cursor, start) : scanTagPrefix(cursor, start)
  const token = { ...value, start, end: cursor.mark }
  cursor.skipBlanks()
  if (cursor.is('#')) cursor.takeLine()
  if (!cursor.isBreakOrEnd()) throw cursor.error('did not find expected comment or line break', start)
  cursor.takeBreak()
  return token
}

function scanVersion (cursor: Cursor, start: Mark): { kind: 'versionDirective', major: number, minor: number } {
  const number = (): number => {
    let digits = ''
    while (cursor.isOneOf('0123456789')) {
      if (digits.length === 2) throw cursor.error('found extremely long version number', start)
      digits += cursor.take()
    }
    if (digits === '') throw cursor.error('did not find expected version number', start)
    return Number(digits)
  }
  const major = number()
  if (!cursor.is('.')) throw cursor.error("did not find expected digit or '.' character", start)
  cursor.skip()
  return { kind: 'versionDirective', major, minor: number() }
}

function scanTagPrefix (cursor: Cursor, start: Mark): { kind: 'tagDirective', handle: string, prefix: string } {
  const handle = scanHandle(cursor, start)
  if (handle !== '!' && !handle.endsWith('!')) throw cursor.error("did not find expected '!'", start)
  if (!cursor.isBlank()) throw cursor.error('did not find expected whitespace', start)
  cursor.skipBlanks()
  const prefix = scanUri(cursor, '', start)
  if (!cursor.isBlankOrEnd()) throw cursor.error('did not find expected whitespace or line break', start)
  return { kind: 'tagDirective', handle, prefix }
}

export function scanAnchor (cursor: Cursor, kind: 'anchor' | 'alias'): YamlToken {
  const start = cursor.mark
  cursor.skip()
  const name = cursor.takeWord()
  const end = cursor.mark
  if (name === '' || !(cursor.isBlankOrEnd() || cursor.isOneOf('?:,]}%@`'))) {
    throw cursor.error('did not find expected alphabetic or numeric character', start)
  }
  return { kind, name, start, end }
}

export function scanTag (cursor: Cursor): YamlToken {
  const start = cursor.mark
  let handle: string
  let suffix: string
  if (cursor.is('<', 1)) {
    cursor.skip(2)
    handle = ''
    suffix = scanUri(cursor, '', start)
    if (!cursor.is('>')) throw cursor.error("did not find the expected '>'", start)
    cursor.skip()
  } else {
    const first = scanHandle(cursor, start)
    if (first.length > 1 && first.endsWith('!')) {
      handle = first
      suffix = scanUri(cursor, '', start)
    } else {
      // `!local`: what looked like a handle is the beginning of the suffix. A lone `!` is a tag of its own.
      const rest = scanUri(cursor, first, start)
      handle = rest === '' ? '' : '!'
      suffix = rest === '' ? '!' : rest
    }
  }
  if (!cursor.isBlankOrEnd()) throw cursor.error('did not find expected whitespace or line break', start)
  return { kind: 'tag', handle, suffix, start, end: cursor.mark }
}

function scanHandle (cursor: Cursor, start: Mark): string {
  if (!cursor.is('!')) throw cursor.error("did not find expected '!'", start)
  const handle = cursor.take() + cursor.takeWord()
  return cursor.is('!') ? handle + cursor.take() : handle
}

/** `head` is what was read as a handle and turned out not to be one. */
function scanUri (cursor: Cursor, head: string, start: Mark): string {
  let uri = head.slice(1)
  let found = head !== ''
  while (cursor.isWord() || cursor.isOneOf(";/?:@&=+$,.!~*'()[]%")) {
    uri += cursor.is('%') ? scanEscapedCharacter(cursor, start) : cursor.take()
    found = true
  }
  if (!found) throw cursor.error('did not find expected tag URI', start)
  return uri
}

function scanEscapedCharacter (cursor: Cursor, start: Mark): string {
  const octets: number[] = []
  let width = 1
  for (let i = 0; i < width; i++) {
    const hex = '0123456789abcdefABCDEF'
    if (!cursor.is('%') || !cursor.isOneOf(hex, 1) || !cursor.isOneOf(hex, 2)) throw cursor.error('did not find URI escaped octet', start)
    const octet = parseInt(String.fromCharCode(cursor.code(1), cursor.code(2)), 16)
    if (i === 0) {
      width = sequenceLength(octet)
      if (width === 0) throw cursor.error('found an incorrect leading UTF-8 octet', start)
    } else if (octet >> 6 !== 2) {
      throw cursor.error('found an incorrect trailing UTF-8 octet', start)
    }
    octets.push(octet)
    cursor.skip(3)
  }
  return Buffer.from(octets).toString('utf8')
}
