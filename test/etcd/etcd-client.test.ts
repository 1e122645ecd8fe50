// The client against etcd itself.
import { Buffer } from 'node:buffer'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { EtcdClient } from '../../src/etcd/etcd-client.js'
import { endOfPrefix } from '../../src/etcd/keys.js'
import type { RequestOp } from '../../src/etcd/proto.js'
import { ClientTlsFiles } from '../../src/etcd/tls-files.js'
import { type WatchEvent, watchPrefix } from '../../src/etcd/watch.js'
import { answers, type EtcdCluster, fill, startEtcd } from '../helpers/etcd.js'
import { until } from '../helpers/until.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { makeAuthority, makeCertificate } from '../helpers/pki.js'
import { findTool, needs } from '../helpers/tools.js'

const key = (name: string): Buffer => Buffer.from(name)
const put = (name: string, value: string): RequestOp => ({ request_put: { key: key(name), value: Buffer.from(value) } })
const write = async (etcd: EtcdClient, ...ops: readonly RequestOp[]): Promise<number> =>
  Number((await etcd.call('Txn', { compare: [], success: ops, failure: [] })).header.revision)
const etcdctl = (cluster: EtcdCluster, ...args: readonly string[]): string =>
  execFileSync(findTool('etcdctl')!, ['--endpoints', cluster.endpoints.join(','), ...args], { encoding: 'utf8', env: { ...process.env, ETCDCTL_API: '3' }, stdio: ['ignore', 'pipe', 'pipe'] })

t.test('of two that compare and put at once one wins, and the other is told what is there', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await (await startEtcd(t)).client()
  const claim = (value: string) => etcd.call('Txn', {
    compare: [{ key: key('ip'), target: 'CREATE', result: 'EQUAL', create_revision: 0 }],
    success: [put('ip', value)],
    failure: [{ request_range: { key: key('ip') } }]
  })
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => claim(String(n))))
  t.equal(answers.filter(({ succeeded }) => succeeded).length, 1)
  const winner = answers.findIndex(({ succeeded }) => succeeded)
  for (const { succeeded, responses } of answers) {
    if (!succeeded) t.equal(responses[0]?.response_range?.kvs[0]?.value.toString(), String(winner))
  }
})

t.test('a watch tells the events of one revision together, and a compaction as such', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await (await startEtcd(t)).client()
  const first = await write(etcd, put('/p/a', '1'))
  const told: Array<readonly [number, string]> = []
  const stop = await watchPrefix(etcd, {
    key: key('/p/'),
    rangeEnd: endOfPrefix('/p/'),
    from: first,
    onEvents: (revision, events) => { told.push([revision, events.map(({ type, kv }: WatchEvent) => `${type} ${kv.key.toString()} ${kv.value.toString()}`).join(', ')]) },
    onEnd: error => { t.fail(error.message) }
  })
  const second = await write(etcd, put('/p/b', '2'), put('/p/c', '3'), { request_delete_range: { key: key('/p/a') } })
  await write(etcd, put('/q/b', '2'))
  await until('both revisions are told', () => told.length === 2)
  t.same(told, [[first, 'PUT /p/a 1'], [second, 'PUT /p/b 2, PUT /p/c 3, DELETE /p/a ']])
  stop()
  await etcd.call('Compact', { revision: second, physical: true })
  const ended = await new Promise<Error>(resolve => {
    void watchPrefix(etcd, { key: key('/p/'), rangeEnd: endOfPrefix('/p/'), from: first, onEvents: () => {}, onEnd: resolve })
  })
  t.match(ended, { code: 'etcd_compacted' })
  await t.rejects(etcd.call('Range', { key: key('/p/b'), revision: first }), { code: 'etcd_compacted' })
})

