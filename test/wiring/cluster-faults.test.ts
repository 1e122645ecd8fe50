// What is amiss with an etcd that is configured: serve, check and doctor each say so in a line that tells what to look at.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { AppError } from '../../src/base/errors.js'
import { systemClock } from '../../src/base/clock.js'
import type { Logger } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { clusterProblems, diagnoseCluster } from '../../src/doctor/cluster.js'
import { type Cluster, openCluster } from '../../src/wiring/cluster.js'
import type { Ground } from '../../src/wiring/ground.js'
import { fill, startEtcd } from '../helpers/etcd.js'
import { makeCertificate, makePki, type Pair } from '../helpers/pki.js'
import { findTool, needs, runTool } from '../helpers/tools.js'
import { until } from '../helpers/until.js'

const clock = systemClock
let runs = 0

interface Said { readonly serve: string, readonly check: string, readonly doctor: string }

/** In which of its lines serve says `words` is not asked: it looks at the members in a moment of its own. */
async function saidOf (t: Test, etcd: Readonly<Record<string, unknown>>, words: RegExp): Promise<Said> {
  const folder = join(t.testdirName, `run${runs++}`)
  mkdirSync(join(folder, 'state'), { recursive: true })
  const file = join(folder, 'config.json')
  writeFileSync(file, JSON.stringify({ data_path: folder, state_path: join(folder, 'state'), assets_path: '', rpc: { address: '' }, cluster: { name: 'p1', etcd } }))
  const loaded = loadConfig({ file, env: {}, set: [] })
  const lines: string[] = []
  const log = pino({}, { write: (line: string) => { lines.push(line.trim()) } }) as Logger
  const open = async (live: boolean): Promise<{ readonly cluster: Cluster, readonly problems: readonly string[] }> => {
    const problems: string[] = []
    const onProblem = ({ message }: AppError): void => { problems.push(message) }
    return { cluster: await openCluster(loaded, { clock, log: live ? log : pino({ level: 'silent' }) as Logger, live, onProblem }), problems }
  }
  const serving = await open(true)
  try {
    const told = (): string => [...serving.problems, ...lines].join('\n')
    await until('serve tells of it', () => words.test(told()))
    const checked = await open(false)
    const problems = [...checked.problems, ...(await clusterProblems(checked)).map(({ text }) => text)]
    await checked.cluster.close()
    const seen = await diagnoseCluster({ loaded, config: loaded.config, clock } as Ground)
    return { serve: told(), check: problems.join('\n'), doctor: [...problems, ...seen.map(({ text }) => text)].join('\n') }
  } finally {
    await serving.cluster.close()
  }
}

async function each (t: Test, name: string, etcd: Readonly<Record<string, unknown>>, words: RegExp): Promise<void> {
  const said = await saidOf(t, etcd, words)
  for (const [command, text] of Object.entries(said)) {
    t.match(text, words, `${name}: ${command}`)
    t.notMatch(text, /OpenSSL|SSL routines|\d{4}-\d\d-\d\dT|LB pick/, `${name}: ${command} says it in words`)
  }
}

