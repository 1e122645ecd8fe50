// Command line arguments by node:util parseArgs, whose refusals become usage errors in our words.
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { AppError, messageOf } from '../base/errors.js'
import { type LoadedConfig, loadConfig } from '../config/load.js'
import type { Io } from './command.js'

type OptionsConfig = NonNullable<ParseArgsConfig['options']>

/** The options and operands of a command; AppError of kind `usage` when they are not what it takes. */
export function parse<const Options extends OptionsConfig> (args: readonly string[], options: Options, mostOperands = 0) {
  let parsed
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new AppError('usage', messageOf(error).split('. ')[0] ?? '')
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

export const configFrom = (values: ConfigValues, { env }: Io): LoadedConfig =>
  loadConfig({ file: values.config, set: values.set ?? [], env })
