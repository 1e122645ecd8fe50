// Whether a name leads anywhere, asked as for whoever is called by it.
import type { Clock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import { addressesOf, type AddressesOf } from './addresses-of.js'
import { NameError } from './name-servers.js'

/** A resolver that does not answer must not hold up a start for longer, in milliseconds. */
const patience = 2000

/** Why the name leads nowhere; undefined for an address and for a name that has one. */
export async function resolveProblem (name: string, clock: Clock, ask: AddressesOf = addressesOf): Promise<string | undefined> {
  try {
    await ask(name.replace(/^\[(.*)\]$/, '$1'), { clock, patience })
    return undefined
  } catch (error) {
    return error instanceof NameError ? error.why : messageOf(error)
  }
}
