import t from 'tap'
import type { JsonValue } from '../../src/go/json.js'
import { clustersOf, etcdClusterOf, exampleUrls, withDiscovery } from '../../src/matchbox/etcd-cluster.js'
import type { Group } from '../../src/matchbox/group.js'
import { makeGroup } from '../helpers/memory-store.js'

const groupOf = (metadata: ReadonlyArray<readonly [string, JsonValue]>): Group => ({ ...makeGroup({ id: 'g' }), metadata: new Map(metadata) })
const object = (name: JsonValue, size: JsonValue): JsonValue => new Map([['name', name], ['size', size]])

t.test('a name and a size, as an object or as its text', t => {
  const read = (value: JsonValue) => etcdClusterOf(groupOf([['etcd_cluster', value]]))
  for (const [value, cluster] of [
    [object('main', 3), { name: 'main', size: 3 }], [object('a.b-c_D', '100'), { name: 'a.b-c_D', size: 100 }], [object('x'.repeat(64), 1), { name: 'x'.repeat(64), size: 1 }],
    ['{"name":"main","size":"5"}', { name: 'main', size: 5 }], ['{"name":"main","size":5}', { name: 'main', size: 5 }]
  ] as const) t.same(read(value), { cluster }, String(value))
  t.same(read(null), { cluster: undefined })
  t.same(etcdClusterOf(makeGroup({ id: 'g' })), { cluster: undefined })
  t.same(etcdClusterOf(groupOf([['other', 1]])), { cluster: undefined })
  for (const value of [
    object('main', 0), object('main', 101), object('main', 1.5), object('main', 'three'), object('main', ''), object('main', null), object('main', new Map()), object('', 3),
    object('-a', 3), object('x'.repeat(65), 3), object('a b', 3), object(7, 3), new Map([['name', 'main']]), '{"name":', '[]', 'main', 7, true
  ] as const) t.match(read(value), { cluster: undefined, problem: /^group g: metadata etcd_cluster is to be / }, String(value))
  t.end()
})

t.test('what templates are told', t => {
  const group = groupOf([['etcd_cluster', object('main', 3)]])
  const asked: unknown[] = []
  const urls = (url: string | undefined) => ({
    of: (...of: unknown[]) => {
      asked.push(of)
      return url
    },
    version: () => asked
  })
  t.equal(withDiscovery(group, urls('http://h/etcd/1'), '10.0.0.9').metadata?.get('etcd_discovery'), 'http://h/etcd/1')
  t.same(asked, [['main', '10.0.0.9']])
  t.equal(group.metadata?.has('etcd_discovery'), false)
  t.throws(() => withDiscovery(group, urls(undefined), undefined), { code: 'discovery_pending', message: /etcd cluster main is not on disk yet/ })
  const own = groupOf([['etcd_cluster', object('main', 3)], ['etcd_discovery', 'mine']])
  for (const other of [own, groupOf([['x', 1]]), groupOf([['etcd_cluster', 7]]), makeGroup({ id: 'g' })]) t.equal(withDiscovery(other, urls(undefined), undefined), other)
  t.equal(withDiscovery(group, undefined, undefined), group)
  t.match(withDiscovery(group, exampleUrls, undefined).metadata?.get('etcd_discovery'), /^http:\/\/192\.0\.2\.1:8080\/etcd\/0{32}$/)
  t.equal(exampleUrls.version(), exampleUrls)
  t.end()
})

t.test('each cluster once, with every size that groups give it', t => {
  const groups = [object('main', 3), object('other', 1), object('main', 5), object('main', 3), 'none'].map(value => groupOf([['etcd_cluster', value]]))
  t.same(clustersOf([...groups, makeGroup({ id: 'g' })]), [{ name: 'main', sizes: [3, 5] }, { name: 'other', sizes: [1] }])
  t.end()
})
