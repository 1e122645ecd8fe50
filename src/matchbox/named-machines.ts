// Which machines a group names, rather than takes as they come: by hardware address, or by what only one machine has, its UUID or
// its serial number. Anybody can say another machine's UUID under as many hardware addresses as he likes, so a group that
// names by those makes only the first few known.
import type { Mac } from '../net/mac.js'
import { type Group, isMacKey } from './group.js'

/** Cards that one machine boots from. */
export const cardsOfOne = 4

const isOwnKey = (key: string): boolean => key === 'uuid' || key === 'serial'

export class NamedMachines {
  readonly #groups: () => ReadonlyMap<string, Group>
  /** By group that names by UUID or serial: the hardware addresses that came with it, the first few. */
  readonly #cards = new Map<string, Set<Mac>>()

  constructor (groups: () => ReadonlyMap<string, Group>) { this.#groups = groups }

  /** Whether the group, which the machine was seen to get, names it. */
  has (id: string | undefined, mac: Mac): boolean {
    const group = id === undefined ? undefined : this.#groups().get(id)
    if (id === undefined || group === undefined) return false
    let byOwnKey = false
    for (const key of group.selector.keys()) {
      if (isMacKey(key)) return true
      byOwnKey ||= isOwnKey(key)
    }
    return byOwnKey && this.#isCard(id, mac)
  }

  #isCard (id: string, mac: Mac): boolean {
    const cards = this.#cards.get(id) ?? new Set()
    if (cards.size >= cardsOfOne) return cards.has(mac)
    cards.add(mac)
    this.#cards.set(id, cards)
    this.#forget()
    return true
  }

  /** Of groups that are gone. */
  #forget (): void {
    const groups = this.#groups()
    if (this.#cards.size > groups.size) for (const id of this.#cards.keys()) if (!groups.has(id)) this.#cards.delete(id)
  }
}
