// What the DHCP servers of all interfaces share: subnets and reservations, read once and watched for all; and who ends a lease.
import { setImmediate } from 'node:timers/promises'
import { messageOf } from '../base/errors.js'
import type { DhcpServer, DhcpSettings } from '../dhcp/dhcp-server.js'
import { reservationSteps } from '../dhcp/reservations.js'
import type { DhcpSubnet } from '../dhcp/subnet.js'
import type { Ipv4 } from '../net/ipv4.js'
import type { AddressClaims } from './address-claims.js'
import { currentBoot } from './boot.js'
import type { OnClose } from './closing.js'
import { dhcpSubnets } from './dhcp-settings.js'
import type { Ground } from './ground.js'
import type { Home } from './homes.js'
import { type FoundReservations, readReservations, watchReservations } from './reservation-sources.js'
import type { HttpNames } from './shim-image.js'

/** Lines of refused reservations that one reading may give. */
const mostTold = 100

export type SettingsFor = (home: Home) => DhcpSettings

interface SettingsParts extends Pick<Ground, 'loaded' | 'config' | 'store' | 'clock' | 'log' | 'homes'> {
  readonly httpNames: HttpNames
  readonly addressClaims: AddressClaims
  readonly onClose: OnClose
}

export class DhcpServers {
  readonly #running = new Map<DhcpServer, Home>()
  #opening: Promise<void> | undefined
  #settings: SettingsFor | undefined
  #again: (() => Promise<void>) | undefined

  /** What a server is told from its start on: call before `add`. AppError names the option of a subnet that can't be. */
  async settingsFor (parts: SettingsParts, home: Home): Promise<DhcpSettings> {
    await (this.#opening ??= this.#open(parts))
    return this.#settings!(home)
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
    const { loaded, store, clock, log, onClose } = parts
    const subnets = dhcpSubnets(loaded)
    let refused: ReadonlySet<string> = new Set()
    let before = Promise.resolve()
    const inForce = (found: FoundReservations): Promise<void> => {
      const now = before.then(() => put(found))
      before = now.catch(() => {})
      return now
    }
    const put = async (found: FoundReservations): Promise<void> => {
      const { settings, problems } = await settingsOf(parts, subnets, found)
      // They are read again at every change of a group: what was refused before is told already.
      const told = problems.filter(problem => !refused.has(problem))
      for (const problem of told.slice(0, mostTold)) log.warn({ problem }, 'reservation.refused')
      if (told.length > mostTold) log.warn({ more: told.length - mostTold }, 'reservation.refused')
      refused = new Set(problems)
      this.#settings = settings
      for (const [server, home] of this.#running) server.configure(this.#settings(home))
      // At every change of a group too: whoever asks whether a list counts already, has this.
      log.debug({ reservations: found.entries.length, problems: problems.length }, 'reservation.in_force')
    }
    await inForce(await readReservations(loaded, store))
    onClose(await watchReservations({ loaded, store, clock, log, onChange: inForce }))
    this.#again = async () => {
      await readReservations(loaded, store).then(inForce)
        .catch((error: unknown) => { log.warn({ error: messageOf(error) }, 'reservation.unread') })
    }
  }
}

async function settingsOf (
  parts: SettingsParts, subnets: readonly DhcpSubnet[], found: FoundReservations
): Promise<{ readonly settings: SettingsFor, readonly problems: readonly string[] }> {
  const { config, homes, addressClaims } = parts
  const steps = reservationSteps(found.entries, subnets, homes.addresses)
  let step = steps.next()
  for (; step.done !== true; step = steps.next()) await setImmediate()
  const reservations = step.value
  addressClaims.reserve(reservations.byIp)
  const settings: SettingsFor = home =>
    ({ subnets, reservations, boot: currentBoot(parts, home), unknownClients: config.dhcp.unknown_clients, named: found.named })
  return { settings, problems: [...found.problems, ...reservations.problems] }
}
