// How long the event loop is held: no DISCOVER is answered meanwhile. Looked at a hundred times a second: a look that comes late by so
// much was held up for that long, and a packet that came in between for less. The same is taken in processor time, which tells what this
// program did from what the machine was busy with.
import type { Clock } from './clock.js'
import type { Metrics } from './metrics.js'

/** Milliseconds between two looks; a delay is what comes on top of them. */
const period = 10
const window = 1000
/** What nothing from outside may take, in seconds. */
const tooLong = 0.05
/** Looks that are made up for at most: a machine that slept says no more than one that stood still for ten seconds. */
const mostMissed = 1000

/**
 * `threadSeconds` is the processor time that this thread has taken, `steady` milliseconds of a clock that nobody sets. Gives what ends
 * the watching.
 */
export function watchEventLoop (metrics: Metrics, clock: Clock, threadSeconds: () => number, steady = () => performance.now()): () => void {
  const delays = metrics.histogram('event_loop_delay_seconds', 'Time that something which arrived waited for the event loop, by looks at it every 10 ms')
  let longest = 0
  let worst = 0
  let seconds = 0
  let held = 0
  let most = 0
  let last = steady()
  let computed = threadSeconds()
  const look = clock.every(period, () => {
    const [now, computedNow] = [steady(), threadSeconds()]
    let delay = Math.max(0, now - last - period)
    worst = Math.max(worst, delay / 1000)
    // In the milliseconds between two looks it may have been busy with many small things.
    most = Math.max(most, computedNow - computed - period / 1000)
    last = now
    computed = computedNow
    // Also for the looks that there would have been meanwhile: one long hold keeps many waiting.
    for (let looks = 0; looks === 0 || (delay > 0 && looks < mostMissed); looks++) {
      delays.observe(delay / 1000)
      delay -= period
    }
  })
  const timer = clock.every(window, () => {
    longest = Math.max(longest, worst)
    seconds++
    if (worst > tooLong) held++
    worst = 0
  })
  metrics.gauge('event_loop_delay_max_seconds', 'The longest that the event loop was held since the program began to listen', () => longest)
  metrics.gauge('event_loop_cpu_max_seconds', 'The most processor time that the program held the event loop for at once, since it began to listen', () => most)
  metrics.counter('event_loop_seconds_total', 'Seconds in which the event loop was watched', () => seconds)
  metrics.counter('event_loop_held_seconds_total', 'Seconds of them in which it was held for more than 50 ms at once', () => held)
  return () => {
    timer.cancel()
    look.cancel()
  }
}