t.test('certificates, and the wrong kind of endpoint', async t => {
  if (!needs(t, 'etcd')) return
  const folder = t.testdir()
  const pki = makePki()
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const ca = file('ca.crt', pki.ca.cert)
  const pair = (name: string, { cert, key }: Pair) => ({ cert_file: file(`${name}.crt`, cert), key_file: file(`${name}.key`, key) })
  const past = { notBefore: Date.UTC(2020, 0), notAfter: Date.UTC(2021, 0) }
  const [server, client] = [pair('server', pki.server), pair('client', pki.client)]
  const { endpoints } = await startEtcd(t, { tls: { ca, cert: server.cert_file, key: server.key_file } })
  await each(t, 'an authority that is not its own', { endpoints, ca_file: file('other.crt', pki.otherCa.cert), ...client }, /its certificate is of none of the authorities in cluster\.etcd\.ca_file/)
  await each(t, 'no authority', { endpoints, ...client }, /of no authority that this system trusts: cluster\.etcd\.ca_file is needed/)
  await each(t, 'no certificate', { endpoints, ca_file: ca }, /it asks for a client certificate: cluster\.etcd\.cert_file and key_file are needed/)
  await each(t, 'a certificate of another authority', { endpoints, ca_file: ca, ...pair('foreign', makeCertificate(pki.otherCa, { cn: 'x', use: 'clientAuth' })) }, /it does not take the certificate in cluster\.etcd\.cert_file \(TLS alert/)
  await each(t, 'an expired certificate', { endpoints, ca_file: ca, ...pair('old', makeCertificate(pki.ca, { cn: 'x', use: 'clientAuth', ...past })) }, /cluster\.etcd\.cert_file, which expired on 2021-01-01/)
  await each(t, 'http for https', { endpoints: endpoints.map(url => url.replace('https', 'http')) }, /it hangs up on what is not TLS: https:\/\/ may be meant/)
  const lacking = await saidOf(t, { endpoints, ca_file: join(folder, 'none.crt'), ...client }, /there is no file .*none\.crt/)
  for (const text of Object.values(lacking)) t.notMatch(text, /etcd does not answer/, 'with files that can\'t be read nobody is asked')
  const mixed = await saidOf(t, { endpoints, ca_file: ca, cert_file: client.cert_file, key_file: server.key_file }, /cannot be used/)
  for (const text of Object.values(mixed)) t.match(text, /client\.crt, .*server\.key cannot be used: .*key values mismatch/)
})

t.test('members of two clusters, rights, and space', async t => {
  if (!needs(t, 'etcd', 'etcdctl')) return
  const folder = t.testdir()
  const [one, other] = [await startEtcd(t, { args: ['--quota-backend-bytes', String(256 * 1024)] }), await startEtcd(t)]
  const { endpoints } = one
  const plain = await saidOf(t, { endpoints: other.endpoints.map(url => url.replace('http', 'https')) }, /it hangs up before TLS has begun: http:\/\/ may be meant/)
  for (const text of Object.values(plain)) t.match(text, /http:\/\/ may be meant/)
  await each(t, 'two clusters', { endpoints: [...endpoints, ...other.endpoints] }, /the endpoints belong to 2 different clusters: http:\/\/127\.0\.0\.1:\d+ to [0-9a-f]+, http:/)

  await saidOf(t, { endpoints: other.endpoints }, /cluster\.open/)
  const client = await one.client()
  const put = async (n: number): Promise<unknown> =>
    await client.call('Txn', { compare: [], success: [{ request_put: { key: Buffer.from(`/fill/${n}`), value: Buffer.alloc(16_000, 120) } }], failure: [] })
  await t.rejects(fill(put), { code: 'etcd_full' })
  await each(t, 'no space', { endpoints }, /etcd has no space left \(NOSPACE\)/)

  const ctl = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await runTool(findTool('etcdctl')!, ['--endpoints', other.endpoints[0]!, ...args], { env: { ...process.env, ETCDCTL_API: '3' } })
    if (code !== 0) throw new Error(stderr)
  }
  for (const line of ['user add root:r', 'user grant-role root root', 'role add reads', 'role grant-permission reads --prefix=true read /core-provisioner/', 'role add elsewhere',
    'role grant-permission elsewhere --prefix=true readwrite /elsewhere/', 'user add reader:good', 'user grant-role reader reads', 'user add stranger:good', 'user grant-role stranger elsewhere', 'auth enable']) await ctl(...line.split(' '))
  const password = join(folder, 'password')
  writeFileSync(password, 'good\n')
  const at = other.endpoints
  await each(t, 'no user', { endpoints: at }, /it asks who this is: cluster\.etcd\.user and password_file are needed/)
  await each(t, 'no password', { endpoints: at, user: 'stranger', password_file: join(folder, 'none') }, /cluster\.etcd\.password_file: cannot read .*none: ENOENT/)
  writeFileSync(join(folder, 'wrong'), 'bad')
  await each(t, 'a wrong password', { endpoints: at, user: 'reader', password_file: join(folder, 'wrong') }, /the user or the password is wrong \(cluster\.etcd\.user, password_file\)/)
  await each(t, 'a role elsewhere', { endpoints: at, user: 'stranger', password_file: password }, /the user may not read and write below cluster\.etcd\.prefix/)
  await each(t, 'a role that only reads', { endpoints: at, user: 'reader', password_file: password }, /the user may not read and write below cluster\.etcd\.prefix/)
})
