// Several provisioners as users start them, over one etcd: what one is told all serve, with etcd there and away.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { type GrpcClient, openGrpcClient } from '../../src/grpc/client.js'
import { type EtcdCluster, fill, startEtcd } from '../helpers/etcd.js'
import { until } from '../helpers/until.js'
import { freePort } from '../helpers/free-port.js'
import { makePki, type Pki } from '../helpers/pki.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needs } from '../helpers/tools.js'

interface Site {
  readonly config: string
  readonly folder: string
  readonly start: () => Promise<Program>
  readonly get: (path: string) => Promise<{ readonly status: number, readonly text: string }>
  readonly client: () => Promise<GrpcClient>
}

async function site (t: Test, name: string, pki: Pki, endpoints: readonly string[], more = '', place = name): Promise<Site> {
  const folder = join(t.testdirName, place)
  mkdirSync(folder, { recursive: true })
  for (const [file, text] of Object.entries({ 'ca.crt': pki.ca.cert, 'server.crt': pki.server.cert, 'server.key': pki.server.key })) writeFileSync(join(folder, file), text, { mode: 0o600 })
  const [http, rpc] = [await freePort(), await freePort()]
  const config = join(folder, 'config.yaml')
  writeFileSync(config, `data_path: ${folder}/data
assets_path: ""
state_path: ${folder}/state
control_socket: ${shortFolder(t)}/c
tftp: { address: "" }
http: { address: "127.0.0.1:${http}" }
rpc: { address: "127.0.0.1:${rpc}", ca_file: ${folder}/ca.crt, cert_file: ${folder}/server.crt, key_file: ${folder}/server.key }
cluster: { name: ${name}, etcd: { endpoints: ${JSON.stringify(endpoints)} } }
${more}`)
  return {
    config,
    folder,
    start: async () => {
      const program = new Program(['serve', '--config', config])
      t.teardown(async () => { await program.end('SIGKILL') })
      await program.logged('appliance.ready')
      return program
    },
    get: async path => {
      const answer = await fetch(`http://127.0.0.1:${http}${path}`, { headers: { connection: 'close' } })
      return { status: answer.status, text: await answer.text() }
    },
    client: async () => {
      const client = await openGrpcClient({ address: `127.0.0.1:${rpc}`, ca: pki.ca.cert, ...pki.client })
      t.teardown(() => { client.close() })
      return client
    }
  }
}

const group = { id: 'a', profile: 'p', selector: { mac: '52:54:00:00:00:01' } }
const profile = { id: 'p', boot: { kernel: '/assets/k', initrd: [], args: ['quiet'] } }
const script = '/ipxe?mac=52-54-00-00-00-01'

async function pair (t: Test): Promise<{ etcd: EtcdCluster, pki: Pki, sites: readonly [Site, Site] }> {
  t.testdir()
  const etcd = await startEtcd(t)
  const pki = makePki()
  return { etcd, pki, sites: [await site(t, 'p1', pki, etcd.endpoints), await site(t, 'p2', pki, etcd.endpoints)] }
}

