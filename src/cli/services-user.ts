// Keeps root from making files that the service could not open: a command that root calls writes as the owner of the folder, and checks
// what can be read as the user of the service.
import { stat } from 'node:fs/promises'
import { serviceState } from '../doctor/systemd.js'
import { type EyesValues, environmentOf, configOnce, filesAnswer, looksAtService } from './service-config.js'
import type { Io } from './command.js'
import type { LoadedConfig } from '../config/load.js'

/** Goes on, for good, as the owner of `path` where that is another user than root. */
export async function becomeOwner (path: string, io: Pick<Io, 'uid' | 'become'>): Promise<void> {
  const owner = io.uid === 0 ? await stat(path).catch(() => undefined) : undefined
  if (owner !== undefined && owner.uid !== 0) io.become(owner.uid, owner.gid)
}

/** `look` goes on as the service's user, for good. */
export interface ServiceEyes { readonly loaded: LoadedConfig, readonly env: Io['env'], readonly look: () => void }

/**
 * The configuration and the environment as the service has them. The user is the one that is named, and where root asks about the
 * service that is installed, that service's own.
 */
export async function serviceEyes (values: EyesValues, io: Io): Promise<ServiceEyes> {
  await filesAnswer(values)
  const env = environmentOf(values, io)
  const user = values.as ?? (io.uid === 0 && looksAtService(values) ? (await serviceState())?.user : undefined) ?? ''
  const look = (): void => { if (user !== '') io.actAs(user) }
  try {
    return { loaded: await configOnce(values, { env, stdin: io.stdin }), env, look }
  } catch (error) {
    look()
    throw error
  }
}
