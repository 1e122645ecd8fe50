// A fleet of three provisioners and its machines on a played network, clock and etcd, by seed: losses, delays, doubled messages, partitions, kills,
// stops, restarts, clocks that are off, compactions. No address is given to two machines, no machine is bound to two addresses, no holder is refused,
// nothing that was acknowledged is forgotten, and in the end everybody has an address. FLEET_SEEDS=FIRST[-LAST] runs others, and FLEET_TRACE=1 tells what happened.
// FLEET_HOSTILE=1: sockets are read in either order after a stop, and news comes late; a few such fleets are run always.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import type { LeaseStore } from '../../src/dhcp/lease-store.js'
import type { FleetFault, FleetResult } from '../helpers/fleet/fleet.js'
import { type FleetTold, runFleets } from '../helpers/fleet/many-fleets.js'
import { runFleet } from '../helpers/fleet/run-fleet.js'
import { inCiOrByHand } from '../helpers/how-many.js'

const [first, last] = (process.env['FLEET_SEEDS'] ?? `1-${inCiOrByHand(1000, 100)}`).split('-').map(Number) as [number, number?]
const [isHostile, isTraced] = [process.env['FLEET_HOSTILE'] !== undefined, process.env['FLEET_TRACE'] !== undefined]
t.setTimeout(1_800_000)

/** Of all that happens in the fleets of seeds 1 to 100. Another one is right after a change of what they do, and wrong after any other. */
const hundred = '753c771c764a17b8'

t.test('a thousand fleets, a hundred by hand', async t => {
  const broken: FleetTold[] = []
  let digest: string | undefined
  const before = process.cpuUsage()
  await runFleets({ first, last: last ?? first, isHostile, isTraced }, told => {
    if (told.broken.length > 0) broken.push(told)
    if (isTraced) t.comment(told.trace.join('\n'))
    if (told.seed === 100) digest = told.digest
  })
  const { user, system } = process.cpuUsage(before)
  t.comment(`${((user + system) / 1e6).toFixed(1)} s of CPU`)
  for (const { seed, broken: words } of broken.slice(0, 10)) t.fail(`FLEET_SEEDS=${seed}: ${words.join('; ')}`)
  t.equal(broken.length, 0, `of ${(last ?? first) - first + 1} seeds`)
  if (first === 1 && !isHostile && digest !== undefined) t.equal(digest.slice(0, 16), hundred, 'what happens in the first hundred')
})

t.test('what ends the thread of fleets is told with its seed', async t => {
  const folder = t.testdir({
    'throws.mjs': `import { workerData } from 'node:worker_threads'
      workerData.at[0]++
      Promise.reject(new Error('an answer without a question'))`,
    'ends.mjs': 'process.exit(3)'
  })
  const seeds = { first: 7, last: 9, isHostile: false, isTraced: false }
  const running = (name: string): Promise<void> => runFleets(seeds, () => {}, pathToFileURL(join(folder, name)))
  await t.rejects(running('throws.mjs'), { message: 'FLEET_SEEDS=8: an answer without a question' })
  await t.rejects(running('ends.mjs'), { message: 'FLEET_SEEDS=7: the thread ended with 3' })
})

/**
 * 473: a provisioner that was stopped reads that its offer is taken, when the machine has gone on to another's. 272: a machine goes on to another's offer
 * while this one's is still being written, and its refusal was not told to the table. 955: a RELEASE that is read while etcd takes nothing.
 */
const hostileSeeds = [272, 473, 955, 1, 2, 3, 4, 6, 7, 8, 9]

t.test('a few whose provisioners hear late and read their sockets in either order', async t => {
  const before = process.cpuUsage()
  for (const seed of hostileSeeds) t.same((await runFleet(seed, {}, true)).broken, [], `FLEET_HOSTILE=1 FLEET_SEEDS=${seed}`)
  const { user, system } = process.cpuUsage(before)
  t.comment(`${((user + system) / 1e6).toFixed(1)} s of CPU`)
})

