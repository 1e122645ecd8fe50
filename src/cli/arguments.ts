// Command line arguments by node:util parseArgs, whose refusals become usage errors in our words.
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { nearest } from '../base/nearest.js'
import { AppError, messageOf } from '../base/errors.js'

type OptionsConfig = NonNullable<ParseArgsConfig['options']>

/** The options and operands of a command; AppError of kind `usage` when they are not what it takes. */
export function parse<const Options extends OptionsConfig> (args: readonly string[], options: Options, mostOperands = 0) {
  let parsed
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    const message = messageOf(error).split('. ')[0] ?? ''
    // Node asks whether one meant the next flag for its value.
    const [, valueless] = /^Option '(?:-\w, )?(--[\w-]+)(?: <value>)?' argument (?:missing|is ambiguous)/.exec(message) ?? []
    if (valueless !== undefined) throw new AppError('usage', `${valueless} needs a value`)
    const [, flag] = /^Unknown option '--([^']+)'/.exec(message) ?? []
    throw new AppError('usage', flag === undefined ? message : `${message}${meant(flag, Object.keys(options))}`)
  }
  const extra = parsed.positionals[mostOperands]
  if (extra !== undefined) throw new AppError('usage', `unexpected argument ${JSON.stringify(extra)}`)
  return parsed
}

function meant (flag: string, known: readonly string[]): string {
  const near = nearest(flag, known)
  return near === undefined ? '' : `; did you mean --${near}?`
}

export const configOptions = {
  config: { type: 'string', short: 'c' },
  set: { type: 'string', multiple: true }
} as const

/** Options of the commands that look at what the service will see. */
export const eyesOptions = {
  ...configOptions,
  as: { type: 'string' },
  'env-file': { type: 'string' }
} as const
