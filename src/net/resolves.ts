// Whether a name leads anywhere, asked as any program of this machine would ask.
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Clock } from '../base/clock.js'
import { errnoOf, messageOf, unwaited } from '../base/errors.js'

/** A resolver that does not answer must not hold up a start for longer, in milliseconds. */
const patience = 2000

type Resolve = (name: string) => Promise<unknown>

/** Why the name leads nowhere; undefined for an address and for a name that has one. */
export async function resolveProblem (name: string, clock: Clock, ask: Resolve = lookup): Promise<string | undefined> {
  if (isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0) return undefined
  return await new Promise(resolve => {
    const late = clock.after(patience, () => { resolve(`no answer within ${patience / 1000} s`) })
    unwaited(ask(name).then(() => undefined, (error: unknown) => errnoOf(error) || messageOf(error)).then(problem => {
      late.cancel()
      resolve(problem)
    }))
  })
}
