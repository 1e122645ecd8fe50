// Name servers that answer late, never, in part or with a failure: each name for itself, whoever is called by it.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { builtProgram } from '../helpers/built.js'
import { startEtcdIn } from '../helpers/etcd-network.js'
import { nameServer } from '../helpers/name-server.js'
import { NetworkNamespace, namespaceProblem, type Running } from '../helpers/netns.js'
import { layOutBootSite } from '../helpers/boot-site.js'
import { able, needs } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

const program = builtProgram()
const address = '172.30.0.1'
/** Milliseconds: for what comes within a second or two on a quiet machine. */
const longWait = 60_000

interface Site {
  readonly space: NetworkNamespace
  readonly folder: string
  readonly names: Running
  /** Prints the host of each request on port 80, and answers it. */
  readonly receiver: Running
  readonly run: (...args: readonly string[]) => Running
}

async function layOut (t: Test, config: object): Promise<Site> {
  const { folder, config: path, space } = layOutBootSite(t, { kernel: 'image', macs: [], config })
  const names = space.spawn(process.execPath, typescript, nameServer, address)
  const receiver = space.spawn(process.execPath, '-e', `require("http").createServer((request, response) => {
    console.log("asked as " + request.headers.host)
    response.end("ok")
  }).listen(80, () => console.log("receives"))`)
  await Promise.all([names.line(/^names$/), receiver.line(/^receives$/)])
  writeFileSync(join(folder, 'resolv.conf'), `nameserver ${address}\n`)
  const begun = `mount --bind ${folder}/resolv.conf /etc/resolv.conf; exec "$@"`
  return { space, folder, names, receiver, run: (...args) => space.spawn('sh', '-c', begun, 'sh', process.execPath, program, ...args, '--config', path) }
}

const host = (label: string): string => `${label}.example.org`

t.test('receivers of webhooks: who resolves is reached, and of each other one it is said why not', async t => {
  if (!able(t, namespaceProblem())) return
  const silent = Array.from({ length: 8 }, (_, n) => `silent${n}`)
  const labels = [...silent, 'refuse', 'late', 'fail', 'half', 'six', 'many', 'loop', 'good']
  const urls = labels.map(label => `http://${host(label)}/told`)
  const { folder, receiver, run } = await layOut(t, { webhooks: urls.map(url => ({ url })) })
  const told = urls.map((url, n) => JSON.stringify({ id: `msg_${n}`, url, at: Date.now(), body: '{}' }))
  writeFileSync(join(folder, 'state/webhooks.jsonl'), told.map(line => `${line}\n`).join(''))
  const running = run('serve')
  for (const label of ['good', 'half', 'many', 'late']) await receiver.line(new RegExp(`^asked as ${label}\\.`), longWait)
  const reasons: Readonly<Record<string, string>> = {
    ...Object.fromEntries(silent.map(label => [label, `does not resolve (no answer within 5 s from ${address})`])),
    refuse: `does not resolve (the name server ${address} answers REFUSED)`,
    fail: `does not resolve (the name server ${address} answers SERVFAIL)`,
    loop: 'does not resolve (it has no address)'
  }
  for (const [label, reason] of Object.entries(reasons)) {
    const line = await running.line(new RegExp(`"url":"http://${label}\\.example\\.org".*"attempt":1,"msg":"webhook\\.failed"`), longWait)
    t.equal(JSON.parse(line).reason, `${host(label)} ${reason}`)
  }
  const six = await running.line(/"url":"http:\/\/six\..*"msg":"webhook\.failed"/, longWait)
  t.match(JSON.parse(six).reason, /connect (?:ENETUNREACH|EHOSTUNREACH) 2001:db8::1/)
  running.child.kill('SIGTERM')
  t.equal(await running.ended, 0)
})

/** A file that nobody signed, as the receiver has it. */
const image = (label: string): object => ({
  os: 'custom', name: label, base_url: `http://${host(label)}`, files: [{ path: 'file', sha256: createHash('sha256').update('ok').digest('hex'), signature: '' }]
})

t.test('publishers of images: who resolves is fetched from, of each other one it is said why not', async t => {
  if (!able(t, namespaceProblem())) return
  const labels = ['silent1', 'silent2', 'silent3', 'fail', 'none', 'good']
  const { run } = await layOut(t, { images: { timeout: '1s', sources: labels.map(image) } })
  const running = run('images', 'sync')
  t.equal(await running.ended, 1)
  t.match(running.output(), /^good: \w+ published and verified$/m)
  t.match(running.output(), `fail: http://${host('fail')}/file: ${host('fail')} does not resolve (the name server ${address} answers SERVFAIL)\n`)
  t.match(running.output(), `none: http://${host('none')}/file: ${host('none')} does not resolve (ENOTFOUND)\n`)
  for (const label of labels.slice(0, 3)) t.match(running.output(), `${label}: http://${host(label)}/file: ${host(label)} does not resolve (no answer within 1 s from ${address})\n`)
})

t.test('an end does not wait for the name of a publisher', async t => {
  if (!able(t, namespaceProblem())) return
  const { names, run } = await layOut(t, { images: { timeout: '1h', sources: [image('silent1'), image('silent2'), image('silent3')] } })
  const running = run('serve')
  await names.line(/^asked for silent3\./, longWait)
  await running.line(/"msg":"appliance\.ready"/)
  running.child.kill('SIGTERM')
  t.equal(await running.ended, 0)
  t.match(running.output(), /"orderly":true,"msg":"appliance\.end"/)
  t.notMatch(running.output(), /appliance\.close_late/)
})

t.test('members of etcd: the one whose name resolves is spoken with', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'etcd')) return
  const labels = ['silent1', 'silent2', 'none', 'good']
  const { space, folder, run } = await layOut(t, { cluster: { name: 'one', etcd: { endpoints: labels.map(label => `http://${host(label)}:2379`) } } })
  startEtcdIn(space, { name: 'etcd', address, folder, isFleeting: true })
  const running = run('serve')
  t.match(JSON.parse(await running.line(/"msg":"cluster\.in_step"/, longWait)), { endpoint: `http://${host('good')}:2379` })
  const failovers = running.output().split('\n').filter(line => line.includes('cluster.failover')).map(line => JSON.parse(line))
  const reasons = new Map(failovers.map(({ from, reason }) => [from, reason]))
  for (const label of ['silent1', 'silent2']) t.equal(reasons.get(`http://${host(label)}:2379`), 'its name does not resolve (no answer within 1.5 s)')
  t.equal(reasons.get(`http://${host('none')}:2379`), `${host('none')} does not resolve (ENOTFOUND)`)
  running.child.kill('SIGTERM')
  t.equal(await running.ended, 0)
})
