// Enrolment as Mayu has it: a machine that nobody knows gets the first profile of a list that has a place left, a number, a name
// and an address for good, in a group of its own. Here is which; machines/enroller says one after the other. Pure.
import type { JsonValue } from '../go/json.js'
import { hostNamePattern } from '../net/host-name.js'
import { formatIpv4, type Ipv4, parseIpv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { Group } from './group.js'
import { enrolledMacKey, machinesOf } from './group-machines.js'
import type { Labels } from './select.js'

export interface EnrolmentRules {
  /** In their order; one without a quantity takes all that come. */
  readonly profiles: ReadonlyArray<{ readonly profile: string, readonly quantity?: number | undefined }>
  readonly range: { readonly first: Ipv4, readonly last: Ipv4 } | undefined
  /** `core-{n}` */
  readonly hostname: string
  readonly identifyBy: 'serial' | 'mac'
}

/** What is spoken for already. */
export interface Taken {
  /** All there are, those that were deleted a moment ago among them. */
  readonly groups: readonly Group[]
  readonly hasProfile: (id: string) => boolean
  /** Why the machine can't have an address; undefined when it can. */
  readonly addressProblem: (ip: Ipv4, mac: Mac) => string | undefined
  /** What a reservation outside of the groups gives the machine. */
  readonly reservedFor: (mac: Mac) => { readonly ip: Ipv4, readonly hostName: string | undefined } | undefined
  /** Names that such reservations give. */
  readonly names: Iterable<string>
}

export type EnrolmentPlan = { readonly group: Group } | { readonly refusal: string }

/** A group in the metadata of which these stand was made by an enrolment. People may change all else of it. */
const enrolledKey = 'enrolled'
const enrolledUuidKey = 'enrolled_uuid'

/** Groups that enrolments have made, at most: without a range nothing else would bound them. */
export const mostEnrolled = 4096

/**
 * Whether a machine that asks for its script is to be enrolled: no group takes it, or only the group of another machine does, whose
 * serial number it has too.
 */
export const isNewcomer = (mac: Mac, labels: Labels, group: Group | undefined): boolean =>
  group === undefined || isTwin(mac, labels, group)

/** Boards of some makers all have one serial number; their UUIDs tell them apart. */
function isTwin (mac: Mac, labels: Labels, { selector, metadata }: Group): boolean {
  const [uuid, enrolledUuid, enrolledMac] = [goodUuid(labels.get('uuid')), metadata?.get(enrolledUuidKey), metadata?.get(enrolledMacKey)]
  if (![...selector.keys()].every(key => key === 'serial') || typeof enrolledUuid !== 'string') return false
  return uuid !== undefined && uuid !== enrolledUuid && mac !== enrolledMac
}

/** Something of `enrolment` that leads nowhere. */
export interface EnrolmentAmiss {
  /** Which key of it. */
  readonly path: ReadonlyArray<string | number>
  /** Comes behind that key in a sentence. */
  readonly what: string
}

/** `isDenied`: machines that nobody knows get no address. Without `hasProfile` it is not known which profiles there are. */
export function enrolmentAmiss (
  profiles: EnrolmentRules['profiles'], { isDenied, hasProfile = () => true }: { readonly isDenied: boolean, readonly hasProfile?: Taken['hasProfile'] | undefined }
): readonly EnrolmentAmiss[] {
  const denied = { path: ['profiles'], what: 'has no effect: dhcp.unknown_clients is deny, so unknown machines get no address to ask from' }
  return [
    ...isDenied && profiles.length > 0 ? [denied] : [],
    ...profiles.flatMap(({ profile }, n) => hasProfile(profile)
      ? []
      : [{ path: ['profiles', n, 'profile'], what: `names ${JSON.stringify(profile)}, which is not in the store: machines that come to it are not enrolled` }])
  ]
}

export interface Newcomer {
  readonly mac: Mac
  readonly labels: Labels
  /** The group of another machine with the same serial number. */
  readonly matched: Group | undefined
}

/** `at`: epoch milliseconds. */
export function planEnrolment ({ mac, labels, matched }: Newcomer, rules: EnrolmentRules, taken: Taken, at: number): EnrolmentPlan {
  const holder = matched === undefined ? taken.groups.find(group => machinesOf(group.selector).includes(mac)) : undefined
  if (holder !== undefined) return { refusal: `group ${holder.id} names it, for other labels than it has` }
  const enrolled = taken.groups.filter(({ metadata }) => metadata?.has(enrolledKey) === true)
  if (enrolled.length >= mostEnrolled) return { refusal: `${mostEnrolled} machines are enrolled, which is all there can be` }
  const countOf = (profile: string): number => enrolled.filter(group => group.profile === profile).length
  const place = rules.profiles.find(({ profile, quantity }) => quantity === undefined || countOf(profile) < quantity)
  if (place === undefined) return { refusal: 'every quantity of enrolment.profiles is reached' }
  if (!taken.hasProfile(place.profile)) return { refusal: `enrolment.profiles names ${JSON.stringify(place.profile)}, which is not in the store` }
  const reserved = taken.reservedFor(mac)
  const ip = reserved?.ip ?? freeAddress(mac, rules, taken)
  if (ip === undefined && rules.range !== undefined) return { refusal: 'enrolment.range has no free address' }
  const hostname = freeName(rules, taken)
  const uuid = goodUuid(labels.get('uuid'))
  const identity = matched === undefined ? identityOf(mac, labels, rules) : new Map([['mac', mac as string], ...matched.selector])
  const metadata = new Map<string, JsonValue>([[enrolledKey, new Date(at).toISOString()]])
  metadata.set('hostname', reserved?.hostName ?? hostname)
  if (ip !== undefined) metadata.set('ip', formatIpv4(ip))
  if (!identity.has('mac')) metadata.set(enrolledMacKey, mac)
  if (uuid !== undefined) metadata.set(enrolledUuidKey, uuid)
  return { group: { id: hostname, name: hostname, profile: place.profile, selector: identity, metadata } }
}

/** What an administrator wants of one machine. */
export interface Adoption { readonly mac: Mac, readonly name: string, readonly ip: string | undefined, readonly profile: string }

/** Of a host name that is the name of a group's file too. */
const longestName = 200

export function planAdoption ({ mac, name, ip: address, profile }: Adoption, taken: Taken): EnrolmentPlan {
  if (name.length > longestName || !hostNamePattern.test(name)) return { refusal: `${JSON.stringify(name.slice(0, 80))} is not a host name: letters, digits, hyphens and dots` }
  if (!taken.hasProfile(profile)) return { refusal: `there is no profile ${JSON.stringify(profile.slice(0, 80))} in the store` }
  const holder = taken.groups.find(({ selector, metadata }) => machinesOf(selector).includes(mac) || metadata?.get(enrolledMacKey) === mac)
  if (holder !== undefined) return { refusal: `group ${holder.id} names ${mac} already: change that one` }
  if (namesOf(taken).has(name.toLowerCase())) return { refusal: `${name} is the name of another machine or group` }
  const ip = address === undefined ? undefined : parseIpv4(address)
  if (address !== undefined && ip === undefined) return { refusal: `${JSON.stringify(address.slice(0, 80))} is not an IPv4 address` }
  const problem = ip === undefined ? undefined : taken.addressProblem(ip, mac)
  if (problem !== undefined) return { refusal: `${address ?? ''} can't be given to ${mac}: ${problem}` }
  const metadata = new Map<string, JsonValue>([['hostname', name]])
  if (ip !== undefined) metadata.set('ip', formatIpv4(ip))
  return { group: { id: name, name, profile, selector: new Map([['mac', mac as string]]), metadata } }
}

function freeAddress (mac: Mac, { range }: EnrolmentRules, { addressProblem }: Taken): Ipv4 | undefined {
  if (range === undefined) return undefined
  for (let ip = range.first; ip <= range.last; ip++) if (addressProblem(ip, mac) === undefined) return ip
  return undefined
}

/** The lowest number that no name has. */
function freeName ({ hostname }: EnrolmentRules, taken: Taken): string {
  const names = namesOf(taken)
  for (let n = 1; ; n++) {
    const name = hostname.replaceAll('{n}', () => String(n))
    if (!names.has(name.toLowerCase())) return name
  }
}

function namesOf ({ groups, names }: Taken): ReadonlySet<string> {
  const taken = new Set([...names].map(name => name.toLowerCase()))
  for (const { id, metadata } of groups) {
    taken.add(id.toLowerCase())
    const hostname = metadata?.get('hostname')
    if (typeof hostname === 'string') taken.add(hostname.toLowerCase())
  }
  return taken
}

/** By its serial number; where that says nothing by its UUID, else by its card. */
function identityOf (mac: Mac, labels: Labels, { identifyBy }: EnrolmentRules): Map<string, string> {
  const [serial, uuid] = [goodSerial(labels.get('serial')), goodUuid(labels.get('uuid'))]
  if (identifyBy === 'serial' && serial !== undefined) return new Map([['serial', serial]])
  return new Map([identifyBy === 'serial' && uuid !== undefined ? ['uuid', uuid] : ['mac', mac]])
}

/** What firmware and virtual machines say when nobody gave them a serial number. */
const noSerial = /^(?:0*|0123456789|123456789|1234567890|none|null|unknown|default string|empty|invalid|n\/?a|not (?:specified|available|applicable)|system serial number|(?:chassis|base board) serial number|to be filled by o\.?e\.?m\.?|.*vmware.*|x+|\.+)$/i
/** What a label can carry through iPXE, a kernel's command line and a file without anybody's escapes. */
const plain = /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/

export const goodSerial = (text: string | undefined): string | undefined =>
  text !== undefined && plain.test(text) && !noSerial.test(text) ? text : undefined

/** All alike, or the one that a well-known maker of boards left in all of them. */
const noUuid = /^(?:([0-9a-f])\1{7}-(?:\1{4}-){3}\1{12}|03000200-0400-0500-0006-000700080009)$/i

export const goodUuid = (text: string | undefined): string | undefined =>
  text !== undefined && /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text) && !noUuid.test(text) ? text : undefined
