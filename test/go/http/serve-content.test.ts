import t from 'tap'
import { parseHttpDate } from '../../../src/go/http/date.js'
import { layOut, planContent } from '../../../src/go/http/serve-content.js'

const modified = 1577934245
const date = 'Thu, 02 Jan 2020 03:04:05 GMT'
const plan = (headers: Record<string, string>, method = 'GET', size = 10): ReturnType<typeof planContent> =>
  planContent({ method, headers }, { size, type: 'text/plain', modified })

t.test('dates in the three forms', t => {
  for (const text of [date, 'Thursday, 02-Jan-20 03:04:05 UTC', 'Thu Jan  2 03:04:05 2020', 'Mon, 02 jan 2020 3:04:05 GMT']) t.equal(parseHttpDate(text), modified, text)
  t.equal(parseHttpDate('Thursday, 02-Jan-69 00:00:00 GMT'), -31449600)
  t.equal(parseHttpDate('Monday, 02-Jan-68 00:00:00 GMT'), Date.UTC(2068, 0, 2) / 1000)
  for (const text of ['', '0', 'Thu, 2 Jan 2020 03:04:05 GMT', 'Thu, 31 Feb 2020 03:04:05 GMT', 'Thu, 02 Jan 2020 24:04:05 GMT', `${date}x`, 'Thu, 02 Jan 2020 03:04:05 +0000']) {
    t.equal(parseHttpDate(text), undefined, text)
  }
  t.end()
})

t.test('conditions', t => {
  for (const [headers, method, status] of [
    [{}, 'GET', 200],
    [{ 'if-modified-since': date }, 'GET', 304],
    [{ 'if-modified-since': date }, 'HEAD', 304],
    [{ 'if-modified-since': date }, 'POST', 200],
    [{ 'if-modified-since': 'Thu, 02 Jan 2020 03:04:04 GMT' }, 'GET', 200],
    [{ 'if-modified-since': 'Thu, 02 Jan 2020 03:04:06 GMT' }, 'GET', 304],
    [{ 'if-none-match': '"a"' }, 'GET', 200],
    [{ 'if-unmodified-since': 'Wed, 01 Jan 2020 00:00:00 GMT' }, 'POST', 412],
    [{ 'if-unmodified-since': date }, 'GET', 200],
    [{ 'if-none-match': '"a", *' }, 'HEAD', 304],
    [{ 'if-none-match': '"a", *' }, 'PUT', 412],
    [{ 'if-none-match': 'junk, *' }, 'GET', 200],
    [{ 'if-none-match': 'W/"a"', 'if-modified-since': date }, 'GET', 200],
    [{ 'if-match': '*', 'if-unmodified-since': 'Wed, 01 Jan 2020 00:00:00 GMT' }, 'GET', 200],
    [{ 'if-match': '"a"' }, 'GET', 412],
    [{ range: 'bytes=0-1', 'if-range': date }, 'GET', 206],
    [{ range: 'bytes=0-1', 'if-range': '"a"' }, 'GET', 200],
    [{ range: 'bytes=0-1', 'if-range': 'Wed, 01 Jan 2020 00:00:00 GMT' }, 'PUT', 206]
  ] as const) t.equal(plan(headers, method).status, status, `${method} ${JSON.stringify(headers)}`)
  t.same(plan({ 'if-match': '"a"' }), { status: 412, headers: { 'last-modified': date }, ranges: [] })
  t.same(plan({ 'if-none-match': '*' }), { status: 304, headers: { 'last-modified': date }, ranges: [] })
  t.end()
})

