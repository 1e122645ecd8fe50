import t from 'tap'
import { netascii, toNetascii } from '../../src/tftp/netascii.js'

t.test('line ends and returns', t => {
  const rows: ReadonlyArray<readonly [string, string]> = [
    ['', ''], ['plain', 'plain'], ['a\nb\n', 'a\r\nb\r\n'], ['a\rb', 'a\r\0b'], ['a\r\nb', 'a\r\0\r\nb'], ['\n\n', '\r\n\r\n'], ['\r', '\r\0']
  ]
  for (const [text, wire] of rows) t.equal(toNetascii(Buffer.from(text)).toString('latin1'), wire, JSON.stringify(text))
  t.end()
})

t.test('in pieces of any size the same bytes come out', async t => {
  const text = 'one\ntwo\r\nthree\r\n\n\rfour\n'.repeat(50)
  const whole = toNetascii(Buffer.from(text)).toString('latin1')
  for (const length of [1, 2, 3, 7, 8, 512, 5000]) {
    let rest = Buffer.from(text)
    const source = netascii({
      next: wanted => {
        const piece = rest.subarray(0, wanted)
        rest = rest.subarray(wanted)
        return piece
      },
      close: () => {}
    })
    let got = ''
    for (;;) {
      const piece = await source.next(length)
      got += piece.toString('latin1')
      if (piece.length < length) break
    }
    t.equal(got, whole, `pieces of ${length}`)
  }
})

t.test('it reads no further than it has to, and closes what it reads', async t => {
  let [asked, closed] = [0, 0]
  const source = netascii({
    next: wanted => {
      asked++
      return Buffer.alloc(wanted, 'a')
    },
    close: () => { closed++ }
  })
  t.equal((await source.next(512)).length, 512)
  t.equal(asked, 1)
  source.close()
  t.equal(closed, 1)
})
