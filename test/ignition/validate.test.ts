// The rules of a table held against values: in which order, and how far in.
import t from 'tap'
import { list, optional, string, struct } from '../../src/ignition/schema.js'
import { duplicates, rule, validate, validateInOrder } from '../../src/ignition/validate.js'
import { filled } from '../../src/ignition/values.js'
import type { Values } from '../../src/ignition/schema.js'
import type { SchemaFinding, Rules } from '../../src/ignition/validate.js'

const item = struct('Item', { name: string(), text: string() }, 'name')
const type = struct('T', { items: list(item), others: list(item), single: optional(item), words: list(string()) })
const rules: Rules<string> = new Map([
  rule(type, ({ items }, report) => {
    report.warning([], 'the whole')
    if (items.length === 2) report.error(['items', 1], 'two')
  }),
  rule(item, ({ name, text }, report, context: string) => {
    if (text === 'bad') report.error([], 'bad as a whole')
    if (name === '') report.warning(['name'], `no name in ${context}`)
  })
])

const lines = (found: readonly SchemaFinding[]): string[] => found.map(({ kind, path, message }) => `${kind} ${path.join('.')} ${message}`)

t.test('from the outside in', t => {
  const value = filled(type, { items: [{ text: 'bad' }, {}], single: {} })
  t.same(lines(validate(type, value, rules, 'here')), [
    'warning  the whole', 'error items.1 two', 'error items.0 bad as a whole', 'warning items.0.name no name in here',
    'warning items.1.name no name in here', 'warning single.name no name in here'
  ])
  t.same(lines(validateInOrder(type, value, rules, 'here')), [
    'warning  the whole', 'error items.1 two', 'error items.0 bad as a whole', 'warning items.1.name no name in here', 'warning single.name no name in here'
  ], 'in order, and no more about what is wrong as a whole')
  t.end()
})

t.test('duplicates', t => {
  const found = (some: Values): string[] => lines(duplicates(type, filled(type, some)))
  t.same(found({ items: [{ name: 'a' }, { name: 'b' }, { name: 'a' }], words: ['x', 'x'] }),
    ['error items.2 duplicate entry defined', 'error words.1 duplicate entry defined'])
  t.same(found({ items: [{ name: 'a' }], others: [{ name: 'a' }] }), [], 'each list by itself')
  t.end()
})
