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
