import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { loadConfig } from '../../src/config/load.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { createLog } from '../../src/base/log.js'
import { parseIpv4 } from '../../src/net/ipv4.js'
import { parseMac } from '../../src/net/mac.js'
import { addressHolders } from '../../src/wiring/address-holders.js'
import { logLines } from '../helpers/log-lines.js'
import { makeGroup, MemoryStore } from '../helpers/memory-store.js'

const macs = [1, 2, 3].map(n => parseMac(`52:54:00:00:00:0${n}`)!)

t.test('the lease of an address says whose it is, else its reservation, each as it is now', async t => {
  const folder = t.testdir()
  mkdirSync(join(folder, 'hosts.d'))
  writeFileSync(join(folder, 'hosts.d/rack.yaml'), '- { mac: "52:54:00:00:00:01", ip: 10.0.0.1 }\n- { mac: "52:54:00:00:00:03", ip: 10.0.0.1 }\n')
  const store = new MemoryStore()
  const leases = new LeaseTable()
  const closers: Array<() => Promise<void>> = []
  t.teardown(async () => { for (const close of closers) await close() })
  const holder = await addressHolders({
    loaded: loadConfig({ file: undefined, env: {}, set: [`state_path=${folder}`] }),
    store,
    leases: { table: leases },
    clock: systemClock,
    log: createLog({ level: 'error', pretty: false, destination: logLines().stream }),
    onClose: closer => { closers.push(closer) }
  })
  t.equal(holder('10.0.0.1'), macs[0], 'of two reservations the first')
  t.equal(holder('10.0.0.2'), undefined)
  for (const odd of ['::1', 'fe80::1%eth0', '', '0.0.0.0']) t.equal(holder(odd), undefined, JSON.stringify(odd))

  const seen = async (address: string, what: string | undefined): Promise<void> => {
    while (holder(address) !== what) await new Promise(resolve => { setImmediate(resolve) })
    t.equal(holder(address), what)
  }
  writeFileSync(join(folder, 'hosts.d/more.yaml'), '- { mac: "52:54:00:00:00:03", ip: 10.0.0.9 }\n')
  await seen('10.0.0.9', macs[2])
  writeFileSync(join(folder, 'hosts.d/more.yaml'), '- { mac: "52:54:00:00:00:02", ip: 10.0.0.9 }\n')
  await seen('10.0.0.9', macs[1])
  unlinkSync(join(folder, 'hosts.d/more.yaml'))
  await seen('10.0.0.9', undefined)

  await store.putGroup(makeGroup({ id: 'two', selector: { mac: macs[1]! }, metadata: { ip: '10.0.0.2' } }))
  while (holder('10.0.0.2') === undefined) await new Promise(resolve => { setImmediate(resolve) })
  t.equal(holder('10.0.0.2'), macs[1], 'a group that was put counts at once')

  const now = systemClock.now()
  const lease = { ip: parseIpv4('10.0.0.2')!, mac: macs[2]!, since: now, expires: now + 60_000 }
  leases.set({ ...lease, state: 'offered' })
  t.equal(holder('10.0.0.2'), macs[1], 'an offer is none')
  leases.set({ ...lease, state: 'bound' })
  t.equal(holder('10.0.0.2'), macs[2])
  leases.set({ ...lease, state: 'bound', expires: now - 1 })
  t.equal(holder('10.0.0.2'), macs[1], 'nor is a lease that has ended')
})
