import t from 'tap'
import fc from 'fast-check'
import { readyIgnition } from '../../src/ignition/ready.js'

const ready = (text: string) => readyIgnition(Buffer.from(text))

t.test('any version of the spec', t => {
  for (const version of ['2.0.0', '2.3.0', '2.4.0-experimental', '3.0.0', '3.4.0', '3.7.0-experimental', '4.0.0', '12.1.0']) {
    t.same(ready(JSON.stringify({ ignition: { version }, storage: {} })), { version })
  }
  t.end()
})

t.test('JSON that is no Ignition config', t => {
  for (const text of ['[]', 'null', '"a"', '{}', '{"ignition": {}}', '{"ignition": {"version": 3}}', '{"ignition": {"version": ""}}', '{"ignition": []}']) {
    t.match(ready(text), { problem: /^not an Ignition config/, line: 1, column: 1 }, text)
  }
  t.match(ready('{"ignitionVersion": 1}'), { problem: /Ignition 1/ })
  t.match(ready('{"ignition": {"version": "1.0.0"}}'), { problem: /no version of the spec/ })
  t.match(ready('{"ignition": {"version": "three"}}'), { problem: /no version of the spec/ })
  t.end()
})

t.test('what is not JSON is shown where it stops being so', t => {
  for (const [text, line, column, problem] of [
    ['', 1, 1, /ends early/], ['{"a": 1', 1, 8, /ends early \(expected a comma or }\)/], ['{\n  "a": 1,\n}', 3, 1, /expected a key/],
    ['{"a" 1}', 1, 6, /colon/], ['{"a": 01}', 1, 8, /comma or }/], ['[1 2]', 1, 4, /comma or \]/], ['{a: 1}', 1, 2, /expected a key/],
    ['{} x', 1, 4, /follows the end/], ['{"é": \'x\'}', 1, 7, /expected a value/], ['variant: fcos\n', 1, 1, /expected a value/],
    ['{"a": [1, {"b": tru}]}', 1, 17, /expected a value/], ['[1,]', 1, 4, /expected a value/], ['\ufeff{}', 1, 1, /expected a value/]
  ] as const) t.match(ready(text), { problem, line, column }, JSON.stringify(text))
  t.end()
})

t.test('whatever the bytes, there is an answer', t => {
  const seed = Date.now() & 0xffff
  t.comment(`seed ${seed}`)
  const json = Buffer.from('{"ignition": {"version": "3.4.0"}, "a": [1, -2.5e3, true, null, "x\\n\\u00e9"], "b": {}}')
  const mutated = fc.tuple(fc.nat(json.length), fc.nat(6), fc.uint8Array({ maxLength: 6 }))
    .map(([at, removed, bytes]) => Buffer.concat([json.subarray(0, at), bytes, json.subarray(at + removed)]))
  fc.assert(fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes))), bytes => {
    const answer = readyIgnition(bytes)
    return 'version' in answer ? answer.version.length > 0 : answer.line >= 1 && answer.column >= 1 && answer.problem.length > 0
  }), { seed, numRuns: 3000, interruptAfterTimeLimit: 10_000 })
  t.match(ready('['.repeat(200_000)), { problem: /ends early/ })
  t.end()
})
