import t from 'tap'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { readyIgnition } from '../../src/ignition/ready.js'
import { cases } from '../helpers/property.js'

const ready = (text: string) => readyIgnition(Buffer.from(text))

t.test('every recorded answer of ignition-validate 2.26.0', t => {
  interface Case { readonly name: string, readonly input: string, readonly ok: boolean, readonly report: string }
  const { cases } = JSON.parse(readFileSync(new URL('../fixtures/butane29/ready/ready.json', import.meta.url), 'utf8')) as { cases: readonly Case[] }
  t.equal(cases.length, 18)
  for (const { name, input, ok, report } of cases) {
    const answer = ready(input)
    t.equal('version' in answer && !answer.report.some(({ kind }) => kind === 'error'), ok, `${name}: taken`)
    const lines = report.split('\n').filter(line => / at \$/.test(line))
    if ('problem' in answer || lines.length === 0) continue
    t.same(answer.report.map(({ kind, path, line, column, message }) => `${kind} at ${path}, line ${line} col ${column}: ${message}`), lines, `${name}: report`)
  }
  t.end()
})

t.test('which versions are known', t => {
  for (const version of ['2.0.0', '2.3.0', '2.4.0-experimental', '3.0.0', '3.4.0', '3.6.0', '3.7.0-experimental']) {
    t.same(ready(JSON.stringify({ ignition: { version }, storage: {} })), { version, report: [] })
  }
  for (const version of ['3.7.0', '4.0.0', '12.1.0']) {
    t.match(ready(JSON.stringify({ ignition: { version } })), { version, report: [{ kind: 'error', message: 'unsupported config version', line: 1, column: 24 }] })
  }
  t.end()
})

t.test('what a config of spec 3 holds', t => {
  const { report } = ready('{\n  "ignition": {"version": "3.4.0"},\n  "storage": {"files": [{"path": "a", "mode": "x"}]}\n}') as { report: unknown }
  t.same(report, [{ kind: 'error', path: '$', message: 'json: cannot unmarshal str `x` into int', line: 3, column: 47 }])
  t.match(ready('{"ignition": {"version": "3.4.0"}, "storge": 1, "storage": {"size_mib": 1}}'), {
    report: [{ kind: 'warning', path: '$.storge', message: 'unused key storge' }, { path: '$.storage.size_mib' }]
  })
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
    ['', 1, 1, /unexpected end of JSON input/], ['{"a": 1', 1, 8, /unexpected end/], ['{\n  "a": 1,\n}', 3, 1, /'}' looking for beginning of object key/],
    ['{"a" 1}', 1, 6, /'1' after object key/], ['{"a": 01}', 1, 8, /'1' after object key:value pair/], ['[1 2]', 1, 4, /'2' after array element/],
    ['{a: 1}', 1, 2, /object key string/], ['{} x', 1, 4, /'x' after top-level value/], ['{"é": \'x\'}', 1, 7, /'\\'' looking for beginning of value/],
    ['variant: fcos\n', 1, 1, /'v' looking for beginning of value/], ['{"a": [1, {"b": tru}]}', 1, 17, /'t' looking for/], ['[1,]', 1, 4, /beginning of value/],
    ['"\\x"', 1, 3, /'x' in string escape code/], ['"\\u12g"', 1, 6, /'g' in .u hexadecimal/], ['"a\nb"', 1, 3, /'.n' in string literal/],
    ['\ufeff{}', 1, 1, /byte order mark/]
  ] as const) t.match(ready(text), { problem, line, column }, JSON.stringify(text))
  t.end()
})

t.test('whatever the bytes, there is an answer', t => {
  const json = Buffer.from('{"ignition": {"version": "3.4.0"}, "a": [1, -2.5e3, true, null, "x\\n\\u00e9"], "b": {}}')
  const mutated = fc.tuple(fc.nat(json.length), fc.nat(6), fc.uint8Array({ maxLength: 6 }))
    .map(([at, removed, bytes]) => Buffer.concat([json.subarray(0, at), bytes, json.subarray(at + removed)]))
  fc.assert(fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes))), bytes => {
    const answer = readyIgnition(bytes)
    return 'version' in answer ? answer.version.length > 0 : answer.line >= 1 && answer.column >= 1 && answer.problem.length > 0
  }), cases(t, 3000))
  t.match(ready('['.repeat(200_000)), { problem: /exceeded max depth/ })
  t.end()
})