t.test('two provisioners: one is told, both serve; etcd away: served, degraded, nothing taken; also after a restart', async t => {
  if (!needs(t, 'etcd')) return
  const { etcd, sites: [one, two] } = await pair(t)
  await one.start()
  const second = await two.start()
  const [a, b] = [await one.client(), await two.client()]
  await a.call('ProfilePut', { profile })
  await a.call('GroupPut', { group })
  t.match(await b.call('GroupGet', { id: 'a' }), { group: { id: 'a', profile: 'p' } })
  for (const { get } of [one, two]) t.match(await get(script), { status: 200, text: /kernel \/assets\/k/ })
  await b.call('GroupPut', { group: { ...group, name: 'told at the second' } })
  t.match(await a.call('GroupGet', { id: 'a' }), { group: { name: 'told at the second' } })
  t.match(await one.get('/readyz'), { status: 200, text: 'ok\n' })
  t.match((await one.get('/metrics')).text, /cluster_in_step(?:\{[^}]*\})? 1\n/)

  await etcd.members[0]!.stop()
  await t.rejects(a.call('GroupPut', { group }), { code: status.UNAVAILABLE, details: /etcd/ })
  await t.rejects(a.call('GroupDelete', { id: 'a' }), { code: status.UNAVAILABLE })
  await t.rejects(b.call('GroupGet', { id: 'nobody' }), { code: status.UNAVAILABLE }, 'not that it is gone')
  t.match(await b.call('GroupGet', { id: 'a' }), { group: { name: 'told at the second' } })
  for (const { get } of [one, two]) {
    t.match(await get(script), { status: 200 })
    t.match(await get('/readyz'), { status: 200, text: /^ok\nwarning: degraded: machines are served from what was known \d+ s ago/ })
  }
  await second.end('SIGTERM')
  const again = await two.start()
  t.match(await two.get(script), { status: 200, text: /kernel \/assets\/k/ })
  t.equal(again.stdout.split('\n').filter(line => line.includes('"cluster.away"')).length, 1)
  await etcd.members[0]!.start()
  await again.logged('cluster.in_step')
  await until('puts are taken again', async () => await (await two.client()).call('GroupPut', { group: { ...group, name: 'back' } }).then(() => true, () => false))
  // The first one looks for etcd by its own clock; until it has found it, it tells what it knew.
  await until('the first one is in step', async () => (await one.get('/readyz')).text === 'ok\n')
  t.match(await a.call('GroupGet', { id: 'a' }).catch((error: unknown) => error), { group: { name: 'back' } })
})

t.test('machines: what one saw all show, who waits at the other is told, install_once is once over both', async t => {
  if (!needs(t, 'etcd')) return
  const { etcd, sites: [one, two] } = await pair(t)
  await one.start()
  await two.start()
  const client = await one.client()
  await client.call('ProfilePut', { profile })
  const macs = ['52:54:00:00:00:01', '52:54:00:00:00:02']
  for (const [n, mac] of macs.entries()) {
    await client.call('GroupPut', { group: { id: `once${n}`, profile: 'p', selector: { mac }, metadata: Buffer.from('{"install_once":"true"}') } })
  }
  t.match(await two.get(script), { status: 200, text: /kernel \/assets\/k/ })
  t.match(await one.get(`/v1/machines/${macs[0]}?wait=script&timeout=60`), { status: 200, text: /"seenBy":"p2"/ })
  const waiting = two.get(`/v1/machines/${macs[0]}?wait=installed&timeout=120`)
  const set = async (site: Site, mac: string, state: string): Promise<object> => await new Program(['machines', 'set', mac, '--state', state, '--config', site.config]).end()
  t.match(await set(one, macs[0]!, 'installed'), { status: 0 })
  // etcd is asked: it need not have arrived.
  const again = await two.get(script)
  t.equal(again.status, 200)
  t.notMatch(again.text, /kernel/, 'it starts from its disk')
  t.match(await waiting, { status: 200, text: /"stage":"installed"/ })

  t.match(await one.get('/ipxe?mac=52-54-00-00-00-02'), { text: /kernel/ })
  await one.get(`/v1/machines/${macs[1]}?wait=script&timeout=60`)
  await etcd.members[0]!.stop()
  await until('they know', async () => (await one.get('/readyz')).text.includes('degraded'))
  t.notMatch((await one.get('/ipxe?mac=52-54-00-00-00-02')).text, /kernel/, 'nobody can say whether the other installed it')
  t.match(await set(one, macs[1]!, 'installed'), { status: 1, stderr: /is kept here, and not yet where all provisioners have it: etcd does not answer/ })
  await etcd.members[0]!.start()
  await until('what was kept is told', async () => /"stage":"installed"/.test((await two.get(`/v1/machines/${macs[1]}`)).text))
})

