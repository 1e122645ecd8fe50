// Collects garbage where V8 itself would keep it until as much has come anew, which in an idle service takes minutes to days: once after
// the start and before anybody is served (texts, lines and records of what was read), and when a rush of connections is over.
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from './clock.js'

/** Holds everything up for as long as it takes: some 50 ms with 10,000 groups and machines. */
export function collectGarbage (): void {
  // A context has the function when the flag is set while it is made; nobody else is to see it.
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  setFlagsFromString('--no-expose-gc')
  collect()
}

/** In percent of what is alive; the engine's own choice is two to four times as much where a lot is made anew. */
const growth = 50

/**
 * Has the heap collected when it has grown by half since the last time. What strangers make the program forget again would otherwise stay
 * until it is a multiple of what is in use: in a hostile minute 143 MiB, of which 35 to 65 were alive.
 */
export function collectSooner (): void { setFlagsFromString(`--heap-growing-percent=${growth}`) }

/** Octets that V8 lets grow outside of its heap before it begins a collection by itself, and some more. */
const pressure = 80 * 2 ** 20

/**
 * Begins a collection in steps, which V8 takes between turns of the event loop. There is no call for it: what begins one is memory
 * that is taken outside of the heap. Nothing is written to it, so that the system has none to give.
 */
export function collectInSteps (): void {
  try {
    Buffer.allocUnsafeSlow(pressure)
  } catch {
    // Where memory is that scarce V8 collects for its own sake.
  }
}

export interface GarbageWatch {
  readonly clock: Clock
  /** Octets in use, alive or not. */
  readonly used?: () => number
  /** Octets that the process has of the system; 0 where nobody knows: then what the first rush left is given back, and no more. */
  readonly resident: () => number
  readonly collect?: () => void
  /** Gives the system what was freed; the C library keeps it else. */
  readonly giveBack: () => void
}

const lookEvery = 10_000
/** Octets: less is not worth the work. */
const much = 64 * 2 ** 20
/** Octets by which what is in use may differ between two looks while nothing goes on. */
const still = 8 * 2 ** 20

/**
 * Has collected and given back what a rush left, when it is over: 10,500 connections from 200 addresses left 400 MiB for more than a
 * minute, and most of it to the C library after that. While a rush goes on V8 collects by itself. Gives what ends the watching.
 */
export function watchGarbage ({ clock, used = usedNow, resident, collect = collectInSteps, giveBack }: GarbageWatch): () => void {
  let last = used()
  let least = last
  /** What is resident and not in use: the program itself, and what can't be given back. */
  let kept = resident() - last
  let isCollected = false
  const timer = clock.every(lookEvery, () => {
    const now = used()
    const isStill = Math.abs(now - last) < still
    last = now
    if (isCollected) least = now
    const isGarbage = isStill && !isCollected && now - least > much
    isCollected = isGarbage
    least = Math.min(least, now)
    if (isGarbage) {
      collect()
    } else if (isStill && resident() - now - kept > much) {
      giveBack()
      kept = resident() - now
    }
  })
  return () => { timer.cancel() }
}

function usedNow (): number {
  const { used_heap_size: heap, external_memory: outside } = getHeapStatistics()
  return heap + outside
}
