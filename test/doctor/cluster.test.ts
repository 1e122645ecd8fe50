// What is said of each member of etcd, and of which members are configured.
import t from 'tap'
import { clusterProblems, clusterWarnings, diagnoseCluster, judgeMembers } from '../../src/doctor/cluster.js'
import { loadConfig } from '../../src/config/load.js'

const well = { endpoint: 'http://a', version: '3.5.1', hasLeader: true }

t.test('each member', t => {
  const [away, alone] = [{ endpoint: 'http://b', failure: 'no answer' }, { endpoint: 'http://c', hasLeader: false }]
  t.same(judgeMembers([]), [])
  t.match(judgeMembers([well]), [{ level: 'ok', text: 'http://a: etcd 3.5.1' }])
  t.match(judgeMembers([well, away]), [{ level: 'ok' }, { level: 'warning', text: 'http://b: no answer' }], 'others answer')
  t.match(judgeMembers([away]), [{ level: 'problem', text: 'http://b: no answer' }])
  t.match(judgeMembers([alone]), [{ level: 'problem', text: /^http:\/\/c: it has no leader/ }])
  t.match(judgeMembers([{ endpoint: 'http://d' }]), [{ level: 'problem', text: /no leader/ }])
  t.match(judgeMembers([{ ...well, errors: ['alarm:NOSPACE', 'odd'] }]), [{ level: 'problem', text: 'http://a: alarm:NOSPACE, odd: compact and defragment it, then etcdctl alarm disarm' }])
  t.match(judgeMembers([{ ...well, errors: ['odd'] }]), [{ level: 'problem', text: 'http://a: odd' }])
  t.match(judgeMembers([{ ...well, errors: [] }]), [{ level: 'ok' }])
  t.end()
})

t.test('which are configured', async t => {
  const warnings = (...endpoints: readonly string[]) => {
    const loaded = loadConfig({ file: undefined, env: {}, set: endpoints.length === 0 ? [] : [`cluster.etcd.endpoints=[${endpoints.join(', ')}]`, 'cluster.name=a'] })
    return clusterWarnings({ loaded }).map(({ level, text }) => `${level} ${text}`)
  }
  t.same(warnings(), [])
  t.same(warnings('https://a:1', 'https://b:1', 'https://c:1'), [])
  t.match(warnings('https://a:1'), [/^note .*: one member: when it is away/])
  t.match(warnings('https://a:1', 'https://b:1'), [/^note .*: 2 members bear no more failures than 1$/])
  t.match(warnings('http://a:1', 'https://b:1', 'http://c:1'), [/^warning .*: http:\/\/a:1, http:\/\/c:1: without TLS/])
  t.match(warnings('http://127.0.0.1:1', '"http://[::1]:1"', 'http://localhost:1'), [], 'nobody is on the way')
  t.same(await clusterProblems({ cluster: undefined }), [])
  const loaded = loadConfig({ file: undefined, env: {}, set: [] })
  t.same(await diagnoseCluster({ loaded, config: loaded.config } as unknown as Parameters<typeof diagnoseCluster>[0]), [])
})
