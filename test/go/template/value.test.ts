// How data becomes Go's values.
import t from 'tap'
import { GoMap, GoSlice, StringMap, type TemplateData, decodedCapacity, typeName, valueOf } from '../../../src/go/template/value.js'

t.equal(valueOf('é'), 'é')
t.equal(valueOf(null), null)
t.equal(valueOf(1.5), 1.5)

const map = valueOf(JSON.parse('{"b": [1], "a": {"x": null}, "__proto__": 1, "constructor": 2, "\u00e9": 3, "\ud83d\ude80": 4}'))
if (!(map instanceof GoMap)) throw new Error('not a map')
t.strictSame(map.keys, ['__proto__', 'a', 'b', 'constructor', 'é', '🚀'])
t.equal(map.get('__proto__'), 1)
t.equal(map.get('é'), 3)
t.equal(map.has('toString'), false)
t.equal(map.get('toString'), null)
t.equal(map.get('b'), map.get('b'), 'converted once')
t.equal(typeName(map), 'map[string]interface {}')

const ofMap = valueOf(new Map<string, TemplateData>([['b', [1]], ['a', null], ['__proto__', 'x']]))
if (!(ofMap instanceof GoMap)) throw new Error('not a map')
t.equal(typeName(ofMap), 'map[string]interface {}')
t.strictSame([ofMap.keys, ofMap.get('a'), ofMap.get('__proto__'), ofMap.get('toString')], [['__proto__', 'a', 'b'], null, 'x', null])
t.equal(ofMap.get('b'), ofMap.get('b'), 'converted once')

const strings = valueOf(new StringMap([['é', 'v'], ['\udcff', '\udcfe']]))
if (!(strings instanceof GoMap)) throw new Error('not a map')
t.equal(typeName(strings), 'map[string]string')
t.strictSame(strings.keys, ['é', '\udcff'])
t.equal(strings.get('\udcff'), '\udcfe')
t.equal(strings.get('x'), '')

const list = valueOf([1, 'a', [2]])
if (!(list instanceof GoSlice)) throw new Error('not a list')
t.equal(list.capacity, 4)
const rest = list.slice(1, 4, 4)
t.strictSame([rest.length, rest.capacity, rest.at(0), rest.at(2)], [3, 3, 'a', null])
t.equal(rest.at(1), list.at(2), 'shared')

const capacities = [
  [0, 0], [1, 1], [2, 2], [3, 4], [5, 8], [256, 256], [257, 512], [512, 512], [513, 848], [849, 1280], [1281, 1792], [1793, 2560]
] as const
for (const [length, capacity] of capacities) t.equal(decodedCapacity(length), capacity, String(length))
t.ok(decodedCapacity(100_000) >= 100_000)
