// A storm of boots on the built program, in a namespace, with or without a sync of a large image meanwhile: what the thread that answers
// machines did, and how long they waited for it.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NetworkNamespace } from './netns.js'
import { typescript } from './typescript.js'

export interface MirrorStormOptions {
  /** An empty folder with a short path. */
  readonly folder: string
  /** Of the image that is mirrored meanwhile; 0 for none. */
  readonly mebibytes: number
  readonly boots: number
  readonly perSecond: number
}

export interface MirrorStorm {
  readonly failed: number
  /** Milliseconds of the slowest boot. */
  readonly slowest: number
  /** DHCP leases that were acknowledged. */
  readonly acknowledged: number
  /** Milliseconds that the thread which answers machines computed during the storm. */
  readonly computed: number
  /** Milliseconds that it waited for a processor: what others on this machine took from it. */
  readonly waited: number
  /** The same of the mirror's thread; 0 without one. */
  readonly mirrored: number
  /** Mebibytes that were on disk of the image when the storm was over. */
  readonly received: number
  /** Whether the release was published in the end. */
  readonly published: boolean
  /** Shares of all looks at the event loop that were later than this many seconds. */
  readonly later: ReadonlyMap<number, number>
  /** The share of lease writes that took longer than 50 ms. */
  readonly slowLeases: number
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const helper = (name: string): string => fileURLToPath(new URL(`./${name}.ts`, import.meta.url))

export async function mirrorStorm ({ folder, mebibytes, boots, perSecond }: MirrorStormOptions): Promise<MirrorStorm> {
  for (const name of ['data/groups', 'data/profiles', 'data/ignition', 'assets', 'tftp', 'state']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'assets/kernel'), Buffer.alloc(2 ** 20))
  writeFileSync(join(folder, 'tftp/loader.efi'), Buffer.alloc(200_000))
  writeFileSync(join(folder, 'data/profiles/node.json'), JSON.stringify({ id: 'node', ignition_id: 'node.yaml', boot: { kernel: '/assets/kernel', initrd: [], args: ['quiet'] } }))
  writeFileSync(join(folder, 'data/groups/node.json'), JSON.stringify({ id: 'node', profile: 'node' }))
  writeFileSync(join(folder, 'data/ignition/node.yaml'), 'storage: {files: [{path: /etc/x, filesystem: root, mode: 0644, contents: {inline: "x"}}]}\n')
  const space = new NetworkNamespace()
  try {
    space.bridge('br0', '172.30.0.1/16')
    const [publisherSpace, dhcp, machines] = [2, 3, 4].map(n => {
      const client = space.client('br0')
      client.ip('address', 'add', `172.30.0.${n}/16`, 'dev', 'eth0')
      return client
    }) as [NetworkNamespace, NetworkNamespace, NetworkNamespace]
    const publisher = mebibytes === 0
      ? undefined
      : publisherSpace.spawn('nice', '-n', '19', process.execPath, typescript, helper('large-publisher'), '172.30.0.2', '8000', String(mebibytes))
    const digest = (await publisher?.line(/^sha256 /))?.slice('sha256 '.length)
    writeFileSync(join(folder, 'config.json'), JSON.stringify({
      data_path: join(folder, 'data'),
      assets_path: join(folder, 'assets'),
      state_path: join(folder, 'state'),
      control_socket: join(folder, 'c'),
      http: { address: '0.0.0.0:8080' },
      rpc: { address: '' },
      tftp: { address: '0.0.0.0:69', root: join(folder, 'tftp') },
      dhcp: { mode: 'server', interface: 'br0', unknown_clients: 'allow', subnets: [{ subnet: '172.30.0.0/16', range: '172.30.16.0-172.30.240.250' }] },
      ...digest !== undefined && { images: { sources: [{ os: 'custom', name: 'large', base_url: 'http://172.30.0.2:8000', files: [{ path: 'image', signature: '', sha256: digest }] }] } }
    }))
    // The test runner has its children load what it likes; the built program is to run as it is.
    const appliance = space.spawn('sh', '-c', `unset NODE_OPTIONS; cd ${root}; exec "$0" bin/core-provisioner serve --config ${folder}/config.json`, process.execPath)
    await appliance.line(/"msg":"appliance\.ready"/)
    const pid = appliance.child.pid ?? 0
    const numbers = (): ReadonlyMap<string, number> => new Map([...space.exec('curl', '-s', '--fail', 'http://172.30.0.1:8080/metrics')
      .matchAll(/^(\w+(?:\{.*\})?) ([-+.\deE]+)$/gm)].map(([, name = '', number]) => [name, Number(number)]))
    const [before, timesBefore] = [numbers(), timesOf(pid, pid)]
    const leases = dhcp.spawn(process.execPath, typescript, helper('dhcp-load'), '172.30.0.3', '172.30.0.1', '1', String(perSecond))
    const storm = machines.spawn(process.execPath, typescript, helper('boot-storm'), '172.30.0.1', '172.30.0.4', String(boots), String(perSecond))
    const [, failed, slowest] = (await storm.line(/^boots /, 600_000)).split(' ').map(Number)
    leases.child.kill('SIGKILL')
    if (failed !== 0) throw new Error(storm.output().slice(0, 2000))
    const [computed, waited] = timesOf(pid, pid).map((time, i) => time - timesBefore[i]!) as [number, number]
    const mirror = threadsOf(pid).find(thread => niceOf(pid, thread) === 10)
    const mirrored = mirror === undefined ? 0 : timesOf(pid, mirror)[0]
    const after = numbers()
    const received = mebibytes === 0 ? 0 : Number(space.exec('du', '-sm', join(folder, 'assets/large')).split('\t')[0])
    publisher?.child.stdin?.end()
    const published = mebibytes > 0 && /"published"/.test(await appliance.line(/"msg":"images\.(?:sync|failed)"/, 600_000))
    process.kill(pid, 'SIGTERM')
    await appliance.ended
    const share = (name: string, seconds: number): number => {
      const grown = (labels: string): number => (after.get(name + labels) ?? 0) - (before.get(name + labels) ?? 0)
      return 1 - grown(`_bucket{le="${seconds}"}`) / Math.max(1, grown('_count'))
    }
    return {
      failed: failed ?? -1,
      slowest: slowest ?? -1,
      acknowledged: leases.output().split('\n').filter(line => line.startsWith('ACK ')).length,
      computed,
      waited,
      mirrored,
      received,
      published,
      later: new Map([0.005, 0.01, 0.025, 0.05].map(seconds => [seconds, share('event_loop_delay_seconds', seconds)])),
      slowLeases: share('dhcp_lease_sync_seconds', 0.05)
    }
  } finally {
    await space.close()
  }
}

const threadsOf = (pid: number): readonly number[] => readdirSync(`/proc/${pid}/task`).map(Number)

/** proc(5), stat: the 19th field, of which the first two are cut off here. */
const niceOf = (pid: number, thread: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')[16])

/** Milliseconds on a processor, and waiting for one. */
function timesOf (pid: number, thread: number): readonly [computed: number, waited: number] {
  const [computed = 0, waited = 0] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ').map(text => Number(text) / 1e6)
  return [computed, waited]
}
