// Values and YAML walked side by side: what is remarked where.
import t from 'tap'
import { decodeYaml } from '../../src/ignition/decode.js'
import { list, optional, string, struct } from '../../src/ignition/schema.js'
import { readYaml } from '../../src/ignition/yaml-source.js'
import { errorIf, rule, validate, warningRemark } from '../../src/ignition/validate.js'
import type { Rule } from '../../src/ignition/validate.js'

const item = struct('Item', { name: string(), text: string() })
const type = struct('T', { items: list(item), single: optional(item) })
const rules: readonly Rule[] = [
  rule(item, {
    whole: ({ text }) => errorIf(text === 'bad', 'bad as a whole'),
    fields: { name: ({ name }) => name === '' ? [warningRemark('no name')] : [] }
  })
]

function remarks (text: string): string[] {
  const root = readYaml(text, 'v2')
  const value = decodeYaml(root, type, 'v2')
  return validate(value, type, root === undefined ? undefined : { node: root, spelling: key => key }, { rules, unusedKeys: true })
    .map(({ kind, message, path, line, column }) => `${kind} ${path} ${line}:${column} ${message}`)
}

t.test('places', t => {
  t.same(remarks('items:\n  - name: ""\n  - {text: x}\n'), ['warning $.items.0.name 2:11 no name', 'warning $.items.1.name 3:5 no name'])
  t.same(remarks('items: &i\n  - text: bad\nsingle: {name: x, more: 1, Text: y}\n'), [
    'error $.items.0 2:5 bad as a whole',
    'warning $.single.more 3:19 Config has unrecognized key: more',
    'warning $.single.Text 3:28 Config has unrecognized key: Text',
    'info $.single.Text 3:28 Did you mean text instead of Text'
  ], 'nothing more is said inside of what is wrong as a whole')
  t.same(remarks('x: &x {name: ""}\nsingle: *x\n'), [
    'warning $.single.name 2:9 no name',
    'warning $.x 1:1 Config has unrecognized key: x'
  ], 'what comes from an alias has the place of the alias')
  t.same(remarks('single:\n  <<: {name: ""}\n'), [
    'warning $.single.name 2:3 no name',
    'warning $.single.<< 2:3 Config has unrecognized key: <<'
  ])
  t.same(remarks('{}'), [])
  t.end()
})
