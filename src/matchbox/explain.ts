// Why a machine with these labels gets the group it gets, and why not the others: for whoever wonders.
import { counted } from '../base/units.js'
import { type Group, matcherOf } from './group.js'
import type { Labels } from './select.js'

export interface GroupExplained {
  readonly id: string
  readonly profile: string
  readonly chosen: boolean
  /** One line for a person. */
  readonly why: string
}

/** The chosen one first, then those that match too, then those that fail by the fewest labels; `most` in all. */
export function explainSelection (
  groups: Iterable<Group>, labels: Labels, chosen: Group | undefined, most = 20
): readonly GroupExplained[] {
  const judged = [...groups].map(group => {
    const wanted = matcherOf(group.selector)
    const amiss = [...wanted].filter(([key, values]) => !values.includes(labels.get(key) ?? ''))
    return { group, count: wanted.size, amiss }
  })
  const best = judged.find(({ group }) => group === chosen)
  const rank = ({ group, amiss }: typeof judged[number]): number => group === chosen ? -1 : amiss.length
  return judged.sort((a, b) => rank(a) - rank(b) || b.count - a.count).slice(0, most).map(({ group, count, amiss }) => ({
    id: group.id,
    profile: group.profile,
    chosen: group === chosen,
    why: group === chosen
      ? count === 0 ? 'it has no selector, and no group with one matches' : count === 1 ? 'its 1 label matches' : `all of its ${count} labels match`
      : amiss.length > 0
        ? amiss.map(([key, values]) => `${key} has to be ${values.join(' or ')}, and ${labels.has(key) ? `is ${labels.get(key) ?? ''}` : 'is not sent'}`).join('; ')
        : count < (best?.count ?? 0)
          ? `it matches too, by ${counted(count, 'label')} where the chosen one matches by ${best?.count ?? 0}`
          : 'it matches as well; of equals the one whose selector is later in the alphabet is taken'
  }))
}
