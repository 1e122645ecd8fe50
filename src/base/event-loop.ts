// How long the event loop was held: while it is, no DISCOVER is answered. Read from Node's own histogram once a second.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock } from './clock.js'
import type { Metrics } from './metrics.js'

/** Milliseconds between the samples; a delay is what comes on top of them. */
const resolution = 10
const window = 1000
/** What nothing from outside may take, in seconds. */
const tooLong = 0.05

/** Gives what ends the watching. */
export function watchEventLoop (metrics: Metrics, clock: Clock): () => void {
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
  metrics.gauge('event_loop_delay_max_seconds', 'The longest that the event loop was held since the program began to listen', () => longest)
  metrics.counter('event_loop_seconds_total', 'Seconds in which the event loop was watched', () => seconds)
  metrics.counter('event_loop_held_seconds_total', 'Seconds of them in which it was held for more than 50 ms at once', () => held)
  return () => {
    timer.cancel()
    delays.disable()
  }
}
