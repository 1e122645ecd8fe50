// Twenty thousand groups (by hand four thousand) that come at once, each with a reservation: copied into the folder of a program that runs, changed there, and
// written over gRPC. Meanwhile a known machine is offered its address again and again, /readyz and its script are fetched, and the
// event loop is never held for 50 ms of the program's own processor time. MANY_GROUPS=N for another number.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { bundledProgram } from '../helpers/built.js'
import { mac, request } from '../helpers/dhcp.js'
import { inCiOrByHand } from '../helpers/how-many.js'
import { leastHeld, mostHeld } from '../helpers/least-held.js'
import { namespaceProblem, NetworkNamespace, type Running } from '../helpers/netns.js'
import { PipeClient } from '../helpers/pipe-client.js'
import { makeAuthority, makeCertificate } from '../helpers/pki.js'
import { able } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'
import { unitEnvironment } from '../helpers/unit-environment.js'

const count = Number(process.env['MANY_GROUPS'] ?? inCiOrByHand(20_000, 4000))
/** Each of these is two syncs of the disk. */
const written = Math.ceil(count / 20)
/** So many looks that a slow disk's minutes are waited for: what is late is told by the figures, not by this. */
const patience = 20_000
const innocent = '02:cc:00:00:00:01'
const hex = (n: number): string => n.toString(16).padStart(2, '0')
const machine = (n: number): string => `02:bb:00:00:${hex(n >> 8)}:${hex(n & 255)}`
/** Known machines of hosts.d: so many that none asks more often than it may. */
const racked = (n: number): string => `02:dd:00:00:${hex(n >> 8)}:${hex(n & 255)}`
const rack = 2000
const addressOf = (n: number, net: number, first = 1): string => `172.${net}.${first + (n >> 8)}.${n & 255}`
const numberOf = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)

/** `net`: which addresses the groups reserve, so that a change of all is seen. */
const group = (n: number, net: number): string =>
  JSON.stringify({ id: `g${n}`, profile: 'node', selector: { mac: machine(n) }, metadata: { ip: addressOf(n, net), hostname: `n${n}` } })

class Site {
  readonly folder = mkdtempSync(join(tmpdir(), 'groups-'))
  readonly space = new NetworkNamespace()
  readonly client: NetworkNamespace
  readonly #appliance: Running
  #wire: PipeClient | undefined

  constructor () {
    for (const name of ['data/groups', 'data/profiles', 'data/generic', 'state/hosts.d']) mkdirSync(join(this.folder, name), { recursive: true })
    writeFileSync(join(this.folder, 'data/profiles/node.json'), JSON.stringify({ id: 'node', generic_id: 'g', boot: { kernel: '/assets/k', initrd: [], args: [] } }))
    writeFileSync(join(this.folder, 'data/generic/g'), '{{.ip}}')
    writeFileSync(join(this.folder, 'data/groups/innocent.json'), JSON.stringify({ id: 'innocent', profile: 'node', selector: { mac: innocent }, metadata: { ip: '172.30.0.9' } }))
    writeFileSync(join(this.folder, 'state/hosts.d/rack.yaml'), Array.from({ length: rack }, (_, n) => `- { mac: "${racked(n)}", ip: ${addressOf(n, 30, 200)} }\n`).join(''))
    const authority = makeAuthority('groups')
    const pairs = {
      ca: authority,
      server: makeCertificate(authority, { cn: 'server', use: 'serverAuth', names: [{ ip: '172.30.0.1' }] }),
      client: makeCertificate(authority, { cn: 'client', use: 'clientAuth' })
    }
    for (const [name, { cert, key }] of Object.entries(pairs)) {
      writeFileSync(join(this.folder, `${name}.crt`), cert)
      writeFileSync(join(this.folder, `${name}.key`), key, { mode: 0o600 })
    }
    writeFileSync(join(this.folder, 'config.yaml'), `data_path: ${this.folder}/data
assets_path: ""
state_path: ${this.folder}/state
control_socket: ${this.folder}/c
rpc: { address: "0.0.0.0:8081", ca_file: ${this.folder}/ca.crt, cert_file: ${this.folder}/server.crt, key_file: ${this.folder}/server.key }
tftp: { address: "" }
dhcp:
  mode: server
  interface: br0
  unknown_clients: deny
  subnets: [{ subnet: 172.30.0.0/15 }]
`)
    this.space.bridge('br0', '172.30.0.1/15')
    this.client = this.space.client('br0')
    this.client.ip('address', 'add', '172.30.0.2/15', 'dev', 'eth0')
    this.#appliance = this.space.spawn('sh', '-c', `unset NODE_OPTIONS; ${unitEnvironment()}exec "$0" "$@"`, process.execPath, bundledProgram(), 'serve', '--config', join(this.folder, 'config.yaml'))
  }

