// Looks at the addresses of the server's own link that are given next, while no new machine comes (idle-looks.ts says at which), and sets
// those aside that somebody uses unasked.
import type { Clock, Timer } from '../base/clock.js'
import { unwaited } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { byWhom, type ConflictAnswer, type ConflictProbe } from '../net/conflict-probe.js'
import { contains, formatIpv4, type Ipv4 } from '../net/ipv4.js'
import { upcomingOn } from './allocate.js'
import type { DhcpEvent } from './dhcp-event.js'
import { idleEvery, isBelievable, mostIdle, mostSetAside, nextIdleLook } from './idle-looks.js'
import type { LeaseKeeper } from './lease-keeper.js'
import { isActive, type LeaseTable, nobody } from './leases.js'
import type { LooksAhead } from './looks-ahead.js'
import type { ProbePace } from './probe-pace.js'
import { ownOf, type ServerContext, setAside } from './server-decision.js'

export interface IdleWatchOptions {
  readonly probe: ConflictProbe
  readonly looks: LooksAhead<ConflictAnswer>
  readonly pace: ProbePace
  readonly table: LeaseTable
  readonly keeper: LeaseKeeper
  readonly clock: Clock
  readonly log: Logger
  readonly onEvent: (event: DhcpEvent) => void
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
    for (const { ip, answer } of answers) if (answer.inUse && !this.#isHolder(answer, ip) && this.#mayLeave) this.#leave(ip, answer)
  }

  get #mayLeave (): boolean {
    const { table, clock } = this.#options
    return table.ofMac(nobody).filter(lease => isActive(lease, clock.now())).length < mostSetAside
  }

  /** Who had the address last and has it still is to get it again when it asks. */
  #isHolder (answer: ConflictAnswer, ip: Ipv4): boolean {
    return answer.inUse && answer.by !== undefined && this.#options.table.get(ip)?.mac === answer.by
  }

  #leave (ip: Ipv4, answer: ConflictAnswer): void {
    const { looks, table, keeper, clock, log, onEvent } = this.#options
    // While the disk is full it is tried again with the next look at it, and told when it is kept.
    looks.drop(ip)
    keeper.keep(setAside(table.get(ip) ?? { ip }, nobody, clock.now())).then(() => {
      log.warn({ ip: formatIpv4(ip), by: byWhom(answer) }, 'dhcp.conflict')
      onEvent({ kind: 'lease', change: 'conflict', mac: (answer.inUse ? answer.by : undefined) ?? nobody, ip })
    }).catch(() => {})
  }
}
