import t from 'tap'
import fc from 'fast-check'
import { checkStorage } from '../../../src/ignition/spec3/check-storage.js'
import { storage as table } from '../../../src/ignition/spec3/schema.js'
import { atVersion, view } from '../../../src/ignition/schema.js'
import { findingsAt } from '../../../src/ignition/validate.js'
import { filled } from '../../../src/ignition/values.js'
import type { Values } from '../../../src/ignition/schema.js'
import type { SchemaFinding } from '../../../src/ignition/validate.js'
import { cases } from '../../helpers/property.js'

const node = (path: string): Values => ({ path })
const link = (path: string, hard?: string): Values => ({ ...node(path), target: hard ?? '/x', ...hard === undefined ? {} : { hard: true } })

const findings = (storage: Values): SchemaFinding[] => {
  const found: SchemaFinding[] = []
  checkStorage(view(table, filled(atVersion(table, 4, {}), storage)), findingsAt(found), 4)
  return found
}

t.test('paths through links are found where comparing each with each finds them', async t => {
  const path = fc.array(fc.constantFrom('a', 'b', 'ab', '', 'Aa', 'BB'), { maxLength: 5 }).map(parts => parts.join('/'))
  const agree = fc.property(fc.array(path, { maxLength: 6 }), fc.array(path, { maxLength: 4 }), (links, directories) => {
    const found = findings({ links: links.map(path => link(path)), directories: directories.map(node) })
    const expected = [['directories', directories], ['links', links]].flatMap(([list, paths]) =>
      [...paths ?? []].flatMap((path, i) => links.filter(above => path.startsWith(`${above}/`)).map(() => `${String(list)}.${i}`)))
    return found.map(({ path }) => path.join('.')).join() === expected.join()
  })
  fc.assert(agree, cases(t, 3000))
})

t.test('a hard link to a directory is found by its cleaned target', async t => {
  const found = (target: string): number => findings({ links: [link('/l', target)], directories: [node('/d'), node('/d')] }).length
  t.equal(found('/d'), 2)
  t.equal(found('/d/../d/'), 2)
  t.equal(found('/e'), 0)
})

t.test('repeated findings are bounded, one for each place is not', async t => {
  const links = Array.from({ length: 500 }, () => link('/a'))
  const directories = Array.from({ length: 500 }, (_, i) => node(`/a/${i}`))
  const found = findings({ links, directories })
  t.equal(found.length, 10_000 + 500)
  t.equal(new Set(found.map(({ path }) => path.join('.'))).size, 500)
})

t.test('a path of very many parts takes no longer than it is long', async t => {
  const path = '/a'.repeat(500_000)
  t.equal(findings({ links: [link(path)], directories: [node(`${path}/b`)] }).length, 1)
})