t.test('another member is asked when one is killed or hangs; a watch ends with its member', async t => {
  if (!needs(t, 'etcd')) return
  const cluster = await startEtcd(t, { members: 3 })
  const left: string[] = []
  const etcd = await cluster.client({ patience: 3000, onFailover: from => { left.push(from) } })
  await write(await cluster.client(), put('a', '1'))
  await answers(etcd)
  const ended = new Promise<Error>((resolve, reject) => {
    watchPrefix(etcd, { key: key('a'), rangeEnd: key('b'), from: 1, onEvents: () => {}, onEnd: resolve }).catch(reject)
  })
  // A member that is stopped takes packets and answers none.
  const hanging = cluster.members.find(({ endpoint }) => endpoint === etcd.endpoint)!
  hanging.signal('SIGSTOP')
  await answers(etcd)
  t.match(await ended, { code: 'etcd_away' })
  t.ok(left.includes(hanging.endpoint))
  t.not(etcd.endpoint, hanging.endpoint)
  hanging.signal('SIGCONT')
  const killed = cluster.members.find(({ endpoint }) => endpoint === etcd.endpoint)!
  await killed.stop()
  await answers(etcd)
  t.ok(left.includes(killed.endpoint))
  await Promise.all(cluster.members.map(({ stop }) => stop()))
  await t.rejects(etcd.call('Range', { key: key('a') }), { code: 'etcd_away', message: /etcd does not answer: .*127\.0\.0\.1.*; .*127\.0\.0\.1.*; / })
})

t.test('endpoints of two clusters are refused; a program that is no etcd is no member', async t => {
  if (!needs(t, 'etcd')) return
  const [one, other] = [await startEtcd(t), await startEtcd(t)]
  const both = await one.client({ endpoints: [...one.endpoints, ...other.endpoints] })
  await write(both, put('a', '1'))
  await one.members[0]!.stop()
  await t.rejects(both.call('Range', { key: key('a') }), { code: 'etcd_foreign', message: /belongs|foreign|another|does not answer/ })
  both.forgetCluster()
  await answers(both)

  const strange = createServer(socket => { socket.end('SSH-2.0-OpenSSH_9.2\r\n') }).listen(0, '127.0.0.1')
  await once(strange, 'listening')
  t.teardown(() => { strange.close() })
  const { port } = strange.address() as { port: number }
  const alone = await one.client({ endpoints: [`http://127.0.0.1:${port}`], patience: 2000 })
  await t.rejects(alone.call('Range', { key: key('a') }), { code: 'etcd_away' })
})

t.test('no space: writes are refused as such, reads are answered', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await (await startEtcd(t, { args: ['--quota-backend-bytes', String(64 * 1024)] })).client()
  await t.rejects(fill(n => write(etcd, put(`k${n}`, 'x'.repeat(8000)))), { code: 'etcd_full', message: /NOSPACE/ })
  t.ok((await etcd.call('Range', { key: key('k0') })).kvs.length > 0)
})

t.test('what is too large for etcd is told as such', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await (await startEtcd(t)).client()
  await t.rejects(write(etcd, put('a', 'x'.repeat(1_700_000))), { code: 'message_too_large' })
})

