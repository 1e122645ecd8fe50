import t from 'tap'
import { countOf, durationOf, flagOf, textOf } from '../../src/matchbox/metadata-values.js'
import { makeGroup } from '../helpers/memory-store.js'

const group = (value: string | number | boolean | null) => makeGroup({ id: 'g', metadata: { k: value } })

t.test('values as JSON has them and as Terraform makes them', t => {
  t.equal(textOf(makeGroup({ id: 'g' }), 'k'), '')
  t.equal(textOf(group(null), 'k'), '')
  t.same([true, 'true', false, 'false', null].map(value => flagOf(group(value), 'k').value), [true, true, false, false, undefined])
  t.same([3, '3'].map(value => countOf(group(value), 'k').value), [3, 3])
  t.same(['10m', '90s', 0].map(value => durationOf(group(value), 'k').value), [600_000, 90_000, 0])
  for (const bad of ['True', 'yes', 1]) t.match(flagOf(group(bad), 'k'), { value: undefined, problem: /^group g: metadata k is ".*", expected true or false$/ })
  for (const bad of ['0', '-1', '1.5', 'many', '9999999999', true]) t.match(countOf(group(bad), 'k').problem, /expected a whole number/)
  for (const bad of ['10', 'soon', '10 minutes', '-1m']) t.match(durationOf(group(bad), 'k').problem, /expected a time/)
  t.end()
})
