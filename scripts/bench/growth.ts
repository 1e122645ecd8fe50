// What grows with what: `npm run bench -- growth [--sizes N,N,...] [--of NAME,NAME,...]`. Microseconds of CPU of what is done again and
// again, in a program that holds so many groups, records of machines, leases, folders of images (assets), or connections on which nothing
// is asked (clients, which are in the same process, and 2,000 at most); what it takes to load them, and MiB that they hold. Each at
// the cheapest of three turns.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { assetPinner } from '../../src/assets/aliases.js'
import { systemClock } from '../../src/base/clock.js'
import { allocate } from '../../src/dhcp/allocate.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { buildReservations, ReservationTable } from '../../src/dhcp/reservation-table.js'
import type { Reservation } from '../../src/dhcp/reservations.js'
import { buildHttpApp } from '../../src/http/http-server.js'
import { MachineJournal } from '../../src/machines/journal.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { GroupMachines } from '../../src/matchbox/group-machines-index.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import type { Mac } from '../../src/net/mac.js'
import { openFileStore } from '../../src/store/file-store.js'
import { ip, subnet } from '../../test/helpers/dhcp.js'
import { layOutSite, macOf, profile, type Site } from '../lib/bench-site.js'
import { cost } from '../lib/guard.js'
import { numbersOf } from '../lib/number-arguments.js'
import { formatTable } from '../lib/table.js'

const nobody = (): boolean => false
const log = pino({ level: 'silent' })
const times = 2000

interface Row {
  readonly what: string
  readonly load: number
  readonly mib: number
  readonly costs: Readonly<Record<string, () => Promise<number>>>
  readonly close?: () => Promise<void>
}

