// Where values stand in their YAML.
import t from 'tap'
import { decodeYaml } from '../../src/ignition/decode.js'
import { list, optional, snakeCase, string, struct } from '../../src/ignition/schema.js'
import { nearestNode, nodeAt, unusedKeys, writtenPath } from '../../src/ignition/source-tree.js'
import { readYaml } from '../../src/yaml/read-yaml.js'
import type { Value } from '../../src/ignition/schema.js'
import type { YamlNode } from '../../src/yaml/node.js'

const source = (text: string): YamlNode => {
  const node = readYaml(text, 'v2')
  if (node === undefined) throw new RangeError('the test has no YAML')
  return node
}

t.test('paths', t => {
  const root = source('a_b:\n  - c: 1\n  - c: 2\n    c: 3\nx: &x {y: 1}\nz: *x\n')
  t.match(nodeAt(root, 'aB', 1, 'c'), { value: '3', line: 4, column: 8 }, 'the last of two keys')
  t.equal(nodeAt(root, 'aB', 2), undefined)
  t.equal(nodeAt(root, 'z', 'y'), undefined, 'not behind an alias')
  t.equal(nodeAt(undefined, 'a'), undefined)
  t.match(nearestNode(root, ['z', 'y']), { exact: false, node: { kind: 'alias', line: 6, column: 4 } }, 'what comes from an alias has its place')
  t.match(nearestNode(root, ['aB', 7, 'c']), { exact: false, node: { line: 2, column: 3 } })
  t.end()
})

t.test('keys that nobody reads', t => {
  const item = struct('Item', { wipeTable: string() })
  const type = struct('T', { items: list(item), single: optional(item) })
  const told = (text: string): string[] => {
    const root = source(text)
    const found: string[] = []
    unusedKeys(root, type, decodeYaml(root, type, 'v2') as Value,
      ({ key, path, known }) => found.push(`${path.join('.')} ${key.line}:${key.column} ${known.join()}`), path => found.push(`${path.join('.')} hidden`))
    return found
  }
  t.same(told('items:\n  - wipe_table: a\n    wipeTable: b\nsingle: {x: 1}\n'), ['items.0.wipeTable 3:5 wipe_table', 'single.x 4:10 wipe_table'])
  t.same(told('x: &x {y: 1}\nsingle: *x\n'), ['x 1:1 items,single', 'single hidden'])
  t.end()
})

t.test('spellings', t => {
  t.equal(snakeCase('sshAuthorizedKeys'), 'ssh_authorized_keys')
  t.equal(snakeCase('sizeMiB'), 'size_mib')
  t.equal(snakeCase('data_dir'), 'data_dir')
  t.same(writtenPath(['startMiB', 0]), ['start_mib', 0])
  t.end()
})
