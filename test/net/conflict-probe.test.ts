// Reading the ARP table; loopback answers for itself. With other hosts: test/interop/conflict-probe.test.ts.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createConflictProbe, readArpTable } from '../../src/net/conflict-probe.js'
import { formatIpv4, type Ipv4 } from '../../src/net/ipv4.js'
import { macFromBytes, type Mac } from '../../src/net/mac.js'
import { ip, mac, testMac } from '../helpers/dhcp.js'

t.test('entries of the ARP table', async t => {
  const file = join(t.testdir({
    arp: `IP address       HW type     Flags       HW address            Mask     Device
172.30.0.9       0x1         0x2         02:00:00:00:00:09     *        br0
172.30.0.10      0x1         0x0         00:00:00:00:00:00     *        br0
172.30.0.11      0x1         0x6         02:00:00:00:00:0B     *        br0
`
  }), 'arp')
  const table = await readArpTable(file)
  t.equal(table.get('172.30.0.9'), mac('02:00:00:00:00:09'))
  t.equal(table.get('172.30.0.10'), undefined, 'asked for, not answered')
  t.equal(table.get('172.30.0.11'), mac('02:00:00:00:00:0b'), 'set by hand')
  t.equal(table.get('172.30.0.1'), undefined)
  t.equal((await readArpTable(join(file, 'nosuch'))).size, 0)
})

t.test('a host that says nobody listens there', async t => {
  const probe = createConflictProbe()
  t.same(await probe.ask(ip('127.0.0.77'), testMac), { inUse: true, by: undefined })
  probe.close()
  t.same(await probe.ask(ip('127.0.0.77'), testMac), { inUse: false }, 'closed, it asks nobody')
})

/** What the kernel finds out by ARP: nothing when an address is asked about for the first time, who has it from then on. */
class Arp extends Map<string, Mac> {
  readonly #asked = new Set<string>()
  override get (address: string): Mac | undefined {
    const isKnown = this.#asked.has(address)
    this.#asked.add(address)
    return isKnown ? super.get(address) : undefined
  }
}

/** Hosts of the loopback network, which refuse, with hardware addresses that the test gives them. */
function hosts (t: Test) {
  const table = new Arp()
  const probe = createConflictProbe({ read: async () => table })
  t.teardown(() => { probe.close() })
  const as = async (address: Ipv4, hardware: Mac) => {
    table.set(formatIpv4(address), hardware)
    return await probe.ask(address, testMac)
  }
  return { probe, as }
}

t.test('who it is by its hardware address, unless it answers for everybody', async t => {
  const { as } = hosts(t)
  const [one, other] = [mac('02:00:00:00:00:01'), mac('02:00:00:00:00:02')]
  t.same(await as(ip('127.0.1.1'), testMac), { inUse: false }, 'the machine itself')
  t.same(await as(ip('127.0.1.1'), testMac), { inUse: false }, 'as the table says before it is asked for')
  t.same(await as(ip('127.0.1.2'), one), { inUse: true, by: one })
  t.same(await as(ip('127.0.1.2'), one), { inUse: true, by: one }, 'one address, asked about twice')
  t.same(await as(ip('127.0.1.3'), one), { inUse: true, by: one })
  t.same(await as(ip('127.0.1.4'), other), { inUse: true, by: other })
  t.same(await as(ip('127.0.1.5'), one), { inUse: false }, 'the third of a router that does proxy ARP')
  t.same(await as(ip('127.0.1.6'), one), { inUse: false })
  t.same(await as(ip('127.0.1.7'), other), { inUse: true, by: other })
})

t.test('256 hardware addresses are remembered', async t => {
  for (const [others, isRemembered] of [[255, true], [256, false]] as const) {
    const { as } = hosts(t)
    const router = mac('02:00:00:00:00:01')
    for (const last of [1, 2]) await as(ip('127.1.0.0') + last, router)
    await Promise.all(Array.from({ length: others }, (_, n) => as(ip('127.2.0.0') + n, macFromBytes(Buffer.from([2, 1, 0, 0, n >> 8, n])))))
    t.equal((await as(ip('127.1.0.3'), router)).inUse, !isRemembered, `after ${others} others`)
    if (!isRemembered) continue
    // The router has answered since: it is not the one that goes for another.
    await as(ip('127.3.0.0'), macFromBytes(Buffer.from([2, 2, 0, 0, 0, 0])))
    t.equal((await as(ip('127.1.0.4'), router)).inUse, false)
  }
})