  get wire (): PipeClient { return this.#wire! }

  async ready (): Promise<void> {
    await this.#appliance.line(/"msg":"appliance\.ready"/)
    this.#wire = await PipeClient.start(this.client)
  }

  /** The bodies of what is at these paths, fetched one after the other. */
  async fetch (...paths: readonly string[]): Promise<readonly string[]> {
    const curl = this.client.spawn('curl', '-s', '--max-time', '60', '-w', '\n---\n', ...paths.map(path => `http://172.30.0.1:8080${path}`))
    await curl.ended
    return curl.output().split('\n---\n').slice(0, -1)
  }

  async metric (name: string): Promise<number> {
    return Number(new RegExp(`^${name} (.+)$`, 'm').exec((await this.fetch('/metrics'))[0] ?? '')?.[1])
  }

  async close (): Promise<void> {
    await this.space.close()
    rmSync(this.folder, { recursive: true })
  }
}

/** Asks as machines do for as long as `work` takes and until the group of number `newest` is in force. */
async function meanwhile (t: Test, site: Site, net: number, newest: number, work: () => Promise<void>): Promise<void> {
  const { wire } = site
  const expected = await site.fetch('/readyz', `/generic?mac=${innocent}`)
  let asked = 0
  const offer = async (): Promise<void> => {
    const n = asked++ % rack
    const { yiaddr } = await wire.ask(request({ dhcpMessageType: 'DISCOVER' }, { mac: mac(racked(n)) }))
    if (yiaddr !== numberOf(addressOf(n, 30, 200))) throw new Error(`${racked(n)} was offered ${yiaddr.toString(16)}`)
  }
  const started = performance.now()
  const writing = work().then(() => performance.now())
  const [mine, its] = [machine(newest), addressOf(newest, net)]
  const answers = new Set<string>()
  for (let tries = 0, live = ''; tries < patience && live !== its; tries++) {
    const [ready = '', script = '', last = ''] = await site.fetch('/readyz', `/generic?mac=${innocent}`, `/generic?mac=${mine}`)
    answers.add(JSON.stringify([ready, script]))
    live = last
    await offer()
  }
  const written = await writing
  const live = performance.now()
  const last = request({ dhcpMessageType: 'DISCOVER' }, { mac: mac(mine) })
  const wanted = numberOf(its)
  let reserved: number | undefined
  for (let tries = 0; tries < patience && reserved !== wanted; tries++) {
    // A machine that asks without a pause is soon not heard: a command between two of its questions is one.
    await site.fetch('/healthz')
    const xid = wire.send(last)
    // Whatever is answered after it: a machine without a reservation gets no answer.
    await offer()
    reserved = wire.answer(xid)?.yiaddr
  }
  t.comment({
    written: (written - started) / 1000,
    live: (live - started) / 1000,
    reserved: (performance.now() - started) / 1000,
    asked,
    held: await site.metric('event_loop_cpu_max_seconds'),
    longest: await site.metric('event_loop_delay_max_seconds')
  })
  t.same([...answers], [JSON.stringify(expected)], '/readyz and a machine of another group are answered as before all the while')
  t.ok(asked > 0)
  t.equal(reserved, wanted, 'the last of them has its address')
}

/** How long a program was held for while they came; the test fails where they do not take effect as they should. */
async function manyAtOnce (t: Test): Promise<number> {
  const site = new Site()
  try {
    await site.ready()
    await t.test('copied into the folder', async t => {
      mkdirSync(join(site.folder, 'new'))
      for (let n = 0; n < count; n++) writeFileSync(join(site.folder, `new/g${n}.json`), group(n, 30))
      await meanwhile(t, site, 30, count - 1, async () => {
        t.equal(await site.space.spawn('cp', '-r', `${site.folder}/new/.`, join(site.folder, 'data/groups/')).ended, 0)
      })
    })
    await t.test('changed in the folder', async t => {
      for (let n = 0; n < count; n++) writeFileSync(join(site.folder, `new/g${n}.json`), group(n, 31))
      await meanwhile(t, site, 31, count - 1, async () => {
        t.equal(await site.space.spawn('cp', '-r', `${site.folder}/new/.`, join(site.folder, 'data/groups/')).ended, 0)
      })
    })
    await t.test(`${written} of them written over gRPC`, async t => {
      await meanwhile(t, site, 30, written - 1, async () => {
        const writer = site.client.spawn(process.execPath, typescript, fileURLToPath(new URL('../helpers/group-writer.ts', import.meta.url)), '172.30.0.1:8081', site.folder, String(written))
        writer.child.stdin?.end(Array.from({ length: written }, (_, n) => group(n, 30)).join('\n'))
        t.equal(await writer.ended, 0, writer.output())
      })
    })
    return await site.metric('event_loop_cpu_max_seconds')
  } finally {
    await site.close()
  }
}

t.test(`${count} groups at once`, { timeout: 900_000 }, async t => {
  if (!able(t, namespaceProblem())) return
  const held = await leastHeld(async () => await manyAtOnce(t))
  t.ok(held < mostHeld, `the event loop is not held: for ${held} s of processor time at most`)
})
