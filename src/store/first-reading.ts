// The first reading of a data folder, while nobody is served yet: file after file, for as long as the disk is quick.
import { setImmediate } from 'node:timers/promises'

export const readsAtOnce = 64
/**
 * Milliseconds a file at most for which the start reads file after file and waits: a disk that is this quick has read 10,000 of them
 * before as many promises are made (measured: 0.3 s of CPU instead of 1.1). From one that is slower several are read at a time.
 */
const quick = 2

export interface FirstReading {
  /** What a link leads to may be on a disk that does not answer, or no file. */
  readonly isLinked: (file: string) => boolean
  /** At once; false while something else is done to it. */
  readonly readNow: (file: string) => boolean
  readonly read: (file: string) => Promise<void>
}

export async function readFirst (files: readonly string[], { isLinked, readNow, read }: FirstReading): Promise<void> {
  /** Batches that are read side by side, since one was slow; twice as many after the next that is: the machine may only be busy. */
  let [aside, penalty] = [0, 1]
  for (let i = 0; i < files.length; i += readsAtOnce) {
    const batch = files.slice(i, i + readsAtOnce)
    if (aside-- > 0) {
      await Promise.all(batch.map(read))
      continue
    }
    const began = performance.now()
    const busy = batch.filter(file => isLinked(file) || !readNow(file))
    if (performance.now() - began > quick * readsAtOnce) [aside, penalty] = [penalty, penalty * 2]
    for (const file of busy) await read(file)
    await setImmediate()
  }
}