t.test('hosts import --groups writes to etcd, and machines adopt too; another provisioner has them', async t => {
  if (!needs(t, 'etcd')) return
  const { sites: [one, two] } = await pair(t)
  await one.start()
  await two.start()
  await (await one.client()).call('ProfilePut', { profile })
  const list = join(one.folder, 'hosts.csv')
  writeFileSync(list, 'mac,name,ip\n52:54:00:00:00:21,n1,10.0.0.21\n52:54:00:00:00:22,n2,10.0.0.22\n')
  const run = async (...args: string[]): Promise<object> => await new Program([...args, '--config', one.config]).end()
  t.match(await run('hosts', 'import', list, '--groups', '--profile', 'p', '--dry-run'), { status: 0, stdout: /a dry run: etcd \/core-provisioner\/v1\/groups\/ is as it was/ })
  t.match(await run('hosts', 'import', list, '--groups', '--profile', 'p'), { status: 0, stdout: /etcd \/core-provisioner\/v1\/groups\/ is written/ })
  t.notOk(existsSync(join(one.folder, 'data/groups')), 'nothing is written to data_path')
  t.match(await run('machines', 'adopt', '52:54:00:00:00:23', '--name', 'n3', '--profile', 'p'), { status: 0 })
  const client = await two.client()
  for (const id of ['n1', 'n2', 'n3']) t.match(await client.call('GroupGet', { id }), { group: { id, profile: 'p' } })
  t.match(await two.get('/ipxe?mac=52-54-00-00-00-22'), { status: 200, text: /kernel/ })
  writeFileSync(list, 'mac,name,ip\n52:54:00:00:00:29,n9,10.0.0.29\n')
  t.match(await run('hosts', 'import', list), { status: 0, stderr: /note: reservations of hosts\.d are of this provisioner alone/ })
})

t.test('of two processes of one cluster.name each says so', async t => {
  if (!needs(t, 'etcd')) return
  t.testdir()
  const etcd = await startEtcd(t)
  const pki = makePki()
  const twins = [await site(t, 'p1', pki, etcd.endpoints), await site(t, 'p1', pki, etcd.endpoints, '', 'twin')]
  const first = await twins[0]!.start()
  await twins[1]!.start()
  await first.logged('cluster.name_taken')
  t.match(first.stdout, /"msg":"cluster\.name_taken"/)
  t.match(first.stdout, /another provisioner has the same cluster\.name: give each its own/)
  t.match(await twins[0]!.get('/readyz'), { status: 200, text: /another provisioner is called p1 too/ })
})

t.test('check and doctor say how etcd is; render reads what it holds', async t => {
  if (!needs(t, 'etcd')) return
  const { etcd, pki, sites: [one] } = await pair(t)
  const run = async (...args: string[]) => await new Program([...args, '--config', one.config]).end()
  t.match(await run('check'), { status: 1, stderr: /etcd has nothing at \/core-provisioner\/v1\/: the first provisioner that starts there makes a fleet/ })
  const program = await one.start()
  const client = await one.client()
  await client.call('ProfilePut', { profile })
  await client.call('GroupPut', { group })
  t.match(await run('check'), { stdout: /store +etcd http:\/\/127\.0\.0\.1:\d+ \/core-provisioner\/v1\/ +1 group, 1 profile/, stderr: /note: one member/ })
  t.match(await run('render', 'ipxe', '-l', 'mac=52:54:00:00:00:01'), { status: 0, stdout: /kernel \/assets\/k/ })
  t.match(await run('doctor'), { stdout: /etcd http:\/\/127\.0\.0\.1:\d+: etcd 3\.|http:\/\/127\.0\.0\.1:\d+: etcd 3\./ })
  await program.end('SIGTERM')
  await etcd.members[0]!.stop()
  t.match(await run('check'), { status: 1, stderr: /config\.yaml:8: error: etcd does not answer: http:\/\/127\.0\.0\.1:\d+: connect ECONNREFUSED/ })
  const odd = await site(t, 'odd', pki, ['http://10.0.0.1:2379', 'http://10.0.0.2:2379'], 'http: {}\n')
  t.match(await new Program(['check', '--config', odd.config]).end(), { status: 1 })
})