t.test('closing answers what is asked still', async t => {
  const { probe } = hosts(t)
  const asked = probe.ask(ip('127.0.0.77'), testMac)
  await new Promise(resolve => setImmediate(resolve))
  probe.close()
  t.same(await asked, { inUse: false })
})

/** No datagram to it leaves: the kernel refuses it to a socket without SO_BROADCAST (EACCES). */
const nowhere = ip('255.255.255.255')

function playTime (t: Test, time: () => number): void {
  const { now } = performance
  t.teardown(() => { performance.now = now })
  performance.now = time
}

t.test('a hundred that are asked about at once have the table read once', async t => {
  let [time, reads] = [0, 0]
  playTime(t, () => time)
  // The machine that asks has each of them: nobody is asked.
  const read = async (): Promise<ReadonlyMap<string, Mac>> => {
    reads++
    return new Map(Array.from({ length: 100 }, (_, n) => [`10.0.0.${n}`, testMac]))
  }
  const probe = createConflictProbe({ read })
  t.teardown(() => { probe.close() })
  const askAll = async (): Promise<void> => { for (const answer of await Promise.all(Array.from({ length: 100 }, (_, n) => probe.ask(ip(`10.0.0.${n}`), testMac)))) t.same(answer, { inUse: false }) }
  await askAll()
  time += 39
  await askAll()
  t.equal(reads, 1)
  time += 1
  await askAll()
  t.equal(reads, 2, 'after 40 ms it is another look')
})

t.test('who was held while somebody answered looks at the table before it calls the address free', async t => {
  let [time, hardware]: [number, Mac | undefined] = [0, undefined]
  playTime(t, () => time)
  const probe = createConflictProbe({ read: async () => new Map(hardware === undefined ? [] : [['255.255.255.255', hardware]]) })
  t.teardown(() => { probe.close() })
  for (const by of [mac('02:00:00:00:00:01'), mac('02:00:00:00:00:02')]) {
    hardware = undefined
    time += 1000
    const asked = probe.ask(nowhere, testMac)
    await new Promise(resolve => setImmediate(resolve))
    time += 1000
    hardware = by
    t.same(await asked, { inUse: true, by }, 'at whichever look')
  }
})

t.test('what the table says later than at the first look', async t => {
  const [one, other] = [mac('02:00:00:00:00:01'), mac('02:00:00:00:00:02')]
  for (const [what, before, after, answer] of [
    ['another machine answered', undefined, other, { inUse: true, by: other }],
    ['the machine itself answered', undefined, testMac, { inUse: false }],
    ['another one in place of one that was there', one, other, { inUse: true, by: other }],
    ['one that was there before says nothing of now', one, one, { inUse: false }],
    ['nobody answered', undefined, undefined, { inUse: false }]
  ] as const) {
    let reads = 0
    // Time is what the looks take: a machine that is busy looks as often.
    playTime(t, () => reads * 40)
    const look = (): Mac | undefined => ++reads < 4 ? before : after
    const read = async (): Promise<ReadonlyMap<string, Mac>> => {
      const hardware = look()
      return new Map(hardware === undefined ? [] : [['255.255.255.255', hardware]])
    }
    for (const [which, options] of [['the table of all', { read }], ['the one address', { find: () => ({ mac: look() }), read: () => Promise.reject(new Error('read')) }]] as const) {
      reads = 0
      const probe = createConflictProbe(options)
      t.same(await probe.ask(nowhere, testMac), answer, `${what}: ${which}`)
      t.ok(reads >= 4, what)
      probe.close()
    }
  }
})

t.test('one look at a time, however long the table takes, and those after it see what comes then', async t => {
  let reads = 0
  let release = (): void => {}
  const read = (): Promise<ReadonlyMap<string, Mac>> => {
    reads++
    return reads === 2 ? new Promise(resolve => { release = () => { resolve(new Map()) } }) : Promise.resolve(new Map())
  }
  const slow = createConflictProbe({ read })
  const asked = slow.ask(nowhere, testMac)
  const other = createConflictProbe({ read: async () => new Map() })
  // Ten looks of another one.
  await other.ask(nowhere, testMac)
  t.equal(reads, 2)
  release()
  t.same(await asked, { inUse: false })
  t.same(await slow.ask(nowhere, testMac), { inUse: false }, 'and it asks again')
  slow.close()
  other.close()
})
