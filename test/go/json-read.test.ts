// What encoding/json refuses, in its words, and where: lines and columns count characters from 1.
import t from 'tap'
import { JsonMembers, type JsonNode, jsonText, parseJson, sorted, valueOf } from '../../src/go/json.js'
import { JsonError, maximumDepth, placesIn } from '../../src/go/json-read.js'
import { goString } from '../../src/go/string.js'

const parse = (text: string): JsonNode => parseJson(Buffer.from(text))
const refusal = (text: string): string => {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof JsonError && error.message === `${error.line}:${error.column}: ${error.problem}`) return error.message
  }
  return 'taken'
}

t.test('what is refused, and where', t => {
  for (const [text, message] of [
    ['', '1:1: unexpected end of JSON input'], [' \n', '2:1: unexpected end of JSON input'], ['\ufeff{}', '1:1: the text begins with a byte order mark, which has no place in JSON'],
    ['x', "1:1: invalid character 'x' looking for beginning of value"], ['tru', "1:1: invalid character 't' looking for beginning of value"], ['+1', "1:1: invalid character '+' looking for beginning of value"],
    ['01', "1:2: invalid character '1' after top-level value"], ['1.', "1:2: invalid character '.' after top-level value"], ['{} {}', "1:4: invalid character '{' after top-level value"],
    ['{1', "1:2: invalid character '1' looking for beginning of object key string"], ['{"a" 1}', "1:6: invalid character '1' after object key"], ['{"a":1 "b"', '1:8: invalid character \'"\' after object key:value pair'],
    ['{"a":1,}', "1:8: invalid character '}' looking for beginning of object key string"], ['{"a":', '1:6: unexpected end of JSON input'], ['[1 2]', "1:4: invalid character '2' after array element"],
    ['[1,]', "1:4: invalid character ']' looking for beginning of value"], ['["a\n"]', "1:4: invalid character '\\n' in string literal"], ['"\u001f"', "1:2: invalid character '\\u001f' in string literal"],
    ['"a', '1:3: unexpected end of JSON input'], ['"\\q"', "1:3: invalid character 'q' in string escape code"], ['"\\\'"', "1:3: invalid character '\\'' in string escape code"], ['"\\', '1:3: unexpected end of JSON input'],
    ['"\\u12g4"', "1:6: invalid character 'g' in \\u hexadecimal character escape"], ['\n\n [é, 🚀é, ]', "3:3: invalid character 'é' looking for beginning of value"],
    ['["🚀é" x]', "1:7: invalid character 'x' after array element"], ['{"a": 1,\n "b": 1e999}', '2:7: the number 1e999 is too large'], ['[1e308,\r\n\t-1e309]', '2:2: the number -1e309 is too large']
  ] as const) t.equal(refusal(text), message, JSON.stringify(text))
  t.end()
})

t.test('what is taken', t => {
  for (const [text, value] of [
    ['true', true], ['false', false], ['null', null], ['-0.5e+1', -5], ['1E2', 100], [' \t\r\n[ ]', []], ['[0,[1,[2]]]', [0, [1, [2]]]], ['"\\u00e9\\/\\b\\f\\n\\r\\t\\"\\\\"', 'é/\b\f\n\r\t"\\'],
    ['" \x7f"', ' \x7f'], ['"\\ud83d\\ude80"', '🚀'], ['"\\ud83d"', '\ufffd'], ['"\\ud83dx"', '\ufffdx']
  ] as const) t.same(parse(text), value, text)
  t.equal(parseJson(Buffer.from([0x22, 0x61, 0xff, 0x22])), 'a\ufffd')
  const members = parse('{"b":1,"a":{"y":[true],"x":null},"b":2}')
  t.ok(members instanceof JsonMembers)
  t.same((members as JsonMembers).list.map(([key]) => key), ['b', 'a', 'b'], 'as they were written')
  const value = valueOf(members)
  t.equal(jsonText(value), '{"b":2,"a":{"y":[true],"x":null}}')
  t.equal(jsonText(sorted(value)), '{"a":{"x":null,"y":[true]},"b":2}')
  t.equal(jsonText(sorted(valueOf(parse('[{"b":1,"a":2},"s",3,null,false]')))), '[{"a":2,"b":1},"s",3,null,false]')
  t.equal(jsonText([-0, 0, 1.5]), '[-0,0,1.5]')
  t.end()
})

t.test('arrays and objects inside one another, so many and not one more', t => {
  for (const [open, close] of [['[', ']'], ['{"a":', '}'], ['[{"a":', '}]']] as const) {
    const each = open.length > 5 ? 2 : 1
    const nested = (depth: number): string => `${open.repeat(depth / each)}1${close.repeat(depth / each)}`
    t.equal(refusal(nested(maximumDepth)), 'taken')
    t.match(refusal(open.repeat(maximumDepth / each) + (open.startsWith('[') ? '[' : '{')), /: exceeded max depth of 1000$/)
  }
  t.equal(refusal(`[${'[],'.repeat(2 * maximumDepth)}1]`), 'taken', 'beside one another they are as many as there are')
  t.end()
})

t.test('places, asked for in their order', t => {
  const text = goString(Buffer.concat([Buffer.from('a\n\n🚀b'), Buffer.of(0xff), Buffer.from('\nc')]))
  const placeAt = placesIn(text)
  t.same([...text, ''].map((_, n, all) => {
    const { line, column } = placeAt(all.slice(0, n).join('').length)
    return `${line}:${column}`
  }), ['1:1', '1:2', '2:1', '3:1', '3:2', '3:3', '3:4', '4:1', '4:2'])
  t.end()
})
