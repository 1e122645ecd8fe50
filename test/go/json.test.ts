// JSON text as Go writes it.
import t from 'tap'
import { goString } from '../../src/go/string.js'
import { jsonText } from '../../src/go/json.js'

t.test('compact and indented', t => {
  const value = { a: 9223372036854775807n, b: [], c: {}, d: undefined, e: [1, null, true, 'x'], f: { g: '' } }
  t.equal(jsonText(value), '{"a":9223372036854775807,"b":[],"c":{},"e":[1,null,true,"x"],"f":{"g":""}}')
  t.same(JSON.parse(jsonText(value, '  ')), JSON.parse(jsonText(value)))
  t.equal(jsonText({ a: [1, { b: [] }] }, '  '), '{\n  "a": [\n    1,\n    {\n      "b": []\n    }\n  ]\n}')
  t.end()
})

t.test('strings', t => {
  t.equal(jsonText('<a> & "b" \\ \n\r\t\u0001\u007f\u2028\u00e9\u{1f98a}'),
    '"\\u003ca\\u003e \\u0026 \\"b\\" \\\\ \\n\\r\\t\\u0001\u007f\\u2028\u00e9\u{1f98a}"')
  t.equal(jsonText(goString(Buffer.of(0x61, 0xff))), '"a\ufffd"')
  t.end()
})
