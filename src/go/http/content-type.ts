// Content types as Go's net/http finds them: by a file's extension (mime's built-in table, which no host configuration
// adds to here), else by the first 512 bytes (DetectContentType, mimesniff.spec.whatwg.org).
import { extension } from '../path.js'

const byExtension: Readonly<Record<string, string>> = {
  '.avif': 'image/avif',
  '.css': 'text/css; charset=utf-8',
  '.gif': 'image/gif',
  '.htm': 'text/html; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webp': 'image/webp',
  '.xml': 'text/xml; charset=utf-8'
}

/** The type that a file's name tells; undefined when its bytes have to. */
export function typeByName (name: string): string | undefined {
  const type = extension(name).toLowerCase()
  return Object.hasOwn(byExtension, type) ? byExtension[type] : undefined
}

export const sniffedBytes = 512

type Signature = (data: Buffer, text: Buffer) => string | undefined

/** The tag, in any case, ended by a space or a closing bracket. */
const html = (tag: string): Signature => (_, text) => {
  const after = text[tag.length]
  return (after === 0x20 || after === 0x3e) && text.toString('latin1', 0, tag.length).toUpperCase() === tag ? 'text/html; charset=utf-8' : undefined
}

const starts = (type: string, ...patterns: string[]): Signature => data =>
  patterns.some(p => data.toString('latin1', 0, p.length) === p) ? type : undefined

/** A pattern whose question marks stand for any byte. */
const masked = (type: string, pattern: string): Signature => data =>
  data.length >= pattern.length && [...pattern].every((c, i) => c === '?' || c.charCodeAt(0) === data[i]) ? type : undefined

const mp4: Signature = data => {
  if (data.length < 12) return undefined
  const size = data.readUInt32BE(0)
  if (size % 4 !== 0 || data.length < size || data.toString('latin1', 4, 8) !== 'ftyp') return undefined
  for (let at = 8; at < size; at += 4) if (at !== 12 && data.toString('latin1', at, at + 3) === 'mp4') return 'video/mp4'
  return undefined
}

/** Whether there is a byte that text does not have. */
function isBinary (data: Buffer): boolean {
  for (let i = 0; i < data.length; i++) {
    const b = data[i]!
    if (b < 0x20 && (b <= 0x08 || b === 0x0b || (b >= 0x0e && b !== 0x1b))) return true
  }
  return false
}

/** In the order they are tried. */
const signatures: readonly Signature[] = [
  ...['<!DOCTYPE HTML', '<HTML', '<HEAD', '<SCRIPT', '<IFRAME', '<H1', '<DIV', '<FONT', '<TABLE', '<A', '<STYLE', '<TITLE', '<B',
    '<BODY', '<BR', '<P', '<!--'].map(html),
  (_, text) => text.toString('latin1', 0, 5) === '<?xml' ? 'text/xml; charset=utf-8' : undefined,
  starts('application/pdf', '%PDF-'),
  starts('application/postscript', '%!PS-Adobe-'),
  masked('text/plain; charset=utf-16be', '\xfe\xff??'),
  masked('text/plain; charset=utf-16le', '\xff\xfe??'),
  masked('text/plain; charset=utf-8', '\xef\xbb\xbf?'),
  starts('image/x-icon', '\0\0\x01\0', '\0\0\x02\0'),
  starts('image/bmp', 'BM'),
  starts('image/gif', 'GIF87a', 'GIF89a'),
  masked('image/webp', 'RIFF????WEBPVP'),
  starts('image/png', '\x89PNG\r\n\x1a\n'),
  starts('image/jpeg', '\xff\xd8\xff'),
  masked('audio/aiff', 'FORM????AIFF'),
  starts('audio/mpeg', 'ID3'),
  starts('application/ogg', 'OggS\0'),
  starts('audio/midi', 'MThd\0\0\0\x06'),
  masked('video/avi', 'RIFF????AVI '),
  masked('audio/wave', 'RIFF????WAVE'),
  mp4,
  starts('video/webm', '\x1a\x45\xdf\xa3'),
  masked('application/vnd.ms-fontobject', `${'?'.repeat(34)}LP`),
  starts('font/ttf', '\0\x01\0\0'),
  starts('font/otf', 'OTTO'),
  starts('font/collection', 'ttcf'),
  starts('font/woff', 'wOFF'),
  starts('font/woff2', 'wOF2'),
  starts('application/x-gzip', '\x1f\x8b\x08'),
  starts('application/zip', 'PK\x03\x04'),
  starts('application/x-rar-compressed', 'Rar!\x1a\x07\0', 'Rar!\x1a\x07\x01\0'),
  starts('application/wasm', '\0asm'),
  (_, text) => isBinary(text) ? undefined : 'text/plain; charset=utf-8'
]

// What starts with none of these bytes is text or not, and nothing else: almost every answer.
const special: ReadonlySet<number> = new Set([...'<%\xfe\xff\xef\0BGR\x89FIOM\x1atw\x1fP'].map(c => c.charCodeAt(0)))
const isSpace = (b: number | undefined): boolean => b === 0x20 || b === 0x09 || b === 0x0a || b === 0x0c || b === 0x0d

export function sniffType (content: Buffer): string {
  const data = content.subarray(0, sniffedBytes)
  let start = 0
  while (isSpace(data[start])) start++
  const text = data.subarray(start)
  const perhaps = data.length >= 36 && data[34] === 0x4c && data[35] === 0x50
  if (!perhaps && start === 0 && !special.has(text[0] ?? -1) && !(data.toString('latin1', 4, 8) === 'ftyp')) {
    return isBinary(text) ? 'application/octet-stream' : 'text/plain; charset=utf-8'
  }
  for (const signature of signatures) {
    const type = signature(data, text)
    if (type !== undefined) return type
  }
  return 'application/octet-stream'
}
