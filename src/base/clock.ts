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

/** The longest that a timer of Node can wait, in milliseconds: one that is to wait longer fires at once. */
const longestTimer = 2 ** 31 - 1

function after (milliseconds: number, fire: () => void): Timer {
  let handle: NodeJS.Timeout
  const wait = (left: number): void => {
    handle = setTimeout(() => {
      if (left > longestTimer) wait(left - longestTimer)
      else fire()
    }, Math.min(left, longestTimer)).unref()
  }
  wait(milliseconds)
  return { cancel: () => { clearTimeout(handle) } }
}

function every (milliseconds: number, fire: () => void): Timer {
  if (milliseconds > longestTimer) {
    const again = (): Timer => after(milliseconds, () => {
      next = again()
      fire()
    })
    let next = again()
    return { cancel: () => { next.cancel() } }
  }
  const handle = setInterval(fire, milliseconds).unref()
  return { cancel: () => { clearInterval(handle) } }
}

export const systemClock: Clock = { now: () => Date.now(), after, every }
