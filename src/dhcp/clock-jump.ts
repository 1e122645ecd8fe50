// Notices a wall clock that was set: by how much it went on against a clock that nobody sets. A server without a battery
// starts in 1970 and is put right by NTP; a virtual machine that was suspended wakes up in the past.

/** Milliseconds that the two may drift apart between two looks: NTP slews slowly, and steps beyond an eighth of a second. */
const tolerated = 5000

export class ClockJump {
  #wall: number
  #steady: number

  /** Both in milliseconds: since the epoch, and since whenever. */
  constructor (wall: number, steady: number) {
    this.#wall = wall
    this.#steady = steady
  }

  /** By how many milliseconds the wall clock was set since the last look; 0 when it only went on. */
  look (wall: number, steady: number): number {
    const jump = (wall - this.#wall) - (steady - this.#steady)
    this.#wall = wall
    this.#steady = steady
    return Math.abs(jump) > tolerated ? jump : 0
  }
}
