// Which YAML fits which Go type, in the two dialects: scalars, nulls, pointers, merge keys, duplicates, and how go-yaml says no.
import t from 'tap'
import { decodeYaml } from '../../src/ignition/decode.js'
import { goBytes } from '../../src/go/string.js'
import { any, bool, custom, int, list, optional, string, struct, uint } from '../../src/ignition/schema.js'
import { readYaml } from '../../src/yaml/read-yaml.js'
import { YamlError } from '../../src/yaml/yaml-error.js'
import type { Type } from '../../src/ignition/schema.js'
import type { YamlDialect } from '../../src/yaml/yaml-error.js'

function decode (text: string, type: Type, dialect: YamlDialect): unknown {
  try {
    return decodeYaml(readYaml(text, dialect), type, dialect)
  } catch (error) {
    if (error instanceof YamlError) return error.message
    throw error
  }
}

const cannot = (tag: string, value: string, type: string): string =>
  `yaml: unmarshal errors:\n  line 1: cannot unmarshal ${tag} \`${value}\` into ${type}`

t.test('scalars', t => {
  const cases: ReadonlyArray<readonly [text: string, type: Type, v2: unknown, v3?: unknown]> = [
    ['0644', int, 420n],
    ['0o644', int, 420n],
    ['644', int, 644n],
    ['0x1A', int, 26n],
    ['-0b11', int, -3n],
    ['1_000', int, 1000n],
    ['+7', int, 7n],
    ['09', int, 9n],
    ['4e+2', int, 400n],
    ['2.9', int, 2n],
    ['-2.9', int, -2n],
    ['9223372036854775807', int, 2n ** 63n - 1n],
    ['9223372036854775808', int, cannot('!!int', '9223372...', 'int')],
    ['99999999999999999999', int, cannot('!!float', '9999999...', 'int')],
    ['-.inf', int, -(2n ** 63n)],
    ['.nan', int, cannot('!!float', '.nan', 'int')],
    ['12:30', int, cannot('!!str', '12:30', 'int')],
    ['yes', int, cannot('!!bool', 'yes', 'int'), cannot('!!str', 'yes', 'int')],
    ["'7'", int, cannot('!!str', '7', 'int')],
    ['-1', uint, cannot('!!int', '-1', 'uint')],
    ['18446744073709551615', uint, 2n ** 64n - 1n],
    ['-1.5', uint, 2n ** 64n - 1n],
    ['true', bool, true],
    ['Off', bool, false],
    ['tRue', bool, cannot('!!str', 'tRue', 'bool')],
    ["'on'", bool, cannot('!!str', 'on', 'bool'), true],
    ['1', bool, cannot('!!int', '1', 'bool')],
    ['12', string(), '12'],
    ['1.50', string(), '1.50'],
    ['2018-05-18', string(), '2018-05-18'],
    ['2018-05-18', int, cannot('!!str', '2018-05-18', 'int'), cannot('!!timestamp', '2018-05-18', 'int')],
    ['!!int "12"', int, 12n],
    ['!!float 12', int, 'yaml: cannot decode !!int `12` as a !!float', 12n],
    ['!!int x', int, 'yaml: cannot decode !!str `x` as a !!int'],
    ['!own x', string(), 'x'],
    ['!own x', int, cannot('!own', 'x', 'int')],
    ['!!binary aGk=', string(), 'hi'],
    ['!!binary a', string(), 'yaml: !!binary value contains invalid base64 data'],
    ['a', list(string()), cannot('!!str', 'a', '[]string')],
    ['[a]', string('types.X'), 'yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into types.X'],
    ['{a: b}', list(int), 'yaml: unmarshal errors:\n  line 1: cannot unmarshal !!map into []int'],
    ['[x]', any, '']
  ]
  for (const [text, type, v2, v3] of cases) {
    t.same(decode(text, type, 'v2'), v2, `${text} as ${type.goType} in v2`)
    t.same(decode(text, type, 'v3'), v3 ?? v2, `${text} as ${type.goType} in v3`)
  }
  t.same(goBytes(String(decode('!!binary /wD+', string(), 'v3'))), Buffer.of(0xff, 0, 0xfe), 'bytes that are no text survive')
  t.end()
})

