// Fleets of many seeds, one after the other, in a thread of their own: tap follows every promise of the thread that it is in, and a fleet
// is made of promises.
import { Worker } from 'node:worker_threads'
import { typescript } from '../typescript.js'

export interface ManyFleets {
  readonly first: number
  readonly last: number
  readonly isHostile: boolean
  /** Whether what happened is told as well. */
  readonly isTraced: boolean
}

/** What the thread is given. */
export interface FleetsTask extends ManyFleets {
  /** One number, the seed that it is at: what ends a thread may come before its last message. */
  readonly at: Int32Array
}

/** Of one seed. */
export interface FleetTold {
  readonly seed: number
  readonly broken: readonly string[]
  /** Empty unless asked for. */
  readonly trace: readonly string[]
  /** Of what happened in all fleets so far, this one included: sha256, hexadecimal. */
  readonly digest: string
}

/** Resolves when all ran; rejects with the seed of one that ends the thread. `entry` is the thread's program. */
export async function runFleets (
  fleets: ManyFleets, onTold: (told: FleetTold) => void, entry = new URL('./fleets-thread.ts', import.meta.url)
): Promise<void> {
  const at = new Int32Array(new SharedArrayBuffer(4)).fill(fleets.first)
  const task: FleetsTask = { ...fleets, at }
  const thread = new Worker(entry, { workerData: task, execArgv: [typescript] })
  try {
    await new Promise<void>((resolve, reject) => {
      thread.on('message', (told: FleetTold) => {
        onTold(told)
        if (told.seed === fleets.last) resolve()
      })
      thread.on('error', cause => { reject(new Error(`FLEET_SEEDS=${at[0]}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })) })
      thread.on('exit', code => { reject(new Error(`FLEET_SEEDS=${at[0]}: the thread ended with ${code}`)) })
    })
  } finally {
    await thread.terminate()
  }
}
