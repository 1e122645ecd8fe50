// What goes wrong in a fleet, by seed, and how long it is left to it.
import type { FleetClient } from './dhcp-client.js'
import { Fleet, type FleetFault, type FleetResult, minute, type Provisioner, second } from './fleet.js'

/** One thing that goes wrong, for a while. */
type Trouble = (fleet: Fleet) => void

/** Only in fleets that are hostile. */
const hostile: ReadonlySet<string> = new Set(['etcd full', 'release that is read late'])

const upAgain = (fleet: Fleet, one: Provisioner, after: number): void => { fleet.time.after(after, () => { if (!one.process.alive) fleet.start(one) }) }

const troubles: Readonly<Record<string, Trouble>> = {
  killed: fleet => {
    const one = fleet.pick(fleet.provisioners)
    fleet.note(`${one.name} is killed`)
    fleet.kill(one)
    upAgain(fleet, one, 2 * second + fleet.random() * 40 * second)
  },
  restarted: fleet => {
    const one = fleet.pick(fleet.provisioners)
    if (!one.process.alive) return
    fleet.note(`${one.name} is restarted`)
    void one.stop().catch(() => {})
    fleet.time.after(3 * second, () => { fleet.kill(one) })
    upAgain(fleet, one, 4 * second)
  },
  stopped: fleet => {
    const one = fleet.pick(fleet.provisioners)
    const time = fleet.random() * 50 * second
    fleet.note(`${one.name} is stopped for ${time.toFixed(0)} ms`)
    fleet.stop(one, time)
  },
  'cut off from etcd': fleet => {
    const one = fleet.pick(fleet.provisioners)
    const members = fleet.random() < 0.5 ? [0, 1, 2] : [Math.floor(fleet.random() * 3)]
    fleet.note(`${one.name} is cut off from etcd ${members.join(' ')}`)
    for (const member of members) one.reachesEtcd[member] = false
    fleet.time.after(5 * second + fleet.random() * 60 * second, () => { for (const member of members) one.reachesEtcd[member] = true })
  },
  'cut off from machines': fleet => {
    const one = fleet.pick(fleet.provisioners)
    fleet.note(`${one.name} is cut off from machines`)
    one.reachesMachines = false
    fleet.time.after(5 * second + fleet.random() * 60 * second, () => { one.reachesMachines = true })
  },
  member: fleet => {
    const n = Math.floor(fleet.random() * 3)
    fleet.note(`member ${n} of etcd dies`)
    fleet.etcd.members[n] = fleet.random() < 0.5 ? 'down' : 'stopped'
    fleet.time.after(2 * second + fleet.random() * 30 * second, () => { fleet.etcd.members[n] = 'up' })
  },
  'etcd away': fleet => {
    fleet.note('etcd is away')
    fleet.etcd.members.fill(fleet.random() < 0.5 ? 'down' : 'stopped')
    fleet.time.after(10 * second + fleet.random() * 110 * second, () => { fleet.etcd.members.fill('up') })
  },
  'etcd full': fleet => {
    fleet.note('etcd has no space')
    fleet.etcd.isFull = true
    fleet.time.after(10 * second + fleet.random() * 110 * second, () => { fleet.etcd.isFull = false })
  },
  compaction: fleet => {
    fleet.note('etcd is compacted')
    fleet.etcd.compact()
  },
  lossy: fleet => {
    fleet.loss = 0.3
    fleet.time.after(20 * second, () => { fleet.loss = 0.05 })
  },
  reboot: fleet => { fleet.anyClient()?.start() },
  // Whole rooms lose their power.
  'many reboot': fleet => { for (const client of fleet.clients) if (client.state !== 'off' && fleet.random() < 0.6) client.start() },
  release: fleet => { fleet.anyClient()?.release() },
  // Who was stopped reads it when the machine has long been given an address by another.
  'release that is read late': fleet => {
    const client = fleet.anyClient()
    const one = fleet.provisioners.find(({ address }) => address === client?.held?.server)
    if (client?.state !== 'bound' || one === undefined) return
    const time = 2 * second + fleet.random() * 20 * second
    fleet.note(`${one.name} is stopped for ${time.toFixed(0)} ms, and ${client.mac} gives back what it has from it`)
    fleet.stop(one, time)
    client.release()
    fleet.time.after(fleet.random() * 5 * second, () => { client.start() })
  }
}

/** The first program of a machine's boot has an address, whose provisioner falls silent before the next program asks; the others hear late of it. */
function dieBetweenPrograms (fleet: Fleet, client: FleetClient): void {
  for (const one of fleet.provisioners) one.lateness = fleet.random() * 3 * second
  fleet.time.after(20 * second, () => { for (const one of fleet.provisioners) one.lateness = 0 })
  fleet.time.after(second + fleet.random() * 1.5 * second, () => {
    const one = fleet.provisioners.find(({ address }) => address === client.held?.server)
    if (one === undefined) return
    fleet.note(`${one.name} is stopped, and the next program of ${client.text} begins`)
    fleet.stop(one, 5 * second + fleet.random() * 15 * second)
    client.start()
  })
}

/**
 * Nine minutes of a fleet: in the first five anything may happen, and at the end nothing is amiss any more. Every fifth seed is of 25 minutes,
 * in which the addresses of machines that left are given to others, with trouble at that time too.
 */
export async function runFleet (seed: number, fault: FleetFault = {}, isHostile = false): Promise<FleetResult> {
  const fleet = new Fleet(seed, fault, isHostile)
  const { time } = fleet
  const began = time.now
  fleet.loss = 0.05
  for (const one of fleet.provisioners) time.after(fleet.random() * 3 * second, () => { fleet.start(one) })
  const isLong = seed % 5 === 0
  for (let n = 0; n < 12; n++) {
    time.after(fleet.random() * 60 * second, () => {
      const client = fleet.addClient()
      client.start()
      if (isHostile && fleet.random() < 0.3) dieBetweenPrograms(fleet, client)
    })
  }
  const during = (from: number, to: number, count: number, what: () => void): void => {
    for (let n = 0; n < count; n++) time.after(from + fleet.random() * (to - from), what)
  }
  const trouble = (): void => {
    const name = fleet.pick(Object.keys(troubles).filter(one => isHostile || !hostile.has(one)))
    if (fleet.clients.length > 0) troubles[name]!(fleet)
  }
  during(10 * second, 5 * minute, 8, trouble)
  if (isLong) {
    // Some go without a word, and others come, for whom there is no room until the addresses of those are free again.
    during(2 * minute, 4 * minute, 6, () => {
      const client = fleet.anyClient()
      fleet.note(`${client?.text} is gone`)
      client?.stop()
    })
    during(4 * minute, 6 * minute, 8, () => { fleet.addClient().start() })
    during(14 * minute, 19 * minute, 8, trouble)
  }
  const well = isLong ? 20 * minute : 5.5 * minute
  time.after(well, () => {
    fleet.note('all is well')
    fleet.loss = 0
    fleet.etcd.members.fill('up')
    fleet.etcd.isFull = false
    for (const one of fleet.provisioners) {
      one.reachesMachines = true
      one.reachesEtcd.fill(true)
    }
  })
  await time.run(began + well + (isLong ? 5 : 3.5) * minute)
  fleet.judge()
  for (const one of fleet.provisioners) fleet.kill(one)
  return fleet.result
}
