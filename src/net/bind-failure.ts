// Whether a host is one to listen on: an address of this machine, or a name that has one. Asked of the kernel, which lets addresses that
// float be bound where it is told so (ip_nonlocal_bind).
import { closeSync } from 'node:fs'
import { isIP } from 'node:net'
import type { Clock } from '../base/clock.js'
import { openSocket } from './open-socket.js'
import { resolveProblem } from './resolves.js'

/**
 * What a listener would end with there; undefined where it would not, and of IPv6, which is not asked. Binds a datagram socket to a free
 * port for a moment.
 */
export async function bindFailure (host: string, clock: Clock): Promise<Error | undefined> {
  if (isIP(host) === 0) {
    const unresolved = await resolveProblem(host, clock)
    return unresolved === undefined ? undefined : new Error(`that name does not resolve here (${unresolved})`)
  }
  if (isIP(host) === 6) return undefined
  try {
    closeSync(openSocket(host, 0))
    return undefined
  } catch (error) {
    return error as Error
  }
}
