// A long list in pages: each goes on behind the last machine of the one before, whoever came to the top meanwhile.
import { parseMac } from '../net/mac.js'

/** Where a machine stands in a list: the one that was seen last stands first. */
export interface ListPlace { readonly lastSeen: number, readonly mac: string }

/** `1764331200000.52-54-00-00-00-01`, for a query. */
export const placeText = ({ lastSeen, mac }: ListPlace): string => `${lastSeen}.${mac.replaceAll(':', '-')}`

export function parsePlace (text: string): ListPlace | undefined {
  const [, lastSeen, address = ''] = /^(\d{1,15})\.(.{17})$/.exec(text) ?? []
  const mac = parseMac(address)
  return lastSeen === undefined || mac === undefined ? undefined : { lastSeen: Number(lastSeen), mac }
}

const compare = (a: ListPlace, b: ListPlace): number => b.lastSeen - a.lastSeen || (a.mac < b.mac ? -1 : a.mac === b.mac ? 0 : 1)

export interface ListPage<T> {
  readonly chosen: readonly T[]
  /** How many stand before them. */
  readonly before: number
  /** The place behind which it goes on; undefined where it ends. */
  readonly next: ListPlace | undefined
}

/** The first `most` behind a place, in their order, without a sort of all of them. */
export function choose<T extends ListPlace> (machines: readonly T[], most: number, behind: ListPlace | undefined): ListPage<T> {
  const chosen: T[] = []
  let before = 0
  for (const machine of machines) {
    if (behind !== undefined && compare(machine, behind) <= 0) before++
    else if (chosen.length < most || compare(machine, chosen.at(-1)!) < 0) {
      let [low, high] = [0, chosen.length]
      while (low < high) {
        const middle = (low + high) >> 1
        if (compare(machine, chosen[middle]!) < 0) high = middle
        else low = middle + 1
      }
      chosen.splice(low, 0, machine)
      if (chosen.length > most) chosen.pop()
    }
  }
  return { chosen, before, next: before + chosen.length < machines.length ? chosen.at(-1) : undefined }
}
