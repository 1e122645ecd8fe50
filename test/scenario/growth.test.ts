// What a machine is answered costs the same whoever else there is: by what is looked at, counted, and not by time.
import t from 'tap'
import { allocate } from '../../src/dhcp/allocate.js'
import { type Lease, LeaseTable } from '../../src/dhcp/leases.js'
import { buildReservations } from '../../src/dhcp/reservation-table.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import type { Group } from '../../src/matchbox/group.js'
import type { Mac } from '../../src/net/mac.js'
import { ip, subnet } from '../helpers/dhcp.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'

const macOf = (n: number): Mac => `52:54:00:00:${[n >> 8, n & 255].map(octet => octet.toString(16).padStart(2, '0')).join(':')}` as Mac
const asked = 20

/** Groups that count how often somebody looks at what they select. */
function countedGroups (size: number): { readonly groups: readonly Group[], readonly looks: () => number } {
  let looks = 0
  const counted = (group: Group): Group => ({ ...group, get selector () { looks++; return group.selector } })
  return {
    groups: Array.from({ length: size }, (_, n) => counted(makeGroup({ id: `g${n}`, selector: { mac: macOf(n) } }))),
    looks: () => {
      const before = looks
      looks = 0
      return before
    }
  }
}

t.test('a script looks at as many groups of ten thousand as of a hundred, also after one of them is written', async t => {
  const of = async (size: number): Promise<{ readonly first: number, readonly again: number, readonly afterPut: number }> => {
    const { groups, looks } = countedGroups(size)
    const store = new MemoryStore({ groups, profiles: [makeProfile({ id: 'p', boot: { kernel: '/k', initrd: [], args: [] } })] })
    const provisioner = createProvisioner({ store })
    const render = (): void => {
      for (let n = 0; n < asked; n++) {
        const mac = macOf(n * (size / asked))
        const { body, group } = provisioner.render('ipxe', { labels: new Map([['mac', mac]]), rawQuery: `mac=${mac}`, client: undefined })
        if (body === undefined || group?.id !== `g${n * (size / asked)}`) throw new Error(`nothing for ${mac}`)
      }
    }
    render()
    const first = looks()
    render()
    const again = looks()
    await store.putGroup({ ...groups[1]!, name: 'another' })
    looks()
    render()
    return { first, again, afterPut: looks() }
  }
  const [few, many] = [await of(100), await of(10_000)]
  t.ok(many.first >= 10_000, 'whoever comes first has them all read, and is counted')
  t.equal(many.again, few.again)
  t.equal(many.afterPut, few.afterPut)
})

/* eslint-disable no-extend-native -- for as long as the work takes */
/** How often anything is looked for in a map or a set while `work` is done. */
function looksIn (work: () => void): number {
  let looks = 0
  const own = { mapGet: Map.prototype.get, mapHas: Map.prototype.has, setHas: Set.prototype.has }
  Map.prototype.get = function (this: Map<unknown, unknown>, key) { looks++; return own.mapGet.call(this, key) }
  Map.prototype.has = function (this: Map<unknown, unknown>, key) { looks++; return own.mapHas.call(this, key) }
  Set.prototype.has = function (this: Set<unknown>, key) { looks++; return own.setHas.call(this, key) }
  try {
    work()
  } finally {
    Map.prototype.get = own.mapGet
    Map.prototype.has = own.mapHas
    Set.prototype.has = own.setHas
  }
  return looks
}
/* eslint-enable no-extend-native */

t.test('an address is found among ten thousand leases with as many looks as among a hundred', t => {
  const here = subnet('10.64.0.0/16', '10.64.1.0-10.64.200.250')
  const of = (size: number): number => {
    const leases = new LeaseTable()
    for (let n = 0; n < size; n++) leases.set({ ip: ip('10.64.1.0') + n, mac: macOf(n), state: 'bound', since: 0, expires: 2 } satisfies Lease)
    const state = { now: 1, server: ip('10.64.0.1'), leases, reservations: buildReservations([], [here], ip('10.64.0.1')), unknownClients: 'allow' } as const
    const take = (n: number): void => {
      const mac = macOf(60_000 + n)
      const found = allocate(mac, undefined, [here], state)
      if ('refused' in found) throw new Error(found.refused)
      leases.set({ ip: found.ip, mac, state: 'offered', since: 1, expires: 2 })
    }
    // Whoever comes first may look for where the free ones begin.
    take(0)
    return looksIn(() => { for (let n = 1; n <= asked; n++) take(n) })
  }
  const [few, many] = [of(100), of(10_000)]
  t.ok(few >= asked)
  t.ok(many <= few * 1.5, `${few} and ${many} looks`)
  t.end()
})
