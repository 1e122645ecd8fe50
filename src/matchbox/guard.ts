// Guarded configs: a group whose metadata `ignition_guard` is true gives its config only to the machine that is booting. The
// script carries a token in the kernel arguments that point at our own config; the config is answered to who brings it, from
// the machine's own address, within `guard_window` of the script and `guard_count` times.
//
// What it does not stop is somebody on the same wire who takes the machine's address and reads what it is sent.
import { AppError } from '../base/errors.js'
import type { Group } from './group.js'
import { countOf, durationOf, flagOf } from './metadata-values.js'
import type { NetBoot } from './profile.js'

/** What the guard needs of the world: machines/guard-tokens behind an address book. */
export interface GuardKeeper {
  mint: (mac: string) => string
  /** Counts a use, or says why the token is not taken. */
  take: (mac: string, token: string | undefined, limits: GuardLimits) => string | undefined
  /** The same where a use is kept first, or counted with other provisioners; rejected with AppError when the machine has to ask again. */
  takeKept?: (mac: string, token: string | undefined, limits: GuardLimits) => Promise<string | undefined>
  /** Whether the address is the machine's: by its lease, its reservation, or its own DHCP exchange. */
  isAddressOf: (mac: string, address: string) => boolean
  /** Whether a URL names this server. */
  isOwn: (url: URL) => boolean
}

export interface GuardLimits {
  /** Milliseconds from the script to the last config. */
  readonly window: number
  /** How many times one token is good. */
  readonly count: number
}

/** The query key that carries the token. */
export const tokenKey = 'guard'

const defaults: GuardLimits = { window: 10 * 60_000, count: 3 }

export interface Guarded {
  /** undefined: the group's configs are open to all, as Matchbox's are. */
  readonly limits: GuardLimits | undefined
  readonly problem?: string | undefined
}

/** A guard that cannot be made out is on: its group wanted one. */
export function guardOf (group: Group): Guarded {
  const on = flagOf(group, 'ignition_guard')
  if (on.value !== true && on.problem === undefined) return { limits: undefined }
  const [window, count] = [durationOf(group, 'guard_window'), countOf(group, 'guard_count')]
  return {
    limits: { window: window.value ?? defaults.window, count: count.value ?? defaults.count },
    problem: on.problem ?? window.problem ?? count.problem
  }
}

const guardedPaths: ReadonlySet<string> = new Set(['/ignition', '/cloud', '/generic'])

/** Kernel arguments whose URL is one of our own configs get the token; every other argument stays as it is. */
export function withToken (boot: NetBoot, token: string, isOwn: GuardKeeper['isOwn']): NetBoot {
  return { ...boot, args: boot.args.map(argument => guarded(argument, token, isOwn)) }
}

/** `ignition.config.url=http://host/ignition?mac=${mac:hexhyp}`: the argument's name, if any, and a URL with iPXE's variables in it. */
function guarded (argument: string, token: string, isOwn: GuardKeeper['isOwn']): string {
  const [, name = '', address = '', query = '', fragment = ''] = /^([\w.-]+=)?(https?:\/\/[^?#\s]+)(\?[^#\s]*)?(#\S*)?$/i.exec(argument) ?? []
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !guardedPaths.has(url.pathname) || !isOwn(url)) return argument
  return `${name}${address}${query === '' ? '?' : query.endsWith('?') || query.endsWith('&') ? query : `${query}&`}${tokenKey}=${token}${fragment}`
}

export interface GuardedRequest {
  readonly group: Group
  readonly mac: string | undefined
  /** Where the request came from; undefined for an administrator who looks at what a machine would get. */
  readonly client: string | undefined
  readonly token: string | undefined
  /** Whether a token has to be shown, or the address alone will do. */
  readonly needsToken: boolean
}

/** Throws AppError guard_refused, whose message is the reason. */
export function assertGuard ({ group, mac, client, token, needsToken }: GuardedRequest, keeper: GuardKeeper | undefined): void {
  const { limits } = guardOf(group)
  if (limits === undefined || client === undefined) return
  const refuse = (why: string): AppError => new AppError('guard_refused', `group ${group.id} is guarded: ${why}`)
  if (keeper === undefined || mac === undefined) throw refuse('the request names no machine')
  if (!keeper.isAddressOf(mac, client)) throw refuse(`the request came from ${client}, which is not known to be the address of ${mac}`)
  const why = needsToken ? keeper.take(mac, token, limits) : undefined
  if (why !== undefined) throw refuse(why)
}