t.test('null', t => {
  const type = struct('T', { text: string(), pointer: optional(int), items: list(string()), inner: struct('I', { a: string() }) })
  const empty = { text: '', pointer: undefined, items: [], inner: { a: '' } }
  for (const nothing of ['', 'null', "!!null ''"]) {
    t.same(decode(`{text: ${nothing}, pointer: ${nothing}, items: ${nothing}, inner: ${nothing}}`, type, 'v2'), empty)
    t.same(decode(`{text: ${nothing}, pointer: ${nothing}, items: ${nothing}, inner: ${nothing}}`, type, 'v3'), empty)
  }
  t.same(decode('{pointer: ~}', type, 'v2'), { ...empty, pointer: 0n }, 'v2 follows the pointer before it sees that ~ is null')
  t.same(decode('{pointer: ~}', type, 'v3'), empty)
  t.same(decode('{items: [a, ~, b]}', type, 'v2'), { ...empty, items: ['a', '', 'b'] })
  t.same(decode('{items: [a, ~, b]}', type, 'v3'), { ...empty, items: ['a', 'b'] }, 'v3 drops what null cannot be')
  t.same(decode("{pointer: 'null'}", type, 'v2'), cannot('!!str', 'null', '*int'))
  t.same(decode('~', type, 'v2'), empty)
  t.same(decode('', type, 'v3'), empty)
  t.end()
})

t.test('keys: unknown, duplicate, merged', t => {
  const type = struct('T', { a: string(), b: string(), c: struct('C', { d: string(), e: string() }) })
  const both = (text: string, v2: unknown, v3: unknown): void => {
    t.same(decode(text, type, 'v2'), v2, `${text} in v2`)
    t.same(decode(text, type, 'v3'), v3, `${text} in v3`)
  }
  const value = (a: string, b: string, d = '', e = ''): unknown => ({ a, b, c: { d, e } })
  both('{z: [1], a: x, 1: y}', value('x', ''), value('x', ''))
  both('{a: x, a: y}', value('y', ''), 'yaml: unmarshal errors:\n  line 1: mapping key "a" already defined at line 1')
  both('{c: {d: x}, c: {e: y}}', value('', '', 'x', 'y'), 'yaml: unmarshal errors:\n  line 1: mapping key "c" already defined at line 1')
  both('{<<: {a: x, b: y}, b: z}', value('x', 'z'), value('x', 'z'))
  both('{b: z, <<: {a: x, b: y}}', value('x', 'y'), value('x', 'z'))
  both('{<<: [{a: x}, {a: y, b: z}]}', value('x', 'z'), value('x', 'z'))
  both('{<<: {<<: {a: x}, b: y}}', value('x', 'y'), value('x', 'y'))
  both('{<<: 5}', 'yaml: map merge requires map or sequence of maps as the value', 'yaml: map merge requires map or sequence of maps as the value')
  both("{'<<': {a: x}}", value('', ''), value('', ''))
  both('{{x: y}: z}', 'yaml: unmarshal errors:\n  line 1: cannot unmarshal !!map into string',
    'yaml: unmarshal errors:\n  line 1: cannot unmarshal !!map into string')
  both('{a: [1], b: {}}', 'yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string\n  line 1: cannot unmarshal !!map into string',
    'yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string\n  line 1: cannot unmarshal !!map into string')
  t.end()
})

t.test('aliases', t => {
  const type = struct('T', { a: list(string()), b: list(string()) })
  t.same(decode('{a: &x [p, &y q], b: [*y]}', type, 'v2'), { a: ['p', 'q'], b: ['q'] })
  t.same(decode('{a: [*y], b: [&y q]}', type, 'v2'), { a: ['q'], b: ['q'] }, 'v2 finds anchors that come later')
  t.equal(decode('{a: [*y]}', type, 'v2'), "yaml: unknown anchor 'y' referenced")
  t.same(decode('{z: [*y]}', type, 'v2'), { a: [], b: [] }, 'what nobody decodes is not looked up')
  for (const dialect of ['v2', 'v3'] as const) {
    t.equal(decode('{<<: &x {<<: *x}}', type, dialect), "yaml: anchor 'x' value contains itself", dialect)
    const levels = Array.from({ length: 20 }, (_, i) => `l${i + 1}: &l${i + 1} {<<: [*l${i}, *l${i}, *l${i}]}`)
    t.equal(decode(['l0: &l0 {a: [x]}', ...levels, '<<: *l20'].join('\n'), type, dialect), 'yaml: document contains excessive aliasing')
  }
  const twenty = Array<string>(20).fill('p')
  const lists = struct('T', { a: list(string()), b: list(list(string())) })
  t.match(decode(`{a: &x [${twenty.join(', ')}], b: [${Array(10).fill('*x').join(', ')}]}`, lists, 'v2'), { b: Array<string[]>(10).fill(twenty) }, 'two hundred steps of a short document are none too many')
  t.end()
})

t.test('types that decode themselves', t => {
  const type = struct('T', {
    v: optional(custom({
      goType: 'V',
      zero: () => 0,
      decode: ({ as, fail }) => Number(as(string())) || fail('not a number')
    }))
  })
  t.same(decode('v: 12', type, 'v2'), { v: 12 })
  t.same(decode('v:', type, 'v2'), { v: undefined })
  t.equal(decode('v: x', type, 'v2'), 'not a number')
  t.equal(decode('v: [x]', type, 'v2'), 'yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string')
  t.end()
})
