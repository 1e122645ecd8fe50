// What of the store a command could not read: it counts for nothing in the answer, and whoever asked is told so beside it.
import { visibleText } from '../base/visible-text.js'
import type { Problem } from '../matchbox/store.js'
import { type Io, print } from './command.js'

/** More of them say no more: check tells all. */
const mostTold = 5

/** A sentence for each, of the folders `of` (groups, profiles ...) or of all. */
export const unreadOf = (problems: readonly Problem[], of?: readonly string[]): readonly string[] => problems
  .filter(({ where }) => of === undefined || where === '.' || of.includes(where.split('/', 1)[0]!))
  .map(({ where, message }) => where === '.' ? message : `${where}: ${message}`)

/** The same for who is content with a store that was not made yet. */
export const unreadIfMade = (problems: readonly Problem[], of?: readonly string[]): readonly string[] =>
  unreadOf(problems.filter(({ isMissing }) => isMissing !== true), of)

export function tellUnread (unread: readonly string[], command: string, { stderr }: Io): void {
  for (const text of unread.slice(0, mostTold)) print(stderr, `core-provisioner ${command}: left out: ${visibleText(text)}`)
  if (unread.length > mostTold) print(stderr, `core-provisioner ${command}: and ${unread.length - mostTold} more are left out (core-provisioner check tells all)`)
}
