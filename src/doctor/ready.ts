// Whether the service is ready: the version that is installed runs, under the units that are on disk, and says so of itself.
import type { Clock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import type { Config } from '../config/load.js'
import { fine, type Finding, problem } from './finding.js'
import { judgeService, serviceState } from './systemd.js'

/** The control socket of a service that is installed as the units say. */
const standardSocket = '/run/core-provisioner/control.sock'

/** undefined where no service is installed, or the configuration is another one's. */
export const installedService = async (config: Config): ReturnType<typeof serviceState> =>
  config.control_socket === standardSocket ? await serviceState() : undefined

export type HealthPath = '/readyz' | '/healthz'

/** What the running service says of itself, by HTTP. */
export async function diagnoseHealth ({ http: { address: { host, port } } }: Config, path: HealthPath): Promise<readonly Finding[]> {
  const wildcard = new Map([['0.0.0.0', '127.0.0.1'], ['::', '[::1]']])
  const url = `http://${wildcard.get(host) ?? (host.includes(':') ? `[${host}]` : host)}:${port}${path}`
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000) })
    const text = (await answer.text()).trim()
    return [answer.status === 200 ? fine('ready', `${url} answers 200`) : problem('ready', `${url}: ${text.replaceAll('\n', '; ')}`)]
  } catch (error) {
    return [problem('ready', `${url}: nobody answers (${messageOf(error)})`)]
  }
}

/** Milliseconds between two looks. */
const lookEvery = 250

export interface Wait {
  readonly seconds: number
  readonly clock: Clock
  readonly health: HealthPath
  /** Looks around once it says that it is well: whether its ports are its own alone, and a DISCOVER is answered. */
  readonly around: () => Promise<readonly Finding[]>
}

/** What is in the way of the service after at most so many seconds; no problem among it when it is ready. */
export async function untilReady (config: Config, { seconds, clock, health, around }: Wait): Promise<readonly Finding[]> {
  const end = clock.now() + seconds * 1000
  for (;;) {
    const [state, healthy] = await Promise.all([installedService(config), diagnoseHealth(config, health)])
    const own = [...state === undefined ? [] : await judgeService(state), ...healthy]
    const found = own.some(isProblem) ? own : [...own, ...await around()]
    // A clock that was set back ends it too.
    if (!found.some(isProblem) || clock.now() >= end || end - clock.now() > seconds * 1000) return found
    await new Promise<void>(resolve => { clock.after(lookEvery, resolve) })
  }
}

const isProblem = ({ level }: Finding): boolean => level === 'problem'
