// The configuration and the environment that a command goes by: what whoever asks has given it, or what the service that is
// installed is started with.
import { existsSync } from 'node:fs'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { parseEnvironmentFile } from '../config/environment-file.js'
import { defaultConfigFile, type LoadedConfig, loadConfig } from '../config/load.js'
import { systemClock } from '../base/clock.js'
import { PlaceAsker } from '../disk/ask-place.js'
import { silenceOf } from '../disk/disk-turns.js'
import { readWholeSync } from '../disk/whole-file.js'
import type { Io } from './command.js'

type ConfigIo = Pick<Io, 'env' | 'stdin'>

interface ConfigValues { readonly config?: string | undefined, readonly set?: readonly string[] | undefined }

export interface EyesValues extends ConfigValues { readonly as?: string | undefined, readonly 'env-file'?: string | undefined }

/** Fulfilled when the files that say what is configured have answered, which are then read at once. AppError config_invalid. */
export async function filesAnswer (values: EyesValues): Promise<void> {
  const asker = new PlaceAsker(systemClock, [])
  for (const path of [values.config ?? installedFiles.config, values['env-file'] ?? installedFiles.environment]) {
    const silent = await asker.silentAt(path)
    if (silent !== undefined) throw new AppError('config_invalid', `cannot read the configuration: ${silenceOf(silent)}`)
  }
}

/** The environment as a service with that file has it: its variables instead of those of whoever asks. AppError read_failed. */
export function environmentOf (values: EyesValues, io: Io): Io['env'] {
  const file = values['env-file']
  if (file === undefined) return asInstalled(values, io.env)
  try {
    return withVariables(io.env, readWholeSync(file, 'credentials').toString())
  } catch (error) {
    throw new AppError('read_failed', `--env-file ${file} cannot be read: ${messageOf(error)}`, { cause: error })
  }
}

/** The configuration and the environment as a service of that user and that environment file has them. The process goes on as that user. */
export async function eyesOf (values: EyesValues, io: Io): Promise<{ readonly loaded: LoadedConfig, readonly env: Io['env'] }> {
  await filesAnswer(values)
  const env = environmentOf(values, io)
  const text = await pipedText(values, io)
  // After the environment, which systemd reads as root.
  if (values.as !== undefined) io.actAs(values.as)
  return { loaded: configFrom(values, { env }, text), env }
}

/** Whether it is asked about the configuration that an installed service has. */
export const looksAtService = ({ config, set = [] }: ConfigValues): boolean =>
  set.length === 0 && (config === undefined || config === defaultConfigFile)

/** The variables of a file instead of those of whoever asks. */
export function withVariables (env: Io['env'], text: string): Io['env'] {
  const others = Object.entries(env).filter(([name]) => !name.startsWith('MATCHBOX_'))
  return Object.fromEntries([...others, ...parseEnvironmentFile(text)])
}

const installedFiles = { config: defaultConfigFile, environment: '/etc/core-provisioner/environment' }

/**
 * The environment of the service that is installed (its unit's EnvironmentFile=), for who asks about nothing else: without it a
 * store that was Matchbox's is looked for in another place than the service's. AppError read_failed when it may not be read.
 */
export function asInstalled (values: ConfigValues, env: Io['env'], { config, environment }: typeof installedFiles = installedFiles): Io['env'] {
  const says = Object.keys(env).some(name => name.startsWith('MATCHBOX_'))
  if ((values.config !== undefined && values.config !== config) || says || !existsSync(config)) return env
  try {
    return withVariables(env, readWholeSync(environment, 'credentials').toString())
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return env
    throw new AppError('read_failed', `${environment}, which the service reads, cannot be read: ${messageOf(error)}; this needs root or the group of the service`)
  }
}

/** As eyesOf, for a command that needs no other eyes. */
export async function serviceConfig (values: ConfigValues, { env, stdin }: ConfigIo): Promise<LoadedConfig> {
  await filesAnswer(values)
  return await configOnce(values, { env: asInstalled(values, env), stdin })
}

/** For a command that reads it once: it may come through a pipe. */
export async function configOnce (values: ConfigValues, { env, stdin }: ConfigIo): Promise<LoadedConfig> {
  await filesAnswer(values)
  return configFrom(values, { env }, await pipedText(values, { stdin }))
}

/** Loaded where a file is named: the service reads files alone. */
const pipedText = async ({ config }: ConfigValues, { stdin }: Pick<Io, 'stdin'>): Promise<string | undefined> =>
  config === undefined ? undefined : await (await import('./piped-config.js')).pipedConfig(config, stdin)

export const configFrom = (values: ConfigValues, { env }: Pick<Io, 'env'>, text?: string): LoadedConfig =>
  loadConfig({ file: values.config, text, set: values.set ?? [], env })
