import t from 'tap'
import { negotiate } from '../../src/tftp/negotiate.js'
import type { TftpOption } from '../../src/tftp/packet.js'

const limits = { maxBlockSize: 1468, maxWindowSize: 32 }
const size = 73728

const rows: ReadonlyArray<readonly [readonly TftpOption[], readonly TftpOption[], string]> = [
  [[], [], 'nothing asked'],
  [[['blksize', '1456']], [['blksize', '1456']], 'blksize'],
  [[['blksize', '8']], [['blksize', '8']], 'the least blksize'],
  [[['blksize', '7']], [], 'less than that'],
  [[['blksize', '65464']], [['blksize', '1468']], 'more than the path carries'],
  [[['blksize', '65535']], [['blksize', '1468']], 'more than RFC 2348 has'],
  [[['blksize', '65536']], [], 'absurd'],
  [[['blksize', '']], [], 'empty'],
  [[['blksize', '-1']], [], 'negative'],
  [[['blksize', '1e3']], [], 'not decimal'],
  [[['blksize', '512x']], [], 'not a number'],
  [[['blksize', '99999999999999999999999']], [], 'a number too long to mean anything'],
  [[['BlkSize', '1024']], [['BlkSize', '1024']], 'spelled as asked'],
  [[['tsize', '0']], [['tsize', '73728']], 'tsize, exactly'],
  [[['timeout', '1']], [['timeout', '1']], 'the least timeout'],
  [[['timeout', '255']], [['timeout', '255']], 'the longest timeout'],
  [[['timeout', '0']], [], 'no timeout'],
  [[['timeout', '3000']], [], 'milliseconds, as the npm client asks'],
  [[['windowsize', '8']], [['windowsize', '8']], 'windowsize'],
  [[['windowsize', '64']], [['windowsize', '32']], 'more than is given (u-root asks 64)'],
  [[['windowsize', '0']], [], 'no window'],
  [[['windowsize', '65536']], [], 'absurd'],
  [[['multicast', ''], ['rollover', '0'], ['utimeout', '5']], [], 'unknown ones'],
  [[['constructor', '1'], ['__proto__', '1']], [], 'words of the language'],
  [[['blksize', '512'], ['blksize', '1024']], [['blksize', '512']], 'the first of two'],
  [[['blksize', '0'], ['blksize', '1024']], [['blksize', '1024']], 'the first that makes sense'],
  [[['windowsize', '4'], ['tsize', '0'], ['blksize', '1428']], [['windowsize', '4'], ['tsize', '73728'], ['blksize', '1428']], 'in the order asked']
]

t.test('what is asked and what is answered', t => {
  for (const [asked, answer, why] of rows) t.same(negotiate(asked, { limits, size }).answer, answer, why)
  t.end()
})

t.test('what is done', t => {
  t.same(negotiate([], { limits, size }), { blksize: 512, windowsize: 1, timeout: undefined, tsizeAsked: false, answer: [] })
  const asked: TftpOption[] = [['blksize', '9000'], ['timeout', '3'], ['tsize', '0'], ['windowsize', '99']]
  t.match(negotiate(asked, { limits, size }), { blksize: 1468, windowsize: 32, timeout: 3, tsizeAsked: true })
  t.end()
})

t.test('netascii: the size to come is not known, so it is not told', t => {
  t.same(negotiate([['tsize', '0'], ['blksize', '512']], { limits, size: undefined }).answer, [['blksize', '512']])
  t.end()
})
