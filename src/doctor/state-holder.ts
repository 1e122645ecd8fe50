// Whether state_path is this appliance's alone: serve refuses one that another has.
import type { Config } from '../config/load.js'
import { socketHolders } from '../net/port-owner.js'
import { stateHolder, stateTaken } from '../wiring/state-lock.js'
import { type Finding, problem } from './finding.js'

/** `running`: whether an appliance with this configuration does, by its control socket. */
export async function diagnoseStateHolder (config: Config, running: boolean): Promise<readonly Finding[]> {
  const holder = await stateHolder(config)
  if (holder === undefined) return []
  const own = running ? (await socketHolders(config.control_socket)).map(({ pid }) => pid) : []
  // Only root sees whose sockets they are.
  return running && (own.length === 0 || own.includes(holder)) ? [] : [problem('state', stateTaken(config, holder))]
}
