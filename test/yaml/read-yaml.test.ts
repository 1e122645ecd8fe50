// YAML as libyaml and go-yaml read it: trees with places, refusals in their words, and what either of the two dialects has alone.
import t from 'tap'
import { nodeText } from '../../src/yaml/node.js'
import { maximumYamlBytes, readYaml } from '../../src/yaml/read-yaml.js'
import { resolveScalar } from '../../src/yaml/resolve.js'
import { YamlError } from '../../src/yaml/yaml-error.js'
import type { YamlNode, YamlScalar } from '../../src/yaml/node.js'
import type { YamlDialect } from '../../src/yaml/yaml-error.js'

type Plain = string | readonly Plain[] | { readonly [key: string]: Plain }

/** Scalars as text, aliases as `*name`, mappings as objects. */
function plain (node: YamlNode | undefined): Plain {
  if (node === undefined) return '(none)'
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'alias') return `*${node.name}`
  if (node.kind === 'sequence') return node.items.map(plain)
  return Object.fromEntries(node.pairs.map(pair => [nodeText(pair.key), plain(pair.value)]))
}

function refusal (text: string | Uint8Array, dialect: YamlDialect): string {
  try {
    readYaml(text, dialect)
    return ''
  } catch (error) {
    if (error instanceof YamlError) return error.message
    throw error
  }
}

// TAP ends its lines at U+2028 too.
const label = (text: string): string => JSON.stringify(text).replace(/[^ -~]/g, char => `\\u${char.charCodeAt(0).toString(16)}`)

t.test('what texts mean', t => {
  const cases: ReadonlyArray<readonly [text: string, meaning: Plain]> = [
    ['', '(none)'],
    ['# only a comment\n', '(none)'],
    ['---\n', ''],
    ['--- # c\n...\n', ''],
    ['a', 'a'],
    ['a: b\nc:\n- d\n- e: f\n  g: h\n', { a: 'b', c: ['d', { e: 'f', g: 'h' }] }],
    ['- - a\n  - b\n-\n- c\n', [['a', 'b'], '', 'c']],
    ['{a: b, c, d: , "e":f, ? g : h}', { a: 'b', c: '', d: '', e: 'f', g: 'h' }],
    ['[a, b: c, [d], ]', ['a', { b: 'c' }, ['d']]],
    ['? a\n: b\n? c\n', { a: 'b', c: '' }],
    ['a: x y\n  z\n\n  w\n', { a: 'x y z\nw' }],
    ["a: 'x\n  y\n\n  it''s'", { a: "x y\nit's" }],
    ['a: "x\\\n   y\\n\\x41\\u00e9\\U0001F98A\\_\\\n\n  z"', { a: 'xy\nA\u00e9\u{1f98a}\u00a0\nz' }],
    ['a: |\n  x\n   y\n\n\nb: c', { a: 'x\n y\n', b: 'c' }],
    ['a: |+\n  x\n\n\nb: c', { a: 'x\n\n\n', b: 'c' }],
    ['a: |-\n  x\n\n', { a: 'x' }],
    ['a: |2-\n    x\n  y\n', { a: '  x\ny' }],
    ['a: >\n  x\n  y\n\n  z\n    w\n  v\n', { a: 'x y\nz\n  w\nv\n' }],
    ['a: >-2\n   x\n', { a: ' x' }],
    ['a: | # c\n  #x\n', { a: '#x\n' }],
    ['a: b#c # d', { a: 'b#c' }],
    ['a: http://x:1/y', { a: 'http://x:1/y' }],
    ['a:\r\n  - b\rc: d\u0085e: f', { a: ['b'], c: 'd', e: 'f' }],
    ['a: x\u2028 y', { a: 'x\u2028y' }],
    ['a: &x [b]\nc: *x\n', { a: ['b'], c: '*x' }],
    ['%TAG !e! tag:e,1:\n--- !e!x a', 'a'],
    ['\ufeffa: b', { a: 'b' }],
    ['a: -1\nb: -x\nc: ?x\nd: :x', { a: '-1', b: '-x', c: '?x', d: ':x' }],
    ['a:\t b\t\nc: [\t1,\t2]', { a: 'b', c: ['1', '2'] }],
    ['a: b\n---\nc: d\n', { a: 'b' }]
  ]
  for (const [text, meaning] of cases) {
    t.same(plain(readYaml(text, 'v2')), meaning, label(text))
    t.same(plain(readYaml(Buffer.from(text), 'v3')), meaning, `${label(text)} in v3`)
  }
  t.end()
})

t.test('places count characters from 1, of the anchor or tag where there is one', t => {
  const root = readYaml('# c\na: "\u{1f98a}" \n\u{1f98a}: [x, &y !!str z]\n', 'v3')
  t.match(root, {
    line: 2,
    column: 1,
    pairs: [
      { key: { line: 2, column: 1 }, value: { line: 2, column: 4, style: 'double' } },
      { key: { line: 3, column: 1 }, value: { line: 3, column: 4, items: [{ column: 5 }, { column: 8, tag: 'tag:yaml.org,2002:str' }] } }
    ]
  })
  t.end()
})

