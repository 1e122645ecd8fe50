// store between a folder, an archive and a real etcd.
import { existsSync, truncateSync } from 'node:fs'
import t from 'tap'
import { type EtcdCluster, startEtcd } from '../helpers/etcd.js'
import { config, differ, fillFolder, objects, place } from '../helpers/store-place.js'
import { needs } from '../helpers/tools.js'

const shared = (folder: string, cluster: EtcdCluster, prefix: string): string =>
  config(folder, `cluster: { name: p1, etcd: { endpoints: [${cluster.endpoints.join(', ')}], prefix: ${prefix} } }\n`)

t.test('a folder into etcd, a backup out of it, into an empty prefix, and out again', async t => {
  if (!needs(t, 'etcd')) return
  const here = place(t)
  const cluster = await startEtcd(t)
  // More than one transaction takes.
  const from = fillFolder(here, 'from', 300)
  here.put('one.yaml', shared(here.at('one'), cluster, '/one/'))
  here.put('two.yaml', shared(here.at('two'), cluster, '/two/'))
  const all = objects + 300
  t.match(await here.with('one.yaml', 'import', '--dry-run', from), { status: 1, stderr: /etcd has nothing at \/one\// }, 'a look makes no fleet')
  t.match(await here.with('one.yaml', 'import', from), { status: 0, stdout: new RegExp(`${all} added, 0 changed, 0 removed, 0 same`) })
  t.match(await here.with('one.yaml', 'import', from), { status: 0, stdout: new RegExp(`0 added, 0 changed, 0 removed, ${all} same`) })
  t.equal((await here.with('one.yaml', 'backup', here.at('b.tar.gz'))).status, 0)
  t.match(await here.with('two.yaml', 'restore', here.at('b.tar.gz')), { status: 0, stdout: new RegExp(`${all} added`) })
  t.equal((await here.with('two.yaml', 'export', here.at('out'))).status, 0)
  t.equal(differ(from, here.at('out')), '')
  t.match(await here.with('two.yaml', 'export', here.at('out')), { status: 0, stdout: new RegExp(`0 added, 0 changed, 0 removed, ${all} same`) })

  here.put('change/generic/n1', 'other')
  here.put('change/generic/new', 'new')
  t.match(await here.with('two.yaml', 'import', here.at('change')), { status: 1, stdout: /generic\/n1 +changed/, stderr: /nothing was written/ })
  const etcd = await cluster.client()
  const valueOf = async (key: string): Promise<string | undefined> => (await etcd.call('Range', { key: Buffer.from(key) })).kvs[0]?.value.toString()
  t.equal(await valueOf('/two/generic/new'), undefined)
  t.match(await here.with('two.yaml', 'import', '--replace', here.at('change')), { status: 0, stdout: /1 added, 1 changed/ })
  t.equal(await valueOf('/two/generic/n1'), 'other')
  t.match(await here.with('two.yaml', 'restore', '--replace', here.at('b.tar.gz')), { status: 0, stdout: /0 added, 1 changed, 1 removed/ })
  t.equal(await valueOf('/two/generic/new'), undefined)
  t.equal(await valueOf('/two/generic/n1'), '1')

  here.put('change/generic/large', '')
  truncateSync(here.at('change/generic/large'), 1024 * 1024 + 1)
  t.match(await here.with('two.yaml', 'import', '--replace', here.at('change')), { status: 1, stdout: '', stderr: /"generic\/large" is too large for etcd: 1048577 bytes, and at most 1048576 \(1 MiB\) can be shared; nothing was written\n$/ })
  t.equal(await valueOf('/two/generic/new'), undefined)
  truncateSync(here.at('change/generic/large'), 1024 * 1024)
  t.match(await here.with('two.yaml', 'import', '--replace', here.at('change')), { status: 0 }, 'as large as can be')

  // What no folder can hold is told before anything is written.
  await etcd.call('Txn', { compare: [], success: [{ request_put: { key: Buffer.from('/two/generic/../x'), value: Buffer.from('x') } }], failure: [] })
  t.match(await here.with('two.yaml', 'export', here.at('out2')), { status: 1, stderr: /generic\/\.\.\/x/ })
  t.notOk(existsSync(here.at('out2')))
})
