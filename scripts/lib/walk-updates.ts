// `scripts/sandbox --walk updates`: day two without a machine. A publisher, the appliance that mirrors it, and machines that speak as
// update_engine and Zincati do: from a release to the last machine that runs it, a lost answer and a power cut included.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { makeKey, Publisher } from '../../test/helpers/publisher.js'
import { FlatcarNode, ZincatiNode } from '../../test/helpers/update-nodes.js'
import { startAppliance } from './appliance-process.js'
import { Children } from './children.js'
import { requireOwnNamespace } from './namespace.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const program = join(root, 'bin/core-provisioner')
const url = 'http://127.0.0.1:8080'
const [before, after] = ['4230.2.1', '4230.2.2']
const machines = 6
/** Seconds of a period, in which two machines may begin. */
const period = 8

const print = (line: string): void => { process.stderr.write(`${line}\n`) }
const problems: string[] = []
const expectOf = (what: string, holds: boolean): void => {
  print(`${holds ? 'as it should be' : 'FAILED'}: ${what}`)
  if (!holds) problems.push(what)
}

async function walk (folder: string, children: Children): Promise<void> {
  requireOwnNamespace()
  const key = await makeKey('publisher')
  const publisher = await Publisher.start()
  try {
    await publisher.flatcar(after, key)
    for (const name of ['flatcar_production_update.gz', 'oem-vmware.gz']) {
      await publisher.putSigned(`/amd64-usr/${after}/${name}`, Buffer.concat([Buffer.from('CrAU'), randomBytes(2 ** 20)]), key)
    }
    const config = join(folder, 'config.yaml')
    mkdirSync(join(folder, 'data'))
    writeFileSync(join(folder, 'key.asc'), key.publicKey)
    writeFileSync(config, `data_path: ${folder}/data
assets_path: ${folder}/assets
state_path: ${folder}/state
control_socket: ${folder}/c
advertise: 127.0.0.1
http: { address: "127.0.0.1:8080" }
tftp: { address: "" }
rpc: { address: "" }
images:
  interval: 0
  sources: [{ os: flatcar, base_url: "${publisher.url}", updates: true, update_files: [oem-vmware.gz] }]
  keys: [{ file: ${folder}/key.asc, fingerprint: ${key.fingerprint} }]
updates:
  groups:
    - { name: workers, os: flatcar, channel: stable, max_per_period: 2, period: ${period}s, safe_mode: true }
    - { name: control, os: fedora-coreos, reboot_slots: 1 }
`)
    const command = async (...words: string[]): Promise<string> =>
      (await promisify(execFile)(process.execPath, [program, ...words, '--config', config])).stdout
    print((await command('images', 'sync')).trim())
    const start = async (): ReturnType<typeof startAppliance> =>
      await startAppliance(children, { root, configFile: config, logFile: join(folder, 'appliance.log'), url })
    const appliance = await start()
    const nodes = Array.from({ length: machines }, (_, n) =>
      new FlatcarNode(`${url}/v1/update/`, before, { track: 'workers', machineId: String(n).repeat(32), alias: `worker-${n + 1}` }))
    const [first] = nodes
    expectOf('the first machine is granted the release', (await first!.check())?.version === after)
    expectOf('its answer is lost: asked again, it is granted the same', (await first!.check())?.version === after)
    const others = await Promise.all(nodes.slice(1).map(node => node.check()))
    expectOf('safe mode: nobody else begins before the first one is through', others.every(offer => offer === undefined))
    print('the power goes')
    appliance.kill('SIGKILL')
    await children.stop(appliance)
    await start()
    expectOf('after the power cut the grant stands', (await first!.check())?.version === after)
    await first!.updateTo(after)
    for (let round = 0; nodes.some(({ version }) => version !== after) && round < 20; round++) {
      const offered: FlatcarNode[] = []
      for (const node of nodes) if (node.version !== after && await node.check() !== undefined) offered.push(node)
      print(`${offered.length} more may begin`)
      expectOf('no more than two in a period', offered.length <= 2)
      for (const node of offered) await node.updateTo(after)
      await delay(period * 1000)
    }
    expectOf(`all ${machines} run ${after}`, nodes.every(({ version }) => version === after))

    const waiting = Array.from({ length: 3 }, (_, n) => new ZincatiNode(`${url}/`, { group: 'control', id: `node-${n + 1}` }))
    for (let rebooted = 0; waiting.length > 0 && rebooted < 3; rebooted++) {
      const answers = await Promise.all(waiting.map(node => node.preReboot()))
      expectOf('one of those that want to reboot may', answers.filter(({ status }) => status === 200).length === 1)
      const [node] = waiting.splice(answers.findIndex(({ status }) => status === 200), 1)
      await node!.steadyState()
    }
    print((await command('updates', 'list')).trimEnd())
  } finally {
    await children.stopAll()
    await publisher.close()
  }
}

const folder = mkdtempSync(join(tmpdir(), 'core-provisioner-walk-'))
const children = new Children()
try {
  await walk(folder, children)
} catch (error) {
  problems.push(String(error))
  print(`sandbox: ${String(error)}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
print(problems.length === 0 ? 'the walk is done' : `${problems.length} things were not as they should be`)
process.exit(problems.length === 0 ? 0 : 1)