const least = async (work: (times: number) => void | Promise<void>, count = times): Promise<number> => {
  const turns: number[] = []
  for (let turn = 0; turn < 3; turn++) turns.push(await cost(work, count) * 1000)
  return Math.min(...turns)
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Milliseconds of CPU, and MiB that are held afterwards. */
async function loading<T> (load: () => Promise<T>): Promise<{ readonly loaded: T, readonly load: number, readonly mib: number }> {
  collect()
  const held = (): number => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
  const before = held()
  const kept: { loaded?: T } = {}
  const each = await cost(async () => { kept.loaded = await load() }, 1)
  collect()
  return { loaded: kept.loaded!, load: each, mib: (held() - before) / 2 ** 20 }
}

async function groups (site: Site, size: number): Promise<Row> {
  const options = { dataPath: site.data, tombstoneMs: 0, clock: systemClock, log, watch: false }
  const { loaded: store, load, mib } = await loading(async () => await openFileStore(options))
  const provisioner = createProvisioner({ store })
  const rendered = (kind: 'ipxe' | 'ignition', macAt: (n: number) => string) => async (): Promise<number> => await least(count => {
    for (let n = 0; n < count; n++) {
      const mac = macAt(n) as Mac
      provisioner.render(kind, { labels: new Map([['mac', mac]]), rawQuery: `mac=${mac}`, client: undefined })
    }
  })
  // The same few machines whatever the size: how much fits into the processor's caches is not what is asked.
  return {
    what: 'groups',
    load,
    mib,
    costs: {
      '/ipxe': rendered('ipxe', n => macOf(n % Math.min(10, size))),
      '/ignition': rendered('ignition', n => macOf(n % Math.min(10, size))),
      'of a stranger': rendered('ipxe', n => macOf(8_000_000 + n)),
      'a group written': async () => await least(async count => {
        for (let n = 0; n < count; n++) {
          await store.putGroup({ ...store.snapshot.groups.get('node-0')!, name: `revision ${Math.random()}` })
          provisioner.render('ipxe', { labels: new Map([['mac', macOf(0)]]), rawQuery: '', client: undefined })
        }
      }, 50),
      'its reservation': async () => {
        const table = new ReservationTable([subnet('10.64.0.0/14')], [ip('10.64.0.1')])
        const all = new Map([...store.snapshot.groups].map(([id, group]) => [id, group] as const))
        const kept = new GroupMachines(() => all, () => true)
        const entry = (n: number, at: number): Reservation => ({ macs: [macOf(n) as Mac], ip: at, hostName: undefined, source: `group node-${n}` })
        for (let n = 0; n < size; n++) table.set(`node-${n}`, entry(n, ip('10.64.1.0') + n))
        kept.has(macOf(0) as Mac)
        return await least(count => {
          for (let n = 0; n < count; n++) {
            kept.changed([{ kind: 'group', name: 'node-0', what: 'put' }])
            table.set('node-0', entry(0, ip('10.67.0.0') + n))
            if (kept.loaders.problems.length > 0 || !kept.has(macOf(0) as Mac) || table.inForce.byIp.size !== size) throw new Error('not in force')
          }
        })
      }
    }
  }
}

async function machines (site: Site): Promise<Row> {
  const journal = new MachineJournal({ path: join(site.state, 'machines.jsonl'), clock: systemClock, log, current: () => [] })
  const { loaded: registry, load, mib } = await loading(async () => new MachineRegistry(await journal.load(), { note: () => {} }))
  await journal.close()
  const at = Date.now()
  const seen = (first: number) => async (): Promise<number> => await least(count => {
    for (let n = 0; n < count; n++) registry.record({ mac: macOf(first + n % 10) as Mac, stage: 'script', at: at + n, profile: profile.id })
  })
  return { what: 'machines', load, mib, costs: { 'one is seen': seen(0), 'a new one is seen': seen(4_000_000) } }
}

async function leases (_: Site, size: number): Promise<Row> {
  const here = subnet('10.64.0.0/14', '10.64.1.0-10.67.255.250')
  const { loaded: table, load, mib } = await loading(async () => {
    const table = new LeaseTable()
    for (let n = 0; n < size; n++) table.set({ ip: ip('10.64.1.0') + n, mac: macOf(n) as Mac, state: 'bound', since: 0, expires: 2 })
    return table
  })
  const server = ip('10.64.0.1')
  const state = { now: 1, server, leases: table, reservations: buildReservations([], [here], server), unknownClients: 'allow' } as const
  const given = (first: number) => async (): Promise<number> => await least(count => {
    for (let n = 0; n < count; n++) allocate(macOf(first + n % 10) as Mac, undefined, [here], state)
  })
  return {
    what: 'leases',
    load,
    mib,
    costs: {
      'to its holder': given(0),
      'to a new one': given(9_000_000)
    }
  }
}

async function images (site: Site): Promise<Row> {
  const { loaded: pinner, load, mib } = await loading(async () => assetPinner(site.assets, () => nobody, systemClock))
  const boot = { kernel: '/assets/release-0/kernel', initrd: [], args: [] }
  const resolved = async (): Promise<number> => await least(count => { for (let n = 0; n < count; n++) pinner.pin(boot) })
  return { what: 'asset folders', load, mib, costs: { 'a path resolved': resolved } }
}

/** Of more that say nothing the eldest give way. */
const mostClients = 2000

async function clients (site: Site, wanted: number): Promise<Row> {
  const size = Math.min(mostClients, wanted)
  const store = await openFileStore({ dataPath: site.data, tombstoneMs: 0, clock: systemClock, log, watch: false })
  const app = buildHttpApp({ provisioner: createProvisioner({ store }), log, assetsPath: '', ready: () => [] })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const open = async (n: number): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.${1 + (n >> 8)}.${n & 255}`, noDelay: true })
    await once(socket, 'connect')
    return socket
  }
  const { loaded: idle, load, mib } = await loading(async () => {
    const sockets: Socket[] = []
    for (let n = 0; n < size; n++) sockets.push(await open(n))
    return sockets
  })
  const asking = await open(0)
  const asked = async (): Promise<number> => await least(async count => {
    for (let n = 0; n < count; n++) {
      asking.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n')
      await once(asking, 'data')
    }
  })
  return {
    what: 'clients',
    load,
    mib,
    costs: { 'one asks': asked },
    close: async () => {
      for (const socket of [asking, ...idle]) socket.destroy()
      await app.close()
      await store.close()
    }
  }
}

export async function run (args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { sizes: { type: 'string', default: '10,100,1000,10000,100000' }, of: { type: 'string' } } })
  const sizes = numbersOf('--sizes', values.sizes)
  const chosen = values.of?.split(',')
  for (const [kind, measured] of Object.entries({ groups, machines, leases, assets: images, clients })) {
    if (chosen?.includes(kind) === false) continue
    const rows: string[][] = []
    for (const size of sizes) {
      const folder = mkdtempSync(join(tmpdir(), 'bench-growth-'))
      try {
        const { what, load, mib, costs, close } = await measured(layOutSite(folder, kind === 'clients' ? {} : { [kind]: size }), size)
        if (rows.length === 0) rows.push([what, 'ms to load', 'MiB', ...Object.keys(costs).map(name => `${name}, µs`)])
        const cells = []
        for (const name of Object.keys(costs)) cells.push((await costs[name]!()).toFixed(1))
        await close?.()
        rows.push([String(size), load.toFixed(0), mib.toFixed(1), ...cells])
      } finally {
        rmSync(folder, { recursive: true })
      }
    }
    console.log(`${formatTable(rows)}\n`)
  }
}
