import t from 'tap'
import { sniffType, typeByName } from '../../../src/go/http/content-type.js'

t.test('by name', t => {
  t.equal(typeByName('a.tar.gz'), undefined)
  t.equal(typeByName('UPPER.HTML'), 'text/html; charset=utf-8')
  t.equal(typeByName('.json'), 'application/json')
  t.equal(typeByName('noext'), undefined)
  t.equal(typeByName('a.constructor'), undefined)
  t.end()
})

t.test('by the first bytes', t => {
  const text = 'text/plain; charset=utf-8'
  const riff = (kind: string): string => `RIFF\x01\x02\x03\x04${kind}`
  for (const [bytes, type] of [
    ['', text], ['#!ipxe\n', text], ['a\x1bb', text], ['a\x00b', 'application/octet-stream'], ['\r\n <!doctype html>', 'text/html; charset=utf-8'],
    ['<b>', 'text/html; charset=utf-8'], ['<bx>', text], ['<p ', 'text/html; charset=utf-8'], ['<!--', text], ['<!-- ', 'text/html; charset=utf-8'],
    [' <?xml', 'text/xml; charset=utf-8'], [' %PDF-', text], ['%PDF-', 'application/pdf'], ['%!PS-Adobe-', 'application/postscript'],
    ['\xfe\xffab', 'text/plain; charset=utf-16be'], ['\xff\xfe\0\x01', 'text/plain; charset=utf-16le'], ['\xef\xbb\xbf\0', text],
    ['\0\0\x01\0', 'image/x-icon'], ['BM', 'image/bmp'], ['GIF89a', 'image/gif'], [riff('WEBPVP'), 'image/webp'], ['\x89PNG\r\n\x1a\n', 'image/png'],
    ['\xff\xd8\xff', 'image/jpeg'], ['FORM\0\0\0\0AIFF', 'audio/aiff'], ['ID3', 'audio/mpeg'], ['OggS\0', 'application/ogg'],
    ['MThd\0\0\0\x06', 'audio/midi'], [riff('AVI '), 'video/avi'], [riff('WAVE'), 'audio/wave'], ['\0\0\0\x10ftypmp42\0\0\0\0', 'video/mp4'],
    ['\x1a\x45\xdf\xa3', 'video/webm'], [`${'\0'.repeat(34)}LP`, 'application/vnd.ms-fontobject'], ['\0\x01\0\0', 'font/ttf'], ['OTTO', 'font/otf'],
    ['wOF2', 'font/woff2'], ['\x1f\x8b\x08', 'application/x-gzip'], ['PK\x03\x04', 'application/zip'], ['Rar!\x1a\x07\x01\0', 'application/x-rar-compressed'],
    ['\0asm', 'application/wasm'], ['Rar!', text], ['MZ\0\x01', 'application/octet-stream'], [`${'x'.repeat(512)}\0`, text]
  ] as const) t.equal(sniffType(Buffer.from(bytes, 'latin1')), type, JSON.stringify(bytes.slice(0, 20)))
  t.end()
})

t.test('what no text holds, at both ends of each run of it, and in the first 512 octets', t => {
  const [text, binary] = ['text/plain; charset=utf-8', 'application/octet-stream']
  const rows: ReadonlyArray<readonly [octet: number, type: string]> = [
    [0x00, binary], [0x08, binary], [0x09, text], [0x0a, text], [0x0b, binary], [0x0c, text], [0x0d, text],
    [0x0e, binary], [0x1a, binary], [0x1b, text], [0x1c, binary], [0x1f, binary], [0x20, text], [0x7f, text], [0xff, text]
  ]
  // A B could be the beginning of an image.
  for (const before of ['a', 'B']) for (const [octet, type] of rows) t.equal(sniffType(Buffer.from([before.charCodeAt(0), octet])), type, `${before} ${octet}`)
  t.equal(sniffType(Buffer.from(`${'x'.repeat(511)}\0`)), binary)
  for (const blank of '\t\n\f\r ') t.equal(sniffType(Buffer.from(`${blank}<html>`)), 'text/html; charset=utf-8', JSON.stringify(blank))
  t.equal(sniffType(Buffer.from('\v<html>')), binary)
  t.equal(sniffType(Buffer.from(`${'x'.repeat(34)}LP`)), 'application/vnd.ms-fontobject')
  for (const other of ['x'.repeat(36), `${'x'.repeat(34)}L`, `${'x'.repeat(34)}xP`, `${'x'.repeat(33)}LP`]) t.equal(sniffType(Buffer.from(other)), text, other)
  t.end()
})

t.test('a film says so in one of the brands that its first box has room for', t => {
  const box = (octets: number, brands: string): string => sniffType(Buffer.concat([Buffer.from([0, 0, 0, octets]), Buffer.from(`ftyp${brands}`)]))
  for (const [octets, brands] of [[12, 'mp42'], [16, 'mp42    '], [20, 'isom    mp41'], [24, 'isom    avc1mp41']] as const) t.equal(box(octets, brands), 'video/mp4', brands)
  for (const [octets, brands, why] of [
    [16, 'isommp42', 'the version is no brand'], [16, 'isom    mp42', 'behind the box'], [21, 'isom    mp41    ', 'no box has that length'], [24, 'isom    mp41', 'the box has not come whole'],
    [8, 'mp42', 'no room'], [12, 'mp4', 'too short']
  ] as const) t.equal(box(octets, brands), 'application/octet-stream', why)
  t.end()
})
