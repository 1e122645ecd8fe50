// Enrolment and adoption: what is spoken for, from the store, the reservations and the leases; and who may be enrolled.
import { givesAddresses } from '../config/load.js'
import { addressTaken } from '../dhcp/address-taken.js'
import { type Finding, warning } from '../doctor/finding.js'
import type { Logger } from '../base/log.js'
import { Enroller } from '../machines/enroller.js'
import type { AddressClaims } from '../machines/address-claims.js'
import type { MachineRegistry } from '../machines/registry.js'
import { enrolmentAmiss, type EnrolmentRules, isNewcomer, planAdoption, planEnrolment, type Taken } from '../matchbox/enrolment.js'
import type { Group } from '../matchbox/group.js'
import { findProfile } from '../matchbox/store.js'
import { type Labels, macOfLabels } from '../matchbox/select.js'
import type { Provisioner } from '../matchbox/provisioner.js'
import { type Mac, parseMac } from '../net/mac.js'
import { dhcpSubnets } from './dhcp-settings.js'
import type { Ground } from './ground.js'
import type { Leases } from './leases.js'
import { readReservations } from './reservation-sources.js'
import { groupReservations } from '../matchbox/group-machines.js'

export interface Enrolment {
  /**
   * Asked before a machine's script is made: undefined when there is nothing to do, else fulfilled when its group is kept, or with why it
   * gets none. Absent where nobody is enrolled.
   */
  readonly enrol: ((labels: Labels, client: string) => Promise<string | undefined> | undefined) | undefined
  /** Writes the group that an administrator wants; fulfilled with it, or with why not. */
  readonly adopt: (wanted: { readonly mac: Mac, readonly name: string, readonly ip: string | undefined, readonly profile: string }) =>
  Promise<{ readonly group: Group } | { readonly refusal: string }>
}

export interface EnrolmentOptions {
  readonly ground: Pick<Ground, 'loaded' | 'config' | 'clock' | 'store' | 'homes'> & { readonly log: Logger }
  readonly leases: Leases
  readonly registry: MachineRegistry
  readonly provisioner: Provisioner
  /** Only a machine whose address is its own for certain is enrolled. */
  readonly addressClaims: Pick<AddressClaims, 'hear' | 'isAddressOf'>
  readonly onEnrolled: (mac: Mac, group: Group) => void
}

export function createEnrolment ({ ground, leases, registry, provisioner, addressClaims, onEnrolled }: EnrolmentOptions): Enrolment {
  const { config: { enrolment }, clock, log } = ground
  const rules: EnrolmentRules = {
    profiles: enrolment.profiles, range: enrolment.range ?? undefined, hostname: enrolment.hostname, identifyBy: enrolment.identify_by
  }
  const enroller = new Enroller({
    addGroup: plan => provisioner.addGroup(plan),
    onWritten: (mac, group, how) => {
      const { id, profile, metadata } = group
      log.info({ mac, group: id, profile, ip: metadata?.get('ip') }, `machine.${how}`)
      registry.assign(mac, { group: id, profile, name: group.name })
      if (how === 'enrolled') onEnrolled(mac, group)
    }
  })
  /** A machine that asks again while it is enrolled waits for the same. */
  const underWay = new Map<Mac, Promise<string | undefined>>()
  const enrol = async (mac: Mac, labels: Labels): Promise<string | undefined> => {
    const done = await enroller.write(mac, 'enrolled', async () => {
      const matched = provisioner.matchMachine(labels)
      if (matched !== undefined && !isNewcomer(mac, labels, matched)) return matched
      return planEnrolment({ mac, labels, matched }, rules, await takenNow(ground, leases), clock.now())
    })
    return 'refusal' in done ? `it is not enrolled: ${done.refusal}` : undefined
  }
  const enrolOnce = (mac: Mac, labels: Labels): Promise<string | undefined> => {
    const promise = underWay.get(mac) ?? enrol(mac, labels).finally(() => { underWay.delete(mac) })
    underWay.set(mac, promise)
    return promise
  }
  const whenAsked = (labels: Labels, client: string): Promise<string | undefined> | undefined => {
    // Its group may be there, and what is taken too. Its script is refused as well, and says why.
    if (ground.store.unread?.() !== undefined) return undefined
    const mac = parseMac(macOfLabels(labels) ?? '')
    if (mac === undefined || !isNewcomer(mac, labels, provisioner.matchMachine(labels))) return undefined
    const whenKnown = (): Promise<string | undefined> => addressClaims.isAddressOf(mac, client)
      ? enrolOnce(mac, labels)
      : Promise.resolve(`it is not enrolled: the request came from ${client}, which is not known to be the address of ${mac}`)
    return addressClaims.hear(mac, client)?.then(whenKnown) ?? whenKnown()
  }
  return {
    enrol: rules.profiles.length === 0 ? undefined : whenAsked,
    adopt: async wanted => ground.store.unread?.() !== undefined ? { refusal: 'the store was not read yet' } : await enroller.write(wanted.mac, 'adopted', async () => planAdoption(wanted, await takenNow(ground, leases)))
  }
}

/** What of the configuration leads nowhere as things stand. */
export function enrolmentFindings ({ loaded: { config, where }, store }: Pick<Ground, 'loaded' | 'store'>): readonly Finding[] {
  const isDenied = givesAddresses(config) && config.dhcp.unknown_clients === 'deny'
  const hasProfile = (id: string): boolean => findProfile(store.snapshot, id) !== undefined
  const isRead = store.unread?.() === undefined
  return enrolmentAmiss(config.enrolment.profiles, { isDenied, ...isRead && { hasProfile } }).map(({ path, what }) => {
    const at = ['enrolment', ...path]
    return warning('configuration', `${where(at)}: ${at.join('.')} ${what}`)
  })
}

async function takenNow ({ loaded, config, clock, store, homes }: EnrolmentOptions['ground'], { table }: Leases): Promise<Taken> {
  const { groups: live } = store.snapshot
  const groups = [...store.snapshot.forMachines.groups.values()]
  const { entries, outsideGroups: others } = await readReservations(loaded, store)
  const gone = groupReservations(groups.filter(({ id }) => !live.has(id)))
  const addresses = {
    reserved: new Map([...gone, ...entries].map(entry => [entry.ip, entry])),
    own: new Set(homes.addresses),
    subnets: dhcpSubnets(loaded),
    isServer: givesAddresses(config),
    leases: table
  }
  return {
    groups,
    hasProfile: id => findProfile(store.snapshot, id) !== undefined,
    names: others.map(({ hostName }) => hostName).filter(name => name !== undefined),
    reservedFor: mac => others.find(({ macs }) => macs.includes(mac)),
    addressProblem: (ip, mac) => addressTaken(ip, mac, { ...addresses, now: clock.now() })
  }
}
