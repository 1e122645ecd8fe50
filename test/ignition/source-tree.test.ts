// The YAML as the validators see it.
import t from 'tap'
import { camelCase, entriesOf, itemOf, nodeAt, snakeCase } from '../../src/ignition/source-tree.js'
import { readYaml } from '../../src/ignition/yaml-source.js'
import type { SourceNode } from '../../src/ignition/source-tree.js'

const source = (text: string, spelling = (key: string): string => key): SourceNode => {
  const node = readYaml(text, 'v2')
  if (node === undefined) throw new RangeError('the test has no YAML')
  return { node, spelling }
}

t.test('paths', t => {
  const root = source('a_b:\n  - c: 1\n  - c: 2\n    c: 3\nx: &x {y: 1}\nz: *x\n', camelCase)
  t.match(nodeAt(root, 'aB', 1, 'c'), { node: { value: '3', line: 4, column: 8 } }, 'the last of two keys')
  t.equal(nodeAt(root, 'aB', 2), undefined)
  t.equal(nodeAt(root, 'z', 'y'), undefined, 'not behind an alias')
  t.equal(nodeAt(undefined, 'a'), undefined)
  t.equal(entriesOf(source('[a]')), undefined)
  t.equal(itemOf(source('{a: b}'), 0), undefined)
  t.end()
})

t.test('spellings', t => {
  t.equal(camelCase('ssh_authorized_keys'), 'sshAuthorizedKeys')
  t.equal(snakeCase('sshAuthorizedKeys'), 'ssh_authorized_keys')
  t.end()
})