t.test('refusals, and the line that each dialect names', t => {
  const cases: ReadonlyArray<readonly [text: string, v2: string, v3: string]> = [
    ['a:\n\tb', 'yaml: line 1: found character that cannot start any token', 'yaml: line 2: found character that cannot start any token'],
    ['a: [b\nc', "yaml: line 2: did not find expected ',' or ']'", "yaml: line 2: did not find expected ',' or ']'"],
    ['a: {b\n', "yaml: line 1: did not find expected ',' or '}'", "yaml: line 1: did not find expected ',' or '}'"],
    ['a: b: c', 'yaml: mapping values are not allowed in this context', 'yaml: mapping values are not allowed in this context'],
    ['a\nb: c', 'yaml: line 1: mapping values are not allowed in this context', 'yaml: line 2: mapping values are not allowed in this context'],
    ['a: b\nc', "yaml: line 2: could not find expected ':'", "yaml: line 2: could not find expected ':'"],
    ['- a\nb: c', "yaml: line 1: did not find expected '-' indicator", "yaml: line 1: did not find expected '-' indicator"],
    ['a: "b\n', 'yaml: line 1: found unexpected end of stream', 'yaml: line 2: found unexpected end of stream'],
    ['a: "\\q"', 'yaml: found unknown escape character', 'yaml: found unknown escape character'],
    ['a: "\\ud800"', 'yaml: found invalid Unicode character escape code', 'yaml: found invalid Unicode character escape code'],
    ['a: "\\x4"', 'yaml: did not find expected hexdecimal number', 'yaml: did not find expected hexdecimal number'],
    ['a: |0\n b', 'yaml: found an indentation indicator equal to 0', 'yaml: found an indentation indicator equal to 0'],
    ['a: |x\n b', 'yaml: did not find expected comment or line break', 'yaml: did not find expected comment or line break'],
    ['a: |\n\tb', 'yaml: line 1: found a tab character where an indentation space is expected',
      'yaml: line 2: found a tab character where an indentation space is expected'],
    ['a: &\n', 'yaml: did not find expected alphabetic or numeric character', 'yaml: did not find expected alphabetic or numeric character'],
    ['a: !x!y z', 'yaml: found undefined tag handle', 'yaml: found undefined tag handle'],
    ['\na: - b', 'yaml: line 1: block sequence entries are not allowed in this context',
      'yaml: line 2: block sequence entries are not allowed in this context'],
    ['a: b\n- d', 'yaml: line 1: did not find expected key', 'yaml: line 1: did not find expected key'],
    ['%YAML 1.2\n---\na', 'yaml: found incompatible YAML document', 'yaml: found incompatible YAML document'],
    ['%YAML 1\n---\na', "yaml: did not find expected digit or '.' character", "yaml: did not find expected digit or '.' character"],
    ['a: !<> b', 'yaml: did not find expected tag URI', 'yaml: did not find expected tag URI'],
    ['a: ? b', 'yaml: mapping keys are not allowed in this context', 'yaml: mapping keys are not allowed in this context'],
    ['%YAML 1.1\n%YAML 1.1\n---\na', 'yaml: line 1: found duplicate %YAML directive', 'yaml: line 1: found duplicate %YAML directive'],
    ['%NOPE\n---\na', 'yaml: found unknown directive name', 'yaml: found unknown directive name'],
    ['@a', 'yaml: found character that cannot start any token', 'yaml: found character that cannot start any token'],
    ['...\n', 'yaml: did not find expected node content', 'yaml: did not find expected node content'],
    ['a: "\\/"', 'yaml: found unknown escape character', 'yaml: found unknown escape character'],
    ['{a: b:c}', "yaml: found unexpected ':'", ''],
    ['[a] b', 'yaml: did not find expected <document start>', ''],
    ['a: *x', '', "yaml: unknown anchor 'x' referenced"]
  ]
  for (const [text, v2, v3] of cases) {
    t.equal(refusal(text, 'v2'), v2, `${label(text)} in v2`)
    t.equal(refusal(text, 'v3'), v3, `${label(text)} in v3`)
  }
  t.end()
})

