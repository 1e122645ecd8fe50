// A hundred machines of the storm's generator boot (DHCP as a ROM, the loader by TFTP, DHCP as iPXE, script, kernel, initrd, Ignition config)
// while one of three provisioners is killed and one of three etcd stopped: all arrive, no address twice, no NAK to a holder.
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { programEnvironment } from '../../scripts/lib/bench-process.js'
import { layOutSite } from '../../scripts/lib/bench-site.js'
import type { StormResult } from '../../scripts/bench/storm/storm.js'
import { bundledProgram } from '../helpers/built.js'
import { FleetNetwork } from '../helpers/fleet-network.js'
import { namespaceProblem } from '../helpers/netns.js'
import { able, needs } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'
import { until } from '../helpers/until.js'

const machines = 100
const generate = fileURLToPath(new URL('../../scripts/bench/storm/generate.ts', import.meta.url))
t.test('a provisioner is killed and an etcd stopped while a hundred machines boot', async t => {
  if (!needs(t, 'etcd', 'curl') || !able(t, namespaceProblem())) return
  const folder = t.testdir({ tftp: { 'undionly.kpxe': Buffer.alloc(72 * 1024, 'u') } })
  const site = layOutSite(join(folder, 'site'), { groups: machines })
  for (const name of ['kernel', 'initrd']) writeFileSync(join(site.assets, name), Buffer.alloc(256 * 1024, 'k'))
  mkdirSync(join(folder, 'fleet'))
  const network = new FleetNetwork({ folder: join(folder, 'fleet'), config: () => ({ assets_path: site.assets, tftp: { root: join(folder, 'tftp') } }) })
  t.teardown(async () => { await network.close() })
  const { provisioners, etcd } = network
  for (const member of etcd) await member.start()
  await provisioners[0]!.start()
  provisioners[0]!.space.exec(process.execPath, bundledProgram(), 'store', 'import', site.data, '--config', network.configOf(1))
  await Promise.all(provisioners.slice(1).map(async one => { await one.start() }))
  for (const n of [1, 2, 3]) await until('it sees all three', () => /cluster_present(?:\{[^}]*\})? 3\n/.test(network.ask(n, '/metrics')))

  const asked = { machines, over: 10_000, loss: 0, limit: 300_000, again: 8 }
  const command = [`--net=/run/netns/${network.machines.name}`, process.execPath, typescript, generate, JSON.stringify(asked)]
  const done = new Promise<string>((resolve, reject) => {
    execFile('nsenter', command, { env: programEnvironment, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${error.message}\n${stderr}`))
    })
  })
  const arriving = (): number => [1, 2, 3].reduce((sum, n) => sum + (provisioners[n - 1]!.running()?.output().split('"msg":"http.kernel"').length ?? 1) - 1, 0)
  await until('a quarter has a kernel', () => arriving() >= machines / 4)
  await provisioners[0]!.kill()
  etcd[1]!.signal('SIGSTOP')
  const result = JSON.parse(await done) as StormResult
  etcd[1]!.signal('SIGCONT')
  t.equal(result.arrived, machines, JSON.stringify(result.failures))
  t.same(result.broken, [], 'no address twice, and no holder was refused')
  const { milliseconds, begunAnew, repeats, stages: { offer, whole } } = result
  t.comment(`${(milliseconds / 1000).toFixed(1)} s, ${begunAnew} boots began anew, ${repeats.dhcp} DHCP messages repeated`)
  t.comment(`OFFER p99 ${offer.p99.toFixed(0)} ms, a whole boot p50 ${whole.p50.toFixed(0)}, p99 ${whole.p99.toFixed(0)} ms`)
})