t.test('what is made for the request has no time that a condition could be about', t => {
  for (const [headers, status] of [
    [{ 'if-modified-since': date }, 200], [{ 'if-unmodified-since': 'Wed, 01 Jan 2020 00:00:00 GMT' }, 200], [{ range: 'bytes=0-1' }, 206],
    [{ range: 'bytes=0-1', 'if-range': date }, 200], [{ range: 'bytes=0-1', 'if-range': 'no date' }, 200]
  ] as const) {
    const { status: got, headers: sent } = planContent({ method: 'GET', headers }, { size: 10, type: 'text/plain', modified: undefined })
    t.same([got, 'last-modified' in sent], [status, false], JSON.stringify(headers))
  }
  t.end()
})

t.test('ranges', t => {
  for (const [range, want] of [
    ['bytes=0-3', [[0, 4]]], ['bytes=8-', [[8, 2]]], ['bytes=-3', [[7, 3]]], ['bytes=-99', [[0, 10]]], ['bytes=-0', [[10, 0]]], ['bytes=5-99', [[5, 5]]],
    ['bytes= 0-1 , ,4-5', [[0, 2], [4, 2]]], ['bytes=0-1,20-30', [[0, 2]]], ['bytes=+1-3', [[1, 3]]], ['bytes=0-9,0-0', [[0, 10]]], ['bytes=', [[0, 10]]],
    ['bytes=9-', [[9, 1]]], ['bytes=5-5', [[5, 1]]], ['bytes=0-4,5-9', [[0, 5], [5, 5]]], ['bytes=0-5,5-9', [[0, 10]]], ['bytes=+0-1', [[0, 2]]],
    ['bytes=\t\r\n 0 - 1\t\r\n ,\t4-5', [[0, 2], [4, 2]]], ['bytes=-10', [[0, 10]]], ['bytes=0000000000000000-0000000000000000001', [[0, 2]]]
  ] as const) t.same(plan({ range }).ranges, want.map(([start, length]) => ({ start, length })), range)
  for (const range of ['lines=0-1', 'Bytes=0-1', 'bytes=5', 'bytes=5-2', 'bytes=a-b', 'bytes=--5', 'bytes=-', 'bytes=0-99999999999999999999', 'bytes=1e0-2']) {
    t.match(plan({ range }), { status: 416, text: 'invalid range\n' }, range)
  }
  t.match(plan({ range: 'bytes=10-' }), { status: 416, text: 'invalid range: failed to overlap\n', headers: { 'content-range': 'bytes */10' } })
  const many = (count: number): ReturnType<typeof planContent> => plan({ range: `bytes=${'0-0,'.repeat(count)}` }, 'GET', 1_000_000)
  t.match([many(1000), many(1001)], [{ status: 206, ranges: { length: 1000 } }, { status: 200, ranges: { length: 1 } }], 'very many ranges are the whole')
  t.same(layOut([{ start: 4, length: 3 }], 10, 'text/plain', () => ''), { parts: [{ start: 4, length: 3 }], length: 3, contentType: 'text/plain' })
  const { parts, length, contentType } = layOut([{ start: 0, length: 2 }, { start: 4, length: 1 }], 10, 'text/plain', () => 'b'.repeat(60))
  const boundary = contentType.split('boundary=')[1]!
  t.equal(parts.map(p => Buffer.isBuffer(p) ? p.toString() : 'x'.repeat(p.length)).join(''),
    `--${boundary}\r\nContent-Range: bytes 0-1/10\r\nContent-Type: text/plain\r\n\r\nxx\r\n--${boundary}\r\nContent-Range: bytes 4-4/10\r\nContent-Type: text/plain\r\n\r\nx\r\n--${boundary}--\r\n`)
  t.equal(length, parts.reduce((sum, p) => sum + p.length, 0))
  t.end()
})

t.test('a Range header costs what its length says', t => {
  // Quadratic work on a megabyte would take minutes.
  for (const part of [' ', '0', ',', '\t', '-', '1-']) {
    for (const range of [`bytes=0-1${part.repeat(1_000_000)}x`, `bytes=${part.repeat(1_000_000)}x-`]) t.match(plan({ range }), { status: 416 }, JSON.stringify(range.slice(0, 12)))
  }
  t.end()
})