t.test('bytes that are no text', t => {
  const cases: ReadonlyArray<readonly [bytes: Uint8Array, problem: string]> = [
    [Buffer.from('a: \0'), 'control characters are not allowed'],
    [Buffer.from('a: \x7f'), 'control characters are not allowed'],
    [Buffer.from('a: \uffff'), 'control characters are not allowed'],
    [Buffer.from([0x61, 0xff]), 'invalid leading UTF-8 octet'],
    [Buffer.from([0x61, 0xc3]), 'incomplete UTF-8 octet sequence'],
    [Buffer.from([0x61, 0xc3, 0x61]), 'invalid trailing UTF-8 octet'],
    [Buffer.from([0x61, 0xc0, 0x80]), 'invalid length of a UTF-8 sequence'],
    [Buffer.from([0x61, 0xed, 0xa0, 0x80]), 'invalid Unicode character'],
    [Buffer.from([0xff, 0xfe, 0x61]), 'incomplete UTF-16 character'],
    [Buffer.from([0xff, 0xfe, 0x00, 0xd8, 0x61, 0x00]), 'expected low surrogate area'],
    [Buffer.from([0xff, 0xfe, 0xff, 0xdb, 0x61, 0x00]), 'expected low surrogate area'],
    [Buffer.from([0xff, 0xfe, 0x00, 0xdc, 0x61, 0x00]), 'unexpected low surrogate area']
  ]
  for (const [bytes, problem] of cases) t.equal(refusal(bytes, 'v3'), `yaml: ${problem}`)
  t.same(plain(readYaml(Buffer.from('\ufeffa: \u00e9', 'utf16le'), 'v2')), { a: '\u00e9' }, 'UTF-16 with a byte order mark')
  t.same(plain(readYaml(Buffer.from('\ufeffa: \u00e9', 'utf16le').swap16(), 'v2')), { a: '\u00e9' })
  t.same(plain(readYaml('\ufeffa: b', 'v2')), { a: 'b' }, 'UTF-8 with one')
  t.equal(plain(readYaml('\ufeff', 'v2')), '(none)', 'and nothing else')
  // Octets of one, in other company.
  for (const key of ['a\u00ff', '\u1eff', '\uf6ff']) t.same(plain(readYaml(`${key}: b`, 'v2')), { [key]: 'b' }, JSON.stringify(key))
  t.same(plain(readYaml(`a: b\n---\n${'c\n'.repeat(1000)}\0`, 'v2')), { a: 'b' }, 'what comes long after the first document is not read')
  t.end()
})

t.test('aliases: v3 knows the anchors before, v2 the last of that name', t => {
  const text = 'a: &x 1\nb: *x\nc: &x 2\n'
  const target = (dialect: YamlDialect): string => {
    const root = readYaml(text, dialect)
    const alias = root?.kind === 'mapping' ? root.pairs[1]?.value : undefined
    return alias?.kind === 'alias' && alias.target?.kind === 'scalar' ? alias.target.value : ''
  }
  t.equal(target('v3'), '1')
  t.equal(target('v2'), '2')
  t.end()
})

t.test('limits are refused clearly and at once', t => {
  t.match(refusal('a'.repeat(17 * 1024 * 1024), 'v2'), /^yaml: the text has 17825792 bytes, more than the 16777216 that are read$/)
  t.ok(maximumYamlBytes < 17 * 1024 * 1024)
  for (const nested of ['[', '{a: ', '- ', '? ', '{? ']) t.match(refusal(nested.repeat(100_000), 'v3'), /exceeded max depth of 1000/)
  t.equal(refusal(`${'['.repeat(1000)}${']'.repeat(1000)}`, 'v3'), '', 'so deep, and no deeper')
  t.match(refusal(`${'['.repeat(1001)}${']'.repeat(1001)}`, 'v3'), /exceeded max depth of 1000/)
  t.match(refusal(`a: [${'~,'.repeat(200_000)}]`, 'v2'), /more than 100000 values/)
  t.end()
})

t.test('a comment below a comment may be indented by a tab in v3', t => {
  for (const text of ['# a\n\t# b\nc: d', 'a:\n  # b\n\t \t# c\n\t# d\n  e: f', '# a\r\n\t# b\r\nc: d']) {
    t.equal(readYaml(text, 'v3')?.kind, 'mapping', label(text))
    t.throws(() => readYaml(text, 'v2'), /cannot start any token/)
  }
  t.throws(() => readYaml('a: b\n\t# c\nd: e', 'v3'), /violates indentation/, 'but below nothing else')
  t.end()
})

t.test('a lone exclamation mark is a tag', t => {
  for (const dialect of ['v2', 'v3'] as const) {
    t.match(readYaml('a: ! b\nc: !\n', dialect), { pairs: [{ value: { tag: '!', value: 'b' } }, { value: { tag: '!', value: '' } }] })
  }
  t.end()
})

t.test('a date is one to v3 where no other tag is given', t => {
  for (const dialect of ['v2', 'v3'] as const) {
    const resolved = (text: string): unknown => resolveScalar(readYaml(text, dialect) as YamlScalar, dialect)
    t.throws(() => resolved('!!int 2001-01-01'), { message: 'yaml: cannot decode !!str `2001-01-01` as a !!int' }, dialect)
    t.match(resolved('2001-01-01'), { tag: dialect === 'v3' ? '!!timestamp' : '!!str' }, dialect)
    t.match(resolved('!!str 2001-01-01'), { tag: '!!str' }, dialect)
  }
  t.end()
})
