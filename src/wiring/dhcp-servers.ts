// What the DHCP servers of all interfaces share: subnets and reservations, read once and watched for all; and who ends a lease.
import { counted } from '../base/units.js'
import { LoopShare } from '../base/loop-share.js'
import type { DhcpServer } from '../dhcp/dhcp-server.js'
import type { DhcpSettings } from '../dhcp/server-settings.js'
import { ReservationTable } from '../dhcp/reservation-table.js'
import type { ReservationChanges } from '../dhcp/reservation-watch.js'
import type { HttpNames } from '../loaders/shim-image.js'
import type { GroupMachines } from '../matchbox/group-machines-index.js'
import type { Ipv4 } from '../net/ipv4.js'
import type { AddressClaims } from '../machines/address-claims.js'
import { currentBoot } from './boot.js'
import type { OnClose } from './closing.js'
import { dhcpSubnets } from './dhcp-settings.js'
import type { Ground } from './ground.js'
import type { Home } from '../dhcp/homes.js'
import { followReservations } from './reservation-sources.js'

/** Lines of refused reservations that one reading may give. */
const mostTold = 100

export type SettingsFor = (home: Home) => DhcpSettings

interface SettingsParts extends Pick<Ground, 'loaded' | 'config' | 'store' | 'clock' | 'log' | 'homes'> {
  readonly groupMachines: GroupMachines
  readonly httpNames: HttpNames
  readonly addressClaims: AddressClaims
  readonly onClose: OnClose
}

export class DhcpServers {
  #refused: readonly string[] = []
  readonly #running = new Map<DhcpServer, Home>()
  #opening: Promise<void> | undefined
  #settings: SettingsFor | undefined
  #again: (() => Promise<void>) | undefined

  /** What a server is told from its start on: call before `add`. AppError names the option of a subnet that can't be. */
  async settingsFor (parts: SettingsParts, home: Home): Promise<DhcpSettings> {
    await (this.#opening ??= this.#open(parts))
    return this.#settings!(home)
  }

  /** Reservations that are left out, a line each; so many of them, and how many more. */
  get refused (): readonly string[] {
    const shown = this.#refused.slice(0, mostTold)
    return shown.length === this.#refused.length ? shown : [...shown, `${counted(this.#refused.length - shown.length, 'more reservation')} left out`]
  }

  add (server: DhcpServer, home: Home): void { this.#running.set(server, home) }
  remove (server: DhcpServer): void { this.#running.delete(server) }

  /** Tells all of them again: an interface has other addresses. */
  async configure (): Promise<void> { await this.#again?.() }

  /** Ends the lease or the quarantine of an address; false when it has none. */
  async release (ip: Ipv4): Promise<boolean> {
    // They share one table.
    const [server] = this.#running.keys()
    return await server?.release(ip) ?? false
  }

  async #open (parts: SettingsParts): Promise<void> {
    const { loaded, config, store, clock, log, homes, addressClaims, groupMachines, onClose } = parts
    const subnets = dhcpSubnets(loaded)
    let table = new ReservationTable(subnets, homes.addresses)
    let unread: readonly string[] = []
    let refused: ReadonlySet<string> = new Set()
    const apply = async (changes: ReservationChanges): Promise<void> => {
      const share = new LoopShare()
      for (const [key, entry] of changes) {
        if (share.isOver) await share.next()
        if (entry === undefined) table.delete(key)
        else table.set(key, entry)
      }
    }
    const putInForce = (): void => {
      const reservations = table.inForce
      const problems = [...unread, ...reservations.problems]
      // They are told at every change of a group: what was refused before is told already.
      const told = problems.filter(problem => !refused.has(problem))
      for (const problem of told.slice(0, mostTold)) log.warn({ problem }, 'reservation.refused')
      if (told.length > mostTold) log.warn({ more: told.length - mostTold }, 'reservation.refused')
      refused = new Set(problems)
      this.#refused = problems
      addressClaims.reserve(reservations)
      this.#settings = home =>
        ({ subnets, reservations, boot: currentBoot(parts, home), unknownClients: config.dhcp.unknown_clients, named: groupMachines })
      for (const [server, home] of this.#running) server.configure(this.#settings(home))
      // At every change of a group too: whoever asks whether a list counts already, has this.
      log.debug({ reservations: table.entries.size, problems: problems.length }, 'reservation.in_force')
    }
    let before = Promise.resolve()
    const inTurn = (work: () => Promise<void>): Promise<void> => {
      const now = before.then(work)
      before = now.catch(() => {})
      return now
    }
    const stop = await followReservations({
      loaded,
      store,
      clock,
      log,
      onChange: (changes, problems) => inTurn(async () => {
        unread = problems
        await apply(changes)
        putInForce()
      })
    })
    onClose(stop)
    this.#again = () => inTurn(async () => {
      const { entries } = table
      table = new ReservationTable(subnets, homes.addresses)
      await apply(new Map([...entries].sort(([a], [b]) => a < b ? -1 : 1)))
      putInForce()
    })
  }
}
