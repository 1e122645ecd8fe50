// Whether machines can be heard on the interface at all: it says when its link goes and comes. The kernel gives no event
// to Node, so it is asked, every second.
import { messageOf } from '../base/errors.js'
import { type NetworkInterface, networkInterfaces } from '../net/interfaces.js'
import type { Shared } from './shared.js'

const lookEvery = 1000

/** Looks now and from now on. What is amiss stands in `hindrances` under `dhcp`, and in the log once. */
export function watchLink ({ clock, log, hindrances, onClose }: Pick<Shared, 'clock' | 'log' | 'hindrances' | 'onClose'>, name: string): void {
  let amiss: string | undefined
  let unasked = false
  const look = (): void => {
    let state: NetworkInterface | undefined
    try {
      state = networkInterfaces().get(name)
    } catch (error) {
      // As long as nobody says otherwise it is as it was.
      if (!unasked) log.warn({ interface: name, error: messageOf(error) }, 'dhcp.link_unknown')
      unasked = true
      return
    }
    unasked = false
    const now = linkProblem(name, state)
    if (now === amiss) return
    amiss = now
    if (now === undefined) {
      hindrances.delete('dhcp')
      log.info({ interface: name }, 'dhcp.link_up')
    } else {
      hindrances.set('dhcp', `dhcp: ${now}`)
      log.warn({ interface: name, reason: now }, 'dhcp.link_down')
    }
  }
  look()
  const timer = clock.every(lookEvery, look)
  onClose(async () => { timer.cancel() })
}

/** Why nobody on the interface is heard, undefined when they are. */
export function linkProblem (name: string, state: NetworkInterface | undefined): string | undefined {
  if (state === undefined) return `interface ${name} is gone`
  if (!state.up) return `interface ${name} is down (ip link set ${name} up)`
  return state.running ? undefined : `interface ${name} has no carrier: machines on it are served when its link comes up`
}
