// The installed machines that ask for updates, and the figures of their groups, kept as they change so that a request costs the
// same beside ten machines as beside ten thousand. Bounded per address and in all.
import type { Instance } from './instance.js'
import { isUnderWay } from './omaha-events.js'
import type { GroupFigures, UpdateGroup } from './policy.js'

const mostInstances = 20_000
/** Behind one address, which may be a router's. */
export const mostPerAddress = 256

/** What anybody says of an update that nobody gave him leads nowhere: it neither holds the others up nor tells that a version works. */
const isGranted = ({ granted }: Instance): boolean => granted !== undefined

const isOnTheWay = (instance: Instance): boolean => isGranted(instance) && isUnderWay(instance.status)

interface Tally {
  /** Keys of instances under way. */
  readonly underWay: Set<string>
  /** Times of grants, oldest first. */
  readonly grants: number[]
  /** How many came up in a version. */
  readonly completed: Map<string, number>
}

export class Instances {
  /** By key, the longest unseen first. */
  readonly #all = new Map<string, Instance>()
  readonly #byAddress = new Map<string, number>()
  /** The key of who was seen last with a hardware address, and from an address. */
  readonly #latest = new Map<string, string>()
  readonly #tallies = new Map<string, Tally>()

  get all (): ReadonlyMap<string, Instance> { return this.#all }

  /**
   * Whose record a request counts for: an id that comes from two machines at once, as those have that were cloned, is two.
   * `mac` is undefined where it is not known.
   */
  keyOf (id: string, mac: string | undefined, address: string): string {
    const known = this.#all.get(id)
    if (known?.mac === undefined || known.mac === mac) return id
    // A lease may end while its machine goes on with the address.
    return mac === undefined && known.address === address ? id : `${id} ${mac ?? address}`
  }

  /** Who was seen last of a machine, by its hardware address or, where that was not known, its address. */
  latest (mac: string, address: string | undefined): Instance | undefined {
    const key = this.#latest.get(mac) ?? (address === undefined ? undefined : this.#latest.get(address))
    return key === undefined ? undefined : this.#all.get(key)
  }

  /** Whether there is room for one more from this address, which may cost another its place: `forget` names that. */
  hasRoom (address: string): { readonly room: boolean, readonly forget?: string } {
    if ((this.#byAddress.get(address) ?? 0) >= mostPerAddress) return { room: false }
    if (this.#all.size < mostInstances) return { room: true }
    for (const [key, instance] of this.#all) if (!isOnTheWay(instance)) return { room: true, forget: key }
    return { room: false }
  }

  put (key: string, instance: Instance): void {
    const before = this.#all.get(key)
    if (before !== undefined) this.#count(key, before, -1)
    // Last in the order of those seen.
    this.#all.delete(key)
    this.#all.set(key, instance)
    this.#count(key, instance, 1)
    this.#latest.set(instance.mac ?? instance.address, key)
    const { granted, group } = instance
    if (granted !== undefined && granted.at !== before?.granted?.at) addInOrder(this.#tally(group).grants, granted.at)
  }

  /** Puts back what was there, undefined for nothing, and uncounts a grant that was added. */
  revert (key: string, before: Instance | undefined): void {
    const instance = this.#all.get(key)
    const grant = instance?.granted
    if (before === undefined) this.delete(key)
    else this.put(key, before)
    if (instance === undefined || grant === undefined || grant.at === before?.granted?.at) return
    const { grants } = this.#tally(instance.group)
    const at = grants.lastIndexOf(grant.at)
    if (at >= 0) grants.splice(at, 1)
  }

  delete (key: string): void {
    const instance = this.#all.get(key)
    if (instance === undefined) return
    this.#count(key, instance, -1)
    this.#all.delete(key)
    const by = instance.mac ?? instance.address
    if (this.#latest.get(by) === key) this.#latest.delete(by)
  }

  /** `without` leaves one out of those under way. */
  figures ({ name, period, timeout }: UpdateGroup, now: number, without?: string): GroupFigures {
    const { underWay, grants, completed } = this.#tally(name)
    while (grants[0] !== undefined && (grants[0] <= now - period || grants[0] > now + period)) grants.shift()
    const others = [...underWay].filter(key => key !== without)
    const late = others.filter(key => now - (this.#all.get(key)?.granted?.at ?? now) >= timeout)
    return { grantedInPeriod: grants.length, underWay: others.length - late.length, timedOut: late.length, completed }
  }

  /** Keys of the group's machines that are under way. */
  underWay (group: string): readonly string[] { return [...this.#tally(group).underWay] }

  #tally (group: string): Tally {
    let tally = this.#tallies.get(group)
    if (tally === undefined) this.#tallies.set(group, tally = { underWay: new Set(), grants: [], completed: new Map() })
    return tally
  }

  #count (key: string, instance: Instance, by: 1 | -1): void {
    const { address, group, status, version } = instance
    add(this.#byAddress, address, by)
    const { underWay, completed } = this.#tally(group)
    if (isOnTheWay(instance)) by === 1 ? underWay.add(key) : underWay.delete(key)
    if (status === 'complete' && isGranted(instance)) add(completed, version, by)
  }
}

function add (counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}

/** Nearly always at its end. */
function addInOrder (times: number[], time: number): void {
  let at = times.length
  while (at > 0 && times[at - 1]! > time) at--
  times.splice(at, 0, time)
}