t.test('what is amiss with etcd or what it holds ends a start, or is told while the last that was good stays', async t => {
  if (!needs(t, 'etcd')) return
  const { etcd, sites: [one] } = await pair(t)
  const prefix = '/core-provisioner/v1/'
  const client = await etcd.client()
  const put = async (key: string, value: string): Promise<void> => {
    await client.call('Txn', { compare: [], success: [{ request_put: { key: Buffer.from(prefix + key), value: Buffer.from(value) } }], failure: [] })
  }
  const running = await one.start()
  const api = await one.client()
  await api.call('ProfilePut', { profile })
  await api.call('GroupPut', { group })
  await put('groups/a', '{"id":"a"')
  await until('it is told', async () => (await one.get('/readyz')).text.includes('groups/a.json'))
  t.match(await one.get('/readyz'), { status: 503, text: /groups\/a\.json: .*JSON/ })
  t.match(await one.get(script), { status: 200, text: /kernel/ }, 'the last that was good stays')
  await put('machines/52:54:00:00:00:01', 'nothing')
  await put('updates/holders/x', '{')
  await put('leases/10.0.0.1', '[]')
  await put('discovery/tokens/00', '"')
  t.match(await one.get(script), { status: 200 })
  await running.end('SIGTERM')

  const refused = async (): Promise<string> => {
    const { status, stderr, stdout } = await new Program(['serve', '--config', one.config]).end()
    t.equal(status, 1)
    return stderr + stdout
  }
  const { kvs: [fleet] } = await client.call('Range', { key: Buffer.from(`${prefix}fleet`) })
  await put('fleet', '{"format":2,"id":"x"}')
  t.match(await refused(), /was written by a newer core-provisioner \(format 2; this one knows 1\): run that one here too/)
  await put('fleet', '{"format":1,"id":"another"}')
  t.match(await refused(), /holds fleet another, and this provisioner belongs to fleet [0-9a-f]{16}: mend cluster\.etcd\.endpoints/)
  await client.call('Txn', { compare: [], success: [{ request_delete_range: { key: Buffer.from(`${prefix}fleet`) } }], failure: [] })
  t.match(await refused(), /etcd has nothing at .*\/core-provisioner\/v1\/, and this provisioner belongs to fleet/)
  await put('fleet', fleet!.value.toString())
  await one.start()
  t.match(await one.get('/ipxe?mac=52-54-00-00-00-01'), { status: 404 }, 'a group that never was one after a start')
})

t.test('etcd without space, and certificates that it does not take', async t => {
  if (!needs(t, 'etcd')) return
  t.testdir()
  const pki = makePki()
  const full = await startEtcd(t, { args: ['--quota-backend-bytes', String(256 * 1024)] })
  const one = await site(t, 'p1', pki, full.endpoints)
  await one.start()
  const api = await one.client()
  await api.call('ProfilePut', { profile })
  await api.call('GroupPut', { group })
  const put = async (n: number): Promise<unknown> => await api.call('GenericPut', { name: `f${n}`, config: Buffer.alloc(16_000, 120) })
  await t.rejects(fill(put), { code: status.RESOURCE_EXHAUSTED, details: /etcd.* has no space left/ })
  t.match(await one.get(script), { status: 200, text: /kernel/ })

  const other = makePki()
  const folder = join(t.testdirName, 'tls')
  mkdirSync(folder)
  for (const [file, text] of Object.entries({ 'ca.crt': pki.ca.cert, 'server.crt': pki.server.cert, 'server.key': pki.server.key, 'other.crt': other.ca.cert, 'client.crt': other.client.cert, 'client.key': other.client.key })) writeFileSync(join(folder, file), text)
  const closed = await startEtcd(t, { tls: { ca: join(folder, 'ca.crt'), cert: join(folder, 'server.crt'), key: join(folder, 'server.key') } })
  const check = async (more: string): Promise<string> => {
    const config = join(folder, 'config.yaml')
    writeFileSync(config, `data_path: ${folder}/data\nstate_path: ${folder}/state\nassets_path: ""\nrpc: { address: "" }\ncluster: { name: p1, etcd: { endpoints: ${JSON.stringify(closed.endpoints)}, ${more} } }\n`)
    return (await new Program(['check', '--config', config]).end()).stderr
  }
  t.match(await check(`ca_file: ${folder}/other.crt`), /etcd does not answer: https:\/\/127\.0\.0\.1:\d+: .*(?:certificate|self.signed|unable to verify)/)
  t.match(await check(`ca_file: ${folder}/ca.crt, cert_file: ${folder}/client.crt, key_file: ${folder}/client.key`), /etcd does not answer: https:\/\/127\.0\.0\.1:\d+: /)
  t.match(await check(`ca_file: ${folder}/none.crt`), /none\.crt/)
})
