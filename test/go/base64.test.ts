// Base64, and where Go's decoder stops in what is none.
import t from 'tap'
import { decodeBase64 } from '../../src/go/base64.js'

for (const text of ['', 'a', 'ab', 'abc', '\0\xff']) t.same(decodeBase64(Buffer.from(text).toString('base64')), Buffer.from(text))
for (const [text, corruptAt] of [['Y', 0], ['YWJj!', 4], ['YWJjZA', 4], ['=', 0], ['Y=', 1], ['YQ=', 3], ['YQ=a', 2], ['YQ==a', 4], ['YWI=a', 4]] as const) {
  t.strictSame(decodeBase64(text), { corruptAt }, text)
}
