// The time and timers, behind an interface that tests wind by hand. Times are milliseconds since the epoch.

export interface Timer {
  cancel: () => void
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now: () => number
  /** Calls `fire` once, `milliseconds` from now, unless cancelled. A pending timer keeps no process alive. */
  after: (milliseconds: number, fire: () => void) => Timer
  /** Calls `fire` again and again, every `milliseconds`, until cancelled. */
  every: (milliseconds: number, fire: () => void) => Timer
}

/** Milliseconds that a provisioner's clock may be off from the true time; those of two from each other twice as much. */
export const clockSkew = 90_000

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, fire) => {
    const handle = setTimeout(fire, milliseconds).unref()
    return { cancel: () => { clearTimeout(handle) } }
  },
  every: (milliseconds, fire) => {
    const handle = setInterval(fire, milliseconds).unref()
    return { cancel: () => { clearInterval(handle) } }
  }
}
