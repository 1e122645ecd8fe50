// Command line arguments by node:util parseArgs, whose refusals become usage errors in our words.
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { nearest } from '../base/nearest.js'
import { AppError, errnoOf, messageOf } from '../base/errors.js'

type OptionsConfig = NonNullable<ParseArgsConfig['options']>

/** The options and operands of a command; AppError of kind `usage` when they are not what it takes. */
export function parse<const Options extends OptionsConfig> (args: readonly string[], options: Options, mostOperands = 0) {
  let parsed
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new AppError('usage', refusal(error, args, options))
  }
  const extra = parsed.positionals[mostOperands]
  if (extra !== undefined) throw new AppError('usage', `unexpected argument ${JSON.stringify(extra)}`)
  return parsed
}

/** What Node refuses, by its code; which option that was it tells in words alone, so it is looked for again. */
function refusal (error: unknown, args: readonly string[], options: OptionsConfig): string {
  const [message = ''] = messageOf(error).split('. ')
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true })
  const written = tokens.filter(token => token.kind === 'option')
  if (errnoOf(error) === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const unknown = written.find(({ name }) => !Object.hasOwn(options, name))
    return unknown?.rawName.startsWith('--') === true ? `${message}${meant(unknown.name, Object.keys(options))}` : message
  }
  // Node asks whether one meant the next flag for its value.
  const valueless = written.find(({ name, value, inlineValue }) => options[name]?.type === 'string' && (value === undefined || (inlineValue === false && value.startsWith('-'))))
  return errnoOf(error) === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' && valueless !== undefined ? `--${valueless.name} needs a value` : message
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
