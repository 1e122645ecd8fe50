// help: the table of commands as text, as JSON, as a man page.
import { programVersion } from '../base/bundled.js'
import { AppError } from '../base/errors.js'
import { didYouMean } from '../base/nearest.js'
import { parse } from './arguments.js'
import { type Command, print, printJson } from './command.js'
import { type CommandName, commandNames, type CommandUsage, exitStatuses, type FlagUsage, isCommand, usage } from './usage.js'

export const helpCommand: Command = {
  name: 'help',
  run: async (args, io) => {
    const { values, positionals: [name] } = parse(args, { json: { type: 'boolean' }, man: { type: 'boolean' } }, 1)
    if (name !== undefined && !isCommand(name)) throw new AppError('usage', unknownCommand(name))
    if (values.man === true && values.json === true) printJson(io.stdout, { page: manPage() })
    else if (values.man === true) print(io.stdout, manPage())
    else if (values.json === true) printJson(io.stdout, name === undefined ? usage : usage[name])
    else print(io.stdout, name === undefined ? allCommands() : commandHelp(name))
    return 0
  }
}

export const unknownCommand = (name: string): string => name.startsWith('-')
  ? `expected a command before ${name}: flags come after it; see core-provisioner help`
  : `no command ${JSON.stringify(name)}${didYouMean(name, commandNames)}; see core-provisioner help`

const columns = (rows: ReadonlyArray<readonly [string, string]>): readonly string[] => {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}

export const allCommands = (): string => [
  'usage: core-provisioner COMMAND [arguments]',
  ...columns(commandNames.map(name => [name, usage[name].summary])),
  'core-provisioner help COMMAND shows its arguments and examples; --version the version.'
].join('\n')

const line = (name: string, form: string): string => `core-provisioner ${name}${form === '' ? '' : ` ${form}`}`
const flagText = (name: string, { short, value }: FlagUsage): string =>
  `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
const flagMeaning = ({ what, among, repeats }: FlagUsage): string =>
  `${what}${among === undefined ? '' : `: ${among.join(', ')}`}${repeats === true ? ' (may be repeated)' : ''}`

export function commandHelp (name: CommandName): string {
  const { summary, forms, flags, examples, exits = exitStatuses }: CommandUsage = usage[name]
  const own = Object.entries(flags)
  return [
    ...forms.map((form, n) => `${n === 0 ? 'usage:' : '      '} ${line(name, form)}${own.length === 0 ? '' : ' [flags]'}`),
    summary,
    ...own.length === 0 ? [] : ['', 'flags', ...columns(own.map(([flag, said]) => [flagText(flag, said), flagMeaning(said)]))],
    '', 'examples', ...columns(examples.map(([example, what]) => [`core-provisioner ${example}`, what])),
    '', 'ends', ...exits.map(text => `  ${text}`)
  ].join('\n')
}

/** man(7): a backslash, a hyphen and a line that begins with a dot or an apostrophe mean something else there. */
const roff = (text: string): string => text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^(?=[.'])/gm, '\\&')

export function manPage (): string {
  const commands = commandNames.flatMap(name => {
    const { summary, forms, flags, examples, exits = [] }: CommandUsage = usage[name]
    return [
      `.SS ${name}`,
      ...forms.flatMap(form => ['.B', roff(line(name, form)), '.br']),
      roff(`${summary}.`),
      ...Object.entries(flags).flatMap(([flag, said]) => ['.TP', `.B ${roff(flagText(flag, said))}`, roff(flagMeaning(said))]),
      ...examples.flatMap(([example, what]) => ['.TP', `.B ${roff(`core-provisioner ${example}`)}`, roff(what)]),
      ...exits.length === 0 ? [] : ['.PP', roff(`Ends ${exits.join('; ')}.`)]
    ]
  })
  return [
    `.TH CORE\\-PROVISIONER 8 "" "core\\-provisioner ${programVersion()}"`,
    '.SH NAME', 'core\\-provisioner \\- netboots machines: DHCP, TFTP and a Matchbox\\-compatible HTTP API in one process',
    '.SH SYNOPSIS', '.B core\\-provisioner', '.I COMMAND', '[arguments]',
    '.SH COMMANDS', ...commands,
    '.SH EXIT STATUS', ...exitStatuses.flatMap(text => ['.TP', `.B ${text.slice(0, 1)}`, roff(text.slice(2))]),
    '.SH FILES', '.TP', '.I /etc/core\\-provisioner/config.yaml', 'the configuration', '.TP', '.I /var/lib/matchbox', 'groups, profiles, configs and assets',
    '.TP', '.I /var/lib/core\\-provisioner', 'leases, records of machines, the state of the image mirror'
  ].join('\n')
}
