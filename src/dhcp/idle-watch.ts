// Looks at the addresses of the server's own link that are given next, while no new machine comes (idle-looks.ts says at which), and sets
// those aside that somebody uses unasked.
import type { Timer } from '../base/clock.js'
import { unwaited } from '../base/errors.js'
import type { ConflictProbe } from '../net/conflict-probe.js'
import { contains, type Ipv4 } from '../net/ipv4.js'
import { upcomingOn } from './allocate.js'
import { idleEvery, mostIdle, nextIdleLook } from './idle-looks.js'
import { nobody } from './leases.js'
import type { ProbePace } from './probe-pace.js'
import { isBelievable } from './probe-trust.js'
import { ownOf, type ServerContext } from './server-decision.js'
import { leaveUsed, type UsedAddressesOptions } from './used-addresses.js'

export interface IdleWatchOptions extends UsedAddressesOptions {
  readonly probe: ConflictProbe
  readonly pace: ProbePace
  readonly context: () => ServerContext
  /** Whether this server gives the addresses of its link, alone, and has nothing else to do. */
  readonly isIdle: () => boolean
}

export class IdleWatch {
  readonly #options: IdleWatchOptions
  readonly #timer: Timer

  constructor (options: IdleWatchOptions) {
    this.#options = options
    this.#timer = options.clock.every(idleEvery, () => { this.#look() })
  }

  close (): void { this.#timer.cancel() }

  /** What machines get next that ask without a relay agent: of a network behind a router nobody is asked while nobody boots there. */
  #upcoming (): readonly Ipv4[] {
    const state = this.#options.context()
    const near = state.subnets.filter(({ subnet }) => ownOf(state).some(ip => contains(subnet, ip)))
    return upcomingOn(near, state, mostIdle)
  }

  #look (): void {
    const { probe, looks, pace, table, clock, isIdle } = this.#options
    const now = clock.now()
    if (!isIdle() || looks.room(now) <= 0) return
    const ip = nextIdleLook(this.#upcoming(), address => looks.begunAt(address), now)
    if (ip === undefined || pace.ahead(now, 1) === 0) return
    unwaited(looks.begin(ip, now, table.get(ip), probe.ask(ip, nobody), true).over.then(() => { this.#conclude() }))
  }

  /** Sets aside what is in use, as far as that is believed. */
  #conclude (): void {
    const answers = this.#options.looks.answers(this.#upcoming(), this.#options.clock.now())
    if (!isBelievable(answers)) return
    leaveUsed(answers, this.#options)
  }
}
