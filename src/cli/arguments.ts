// Command line arguments by node:util parseArgs, whose refusals become usage errors in our words.
import { readFileSync } from 'node:fs'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { didYouMean } from '../base/nearest.js'
import { AppError, messageOf } from '../base/errors.js'
import { parseEnvironmentFile } from '../config/environment-file.js'
import { type LoadedConfig, loadConfig } from '../config/load.js'
import type { Io } from './command.js'

type OptionsConfig = NonNullable<ParseArgsConfig['options']>

/** The options and operands of a command; AppError of kind `usage` when they are not what it takes. */
export function parse<const Options extends OptionsConfig> (args: readonly string[], options: Options, mostOperands = 0) {
  let parsed
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    const message = messageOf(error).split('. ')[0] ?? ''
    const [, flag] = /^Unknown option '--([^']+)'/.exec(message) ?? []
    throw new AppError('usage', flag === undefined ? message : `${message}${didYouMean(flag, Object.keys(options))}`)
  }
  const extra = parsed.positionals[mostOperands]
  if (extra !== undefined) throw new AppError('usage', `unexpected argument ${JSON.stringify(extra)}`)
  return parsed
}

export const configOptions = {
  config: { type: 'string', short: 'c' },
  set: { type: 'string', multiple: true }
} as const

interface ConfigValues { readonly config?: string | undefined, readonly set?: readonly string[] | undefined }

/** Options of the commands that look at what the service will see. */
export const eyesOptions = {
  ...configOptions,
  as: { type: 'string' },
  'env-file': { type: 'string' }
} as const

interface EyesValues extends ConfigValues { readonly as?: string | undefined, readonly 'env-file'?: string | undefined }

/**
 * The configuration and the environment as a service of that user and that environment file has them: its variables instead
 * of those of whoever asks. The process goes on as that user.
 */
export function eyesOf (values: EyesValues, io: Io): { readonly loaded: LoadedConfig, readonly env: Io['env'] } {
  const file = values['env-file']
  let { env } = io
  if (file !== undefined) {
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch (error) {
      throw new AppError('read_failed', `--env-file ${file} cannot be read: ${messageOf(error)}`, { cause: error })
    }
    const others = Object.entries(io.env).filter(([name]) => !name.startsWith('MATCHBOX_'))
    env = Object.fromEntries([...others, ...parseEnvironmentFile(text)])
  }
  // After the environment, which systemd reads as root.
  if (values.as !== undefined) io.actAs(values.as)
  return { loaded: configFrom(values, { env }), env }
}

export const configFrom = (values: ConfigValues, { env }: Pick<Io, 'env'>): LoadedConfig =>
  loadConfig({ file: values.config, set: values.set ?? [], env })
