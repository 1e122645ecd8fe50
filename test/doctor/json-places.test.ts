// Where parts of a JSON file stand, which of its keys mean nothing, and what is added to Go's words.
import t from 'tap'
import { jsonHint, JsonPlaces, strayOctet } from '../../src/doctor/json-places.js'
import { findingText } from '../../src/doctor/finding.js'

const placesOf = (text: string): JsonPlaces => new JsonPlaces('f', Buffer.from(text))
const text = '{\n  "Boot": {"kernel": "k", "initrd": ["a",\n    "b"]},\n  "boot": {"args": []}, "id": 1\n}'

t.test('the place of a value, or of the nearest around it', t => {
  const places = placesOf(text)
  for (const [path, line, column] of [
    [[], 1, 2], [['id'], 4, 31], [['boot'], 4, 12], [['boot', 'args'], 4, 21], [['boot', 'kernel'], 4, 12], [['nothing', 'id'], 1, 2], [['id', 'x'], 4, 31], [['boot', 'args', 0], 4, 21], [['boot', 0], 4, 12]
  ] as const) t.same(places.of(...path), { file: 'f', line, column }, path.join())
  const other = placesOf('{"BOOT":{"Initrd":["a",\n "b"]}}')
  for (const [path, line, column] of [[['boot', 'initrd', 0], 1, 20], [['boot', 'initrd', 1], 2, 2], [['boot', 'initrd', 2], 1, 20], [['boot', 'initrd', 'x'], 1, 20]] as const) {
    t.same(other.of(...path), { file: 'f', line, column }, path.join())
  }
  t.same(placesOf('{"selector":{"Mac":1,"mac":2}}').of('selector', 'mac'), { file: 'f', line: 1, column: 28 }, 'as it is written before what it is in another case')
  t.same(placesOf('{').of('a'), { file: 'f', line: 1, column: 1 }, 'what is no JSON has no places in it')
  t.same(placesOf('{"a":{"b":1,\n"B":2}}').ofKey('B', 'a'), { file: 'f', line: 2, column: 1 })
  t.same(placesOf('{"a":{"b":1,\n"B":2}}').ofKey('c', 'a'), { file: 'f', line: 1, column: 7 })
  t.same(placesOf('[1]').ofKey('c', 'a'), { file: 'f', line: 1, column: 2 })
  t.end()
})

t.test('keys that mean nothing, and those that stand twice', t => {
  const odd = (text: string, ...path: string[]): readonly string[] => placesOf(text).oddKeys(['id', 'profile'], ...path).map(finding => `${finding.rule} ${findingText(finding)}`)
  t.same(odd('{"ID":1,"Profile":2,"_x":1,"#x":1,"$schema":1,"//":1,"// why":1,"comment":1,"Comment":1}'), [])
  t.same(odd('{"id":1,"comments":2}'), ['unknown-key f:1:9: unknown key "comments", which is passed over (known: id, profile)'])
  t.same(odd('{"profle":1}'), ['unknown-key f:1:2: unknown key "profle", which is passed over; did you mean "profile"?'])
  t.same(odd('{"id":1,\n"ID":2,"x":1,"id":3}'), [
    'repeated-key f:2:1: the key "id" stands twice', 'repeated-key f:2:14: the key "id" stands twice', 'unknown-key f:2:8: unknown key "x", which is passed over (known: id, profile)'
  ])
  t.same(odd('{"a":{"id":1,"b":2}}', 'a').length, 1)
  t.same(odd('{"a":[1]}', 'a'), [])
  t.same(odd('{"a":1}', 'b'), [])
  t.same(placesOf('{"m":{"a":1,"A":2,"a":3}}').repeatedKeys(key => key, 'm').map(findingText), ['f:1:19: the key "a" stands twice'])
  t.end()
})

t.test('the first octet that is not UTF-8, wherever it stands', t => {
  t.equal(strayOctet(Buffer.from('aé🚀\n')), undefined)
  t.equal(strayOctet(Buffer.alloc(0)), undefined)
  const before = 'a\né🚀世x'
  for (let length = 0; length <= before.length; length++) {
    const head = [...before].slice(0, length).join('')
    const lines = head.split('\n')
    const place = { line: lines.length, column: [...lines.at(-1) ?? ''].length + 1 }
    for (const rest of ['', 'x', 'é', '\n\n', 'x'.repeat(9)]) {
      for (const stray of [[0xff], [0x80], [0xc3], [0xf0, 0x9f, 0x9a], [0xff, 0xff, 0xff, 0xff, 0xff]]) {
        t.same(strayOctet(Buffer.concat([Buffer.from(head), Buffer.from(stray), Buffer.from(rest)])), place, JSON.stringify([head, stray, rest]))
      }
    }
  }
  t.same(new JsonPlaces('f', Buffer.from('{}')).strayOctet(Buffer.of(0x61, 0xff)), { file: 'f', line: 1, column: 2 })
  t.same(new JsonPlaces('f', Buffer.from('{}')).strayOctet(Buffer.from('a')), { file: 'f', line: 1, column: 1 })
  t.end()
})

t.test('what is added to the words of Go', t => {
  const comma = ' (a trailing comma, which JSON does not allow)'
  for (const [source, line, column, hint] of [
    ['{', 1, 2, ': is the file cut?'], ['{/', 1, 2, ' (JSON has no comments; keys that begin with "_" are passed over)'],
    ["{'", 1, 2, ' (JSON has its texts in double quotes)'], ['[1,]', 1, 4, comma], ['{"a":1,\n\n }', 3, 2, comma],
    ['["é🚀",]', 1, 7, comma], ['[1,,]', 1, 4, ''], ['[1]]', 1, 4, ''], ['[,]', 1, 2, ''],
    ['[1,x', 1, 4, '']
  ] as const) t.equal(jsonHint(Buffer.from(source), { line, column }), hint, source)
  t.end()
})
