// What is amiss with members together.
import t from 'tap'
import type { EtcdClient } from '../../src/etcd/etcd-client.js'
import { amissTogether, askMembers } from '../../src/etcd/members.js'

const member = (n: number, version: string, cluster = '10') => ({ endpoint: `https://10.0.0.${n}:2379`, version, hasLeader: true, cluster, errors: [] })

t.test('one cluster, new enough, whoever is away', async t => {
  t.same(amissTogether([member(1, '3.4.0'), member(2, '3.6.1'), { endpoint: 'https://10.0.0.3:2379', failure: 'no answer within 3 s' }, member(4, '4.0.0')]), [])
})

t.test('two clusters, and a version from before', async t => {
  t.same(amissTogether([member(1, '3.4.0'), member(2, '3.5.0', '255')]), ['the endpoints belong to 2 different clusters: https://10.0.0.1:2379 to a, https://10.0.0.2:2379 to ff'])
  for (const version of ['3.3.27', '2.3.8', '']) t.same(amissTogether([member(1, version)]), [`https://10.0.0.1:2379: etcd ${version} is too old: 3.4 or later is needed`])
})

t.test('each is asked by itself, and let go of', async t => {
  const closed: string[] = []
  const open = async (endpoint: string): Promise<EtcdClient> => ({
    call: async () => {
      if (endpoint === 'c') throw new Error('etcd does not answer: c: no answer within 3 s')
      return { version: '3.5.0', leader: endpoint === 'a' ? '0' : '9', header: { cluster_id: '7' }, errors: ['alarm:NOSPACE'] }
    },
    close: () => { closed.push(endpoint) }
  }) as unknown as EtcdClient
  const said = { version: '3.5.0', cluster: '7', errors: ['alarm:NOSPACE'] }
  t.same(await askMembers(['a', 'b', 'c'], open), [
    { endpoint: 'a', hasLeader: false, ...said }, { endpoint: 'b', hasLeader: true, ...said }, { endpoint: 'c', failure: 'no answer within 3 s' }
  ])
  t.same(closed.sort(), ['a', 'b', 'c'])
})
