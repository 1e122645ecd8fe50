// How long the event loop was held: while it is, no DISCOVER is answered. Read from Node's own histogram once a second; and the same
// in processor time, which tells what this program held it for from what the machine did meanwhile.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock } from './clock.js'
import type { Metrics } from './metrics.js'

/** Milliseconds between the samples; a delay is what comes on top of them. */
const resolution = 10
const window = 1000
/** What nothing from outside may take, in seconds. */
const tooLong = 0.05

/** `threadSeconds` is the processor time that this thread has taken. Gives what ends the watching. */
export function watchEventLoop (metrics: Metrics, clock: Clock, threadSeconds: () => number): () => void {
  const delays = monitorEventLoopDelay({ resolution })
  delays.enable()
  let longest = 0
  let seconds = 0
  let held = 0
  const timer = clock.every(window, () => {
    const worst = Math.max(0, delays.max / 1e9 - resolution / 1000)
    delays.reset()
    longest = Math.max(longest, worst)
    seconds++
    if (worst > tooLong) held++
  })
  let before = threadSeconds()
  let most = 0
  const look = clock.every(resolution, () => {
    const now = threadSeconds()
    // In the milliseconds between two looks it may have been busy with many small things.
    most = Math.max(most, now - before - resolution / 1000)
    before = now
  })
  metrics.gauge('event_loop_delay_max_seconds', 'The longest that the event loop was held since the program began to listen', () => longest)
  metrics.gauge('event_loop_cpu_max_seconds', 'The most processor time that the program held the event loop for at once, since it began to listen', () => most)
  metrics.counter('event_loop_seconds_total', 'Seconds in which the event loop was watched', () => seconds)
  metrics.counter('event_loop_held_seconds_total', 'Seconds of them in which it was held for more than 50 ms at once', () => held)
  return () => {
    timer.cancel()
    look.cancel()
    delays.disable()
  }
}