t.test('user and password, also after etcd has forgotten its tokens', async t => {
  if (!needs(t, 'etcd', 'etcdctl')) return
  const cluster = await startEtcd(t)
  for (const args of [['user', 'add', 'root:secret'], ['user', 'grant-role', 'root', 'root'], ['user', 'add', 'p:one'], ['role', 'add', 'r'],
    ['role', 'grant-permission', 'r', '--prefix=true', 'readwrite', '/p/'], ['user', 'grant-role', 'p', 'r']]) etcdctl(cluster, ...args)
  const open = await cluster.client({ login: { user: 'p', password: async () => 'x' } })
  await write(open, put('/p/a', '0'))
  etcdctl(cluster, 'auth', 'enable')
  const password = 'one'
  const etcd = await cluster.client({ login: { user: 'p', password: async () => password } })
  await write(etcd, put('/p/a', '1'))
  await t.rejects(write(etcd, put('/q', '1')), { code: 'etcd_refused', message: /may not read and write/ })
  await t.rejects((await cluster.client()).call('Range', { key: key('/p/a') }), { code: 'etcd_refused', message: /cluster\.etcd\.user/ })
  await t.rejects((await cluster.client({ login: { user: 'p', password: async () => 'two' } })).call('Range', { key: key('/p/a') }), { code: 'etcd_refused', message: /password is wrong/ })
  const told: number[] = []
  const stop = await watchPrefix(etcd, { key: key('/p/'), rangeEnd: endOfPrefix('/p/'), from: 1, onEvents: revision => { told.push(revision) }, onEnd: () => {} })
  await until('what was written is told to who may read it', () => told.length >= 2)
  stop()
  // etcd forgets its tokens with its process.
  await cluster.members[0]!.stop()
  await cluster.members[0]!.start()
  await t.resolves(eventually(() => write(etcd, put('/p/a', '2'))))
})

/** Tries what fails while etcd starts. */
async function eventually (act: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await act()
      return
    } catch (error) {
      if (tries > 200) throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

/** A folder of certificates for etcd on loopback and for a client. */
function certificates (t: Test): { folder: string, renew: (what: 'client' | 'foreign') => void } {
  const folder = t.testdir()
  const ca = makeAuthority('etcd ca')
  const names = [{ dns: 'localhost' }, { ip: '127.0.0.1' }]
  const server = makeCertificate(ca, { cn: 'etcd', use: 'serverAuth', names })
  const write = (name: string, text: string): void => { writeFileSync(join(folder, name), text) }
  write('ca.crt', ca.cert)
  write('server.crt', server.cert)
  write('server.key', server.key)
  const renew = (what: 'client' | 'foreign'): void => {
    const pair = makeCertificate(what === 'client' ? ca : makeAuthority('another ca'), { cn: 'p1', use: 'clientAuth' })
    write('client.crt', pair.cert)
    write('client.key', pair.key)
  }
  renew('client')
  return { folder, renew }
}

t.test('TLS with client certificates, read again when they change, kept while they do not fit', async t => {
  if (!needs(t, 'etcd')) return
  const { folder, renew } = certificates(t)
  const file = (name: string): string => join(folder, name)
  const cluster = await startEtcd(t, { tls: { ca: file('ca.crt'), cert: file('server.crt'), key: file('server.key') } })
  const names = { caFile: file('ca.crt'), certFile: file('client.crt'), keyFile: file('client.key') }
  renew('foreign')
  const kept: string[] = []
  const made: { etcd?: EtcdClient } = {}
  const files = await ClientTlsFiles.open(names, { clock: new FakeClock(), onChange: () => { made.etcd?.renew() }, onKept: reason => { kept.push(reason) } })
  t.teardown(() => files.close())
  const etcd = made.etcd = await cluster.client({ tls: () => files.texts })
  await t.rejects(etcd.call('Range', { key: key('a') }), { code: 'etcd_away', message: /https:\/\/127\.0\.0\.1/ }, 'a certificate of another authority')
  renew('client')
  await files.look()
  await answers(etcd)
  const [cert, good] = [file('client.crt'), readFileSync(file('client.crt'))]
  writeFileSync(cert, 'nothing')
  await files.look()
  t.equal(kept.length, 1)
  await answers(etcd)
  writeFileSync(cert, good)
  await files.look()
  await answers(etcd)
  await t.rejects((await cluster.client({ tls: undefined })).call('Range', { key: key('a') }), { code: 'etcd_away', message: /self.signed|unable to verify|certificate/ })
  await t.rejects(ClientTlsFiles.open({ ...names, caFile: file('none') }, { clock: new FakeClock(), onChange: () => {}, onKept: () => {} }), { code: 'certificate_invalid', message: /none/ })
})