t.test('a seed repeats to the letter', async t => {
  for (const seed of [5, 7]) {
    const [one, again] = [await runFleet(seed), await runFleet(seed)]
    t.same(again.trace, one.trace)
    t.ok(one.trace.length > 100)
  }
  t.notSame((await runFleet(6)).trace, (await runFleet(7)).trace)
})

/** As the real one, but for what is given. */
const leasesWith = (other: (store: LeaseStore) => Partial<LeaseStore>) => (store: LeaseStore): LeaseStore => ({
  load: now => store.load(now),
  propose: proposal => store.propose(proposal),
  promisedUntil: (ip, mac, now, reserved) => store.promisedUntil!(ip, mac, now, reserved),
  settle: ip => store.settle!(ip),
  close: () => store.close(),
  ...other(store)
})

interface Mutant {
  readonly fault: FleetFault
  /** One that has found it; others are tried when it does not any more. */
  readonly seed: number
  /** What is seen of it. */
  readonly broken: RegExp
}

const twice = /was given to .* while .* holds it/

const mutants: Readonly<Record<string, Mutant>> = {
  'transactions that compare nothing': { fault: { ignoresComparisons: () => true }, seed: 9, broken: twice },
  'a key of the address that is not compared': { fault: { ignoresComparisons: key => key.startsWith('/f/leases/') }, seed: 15, broken: twice },
  'a key of the machine that is not compared': { fault: { ignoresComparisons: key => key.startsWith('/f/bindings/') }, seed: 9, broken: /was bound to .* while it is to/ },
  'an ACK that does not wait for etcd': {
    fault: {
      leases: leasesWith(store => ({
        propose: async proposal => {
          store.propose(proposal).catch(() => {})
          return { kind: 'kept' }
        }
      }))
    },
    seed: 10,
    broken: twice
  },
  'a RELEASE that counts however late it is read': {
    fault: { leases: leasesWith(store => ({ propose: async proposal => await store.propose({ ...proposal, givenBack: false }) })) },
    seed: 5,
    broken: /holds an address that etcd has for|was given to .* while .* holds it/
  },
  'a NAK by what is known, without asking etcd': { fault: { leases: leasesWith(() => ({ settle: async () => {} })) }, seed: 11, broken: /was refused it/ },
  'no grace after the end of a lease, while clocks are off': { fault: { grace: 0 }, seed: 20, broken: twice },
  'what etcd away may promise, to anybody': {
    fault: {
      leases: leasesWith(store => ({
        promisedUntil: (ip, mac, now, reserved) => store.promisedUntil!(ip, mac, now, reserved) === undefined ? undefined : now + 600_000,
        propose: async proposal => await store.propose(proposal).catch(() => ({ kind: 'kept' as const }))
      }))
    },
    seed: 2,
    broken: twice
  },
  'a store that answers nothing any more after one failure': {
    fault: {
      leases: leasesWith(store => {
        let hangs = false
        return {
          propose: async proposal => {
            if (hangs) await new Promise(() => {})
            try {
              return await store.propose(proposal)
            } catch (error) {
              hangs = true
              throw error
            }
          }
        }
      })
    },
    seed: 7,
    broken: /has no address in the end/
  }
}

for (const [name, { fault, seed, broken }] of Object.entries(mutants)) {
  t.test(`found: ${name}`, async t => {
    let found: FleetResult | undefined
    for (let tries = 0; tries <= 200 && found === undefined; tries++) {
      const result = await runFleet(tries === 0 ? seed : tries, fault, true)
      if (result.broken.some(words => broken.test(words))) found = result
    }
    t.ok(found, 'a fleet with a broken protocol is seen to be broken')
    if (found === undefined) return
    t.comment(`seed ${found.seed}: ${found.broken.find(words => broken.test(words)) ?? ''}`)
    t.same((await runFleet(found.seed, fault, true)).broken, found.broken, 'and again by the same seed')
  })
}
