// The thread of many-fleets.
import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import type { FleetsTask, FleetTold } from './many-fleets.js'
import { runFleet } from './run-fleet.js'

const { first, last, isHostile, isTraced, at } = workerData as FleetsTask
const hash = createHash('sha256')
for (let seed = first; seed <= last; seed++) {
  at[0] = seed
  const { broken, trace } = await runFleet(seed, {}, isHostile)
  hash.update(trace.join('\n'))
  const told: FleetTold = { seed, broken, trace: isTraced ? trace : [], digest: hash.copy().digest('hex') }
  parentPort!.postMessage(told)
}
