// completion: a script for a shell, made of the table of commands. It holds all that it says: nothing is started while somebody types.
import { AppError } from '../base/errors.js'
import { parse } from './arguments.js'
import { type Command, print } from './command.js'
import { commandNames, type FlagUsage, usage } from './usage.js'

const shells = { bash, zsh, fish } as const

export const completionCommand: Command = {
  name: 'completion',
  run: async (args, io) => {
    const { positionals: [shell = ''] } = parse(args, {}, 1)
    if (!Object.hasOwn(shells, shell)) throw new AppError('usage', `expected one of ${Object.keys(shells).join(', ')}`)
    print(io.stdout, shells[shell as keyof typeof shells]())
    return 0
  }
}

const flagsOf = (name: keyof typeof usage): ReadonlyArray<readonly [string, FlagUsage]> => Object.entries(usage[name].flags)
const wordsOf = (name: keyof typeof usage): readonly string[] => name === 'help' ? commandNames : usage[name].words ?? []
const isPath = (value: string | undefined): boolean => value === 'FILE' || value === 'DIR'

/** Single quotes, and what a shell needs for one inside them. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** What the flag's value is completed to, as compgen takes it; '' for what nobody can know. */
function bashValues ({ value, among }: FlagUsage): string {
  if (among !== undefined) return `-W ${quoted(among.join(' '))}`
  return value === 'DIR' ? '-d' : value === 'FILE' ? '-f' : ''
}

function bash (): string {
  const cases = commandNames.map(name => {
    const flags = flagsOf(name)
    const valued = flags.filter(([, { value }]) => value !== undefined)
    const values = valued.map(([flag, said]) => `        --${flag}${said.short === undefined ? '' : `|-${said.short}`}) COMPREPLY=(${bashValues(said) === '' ? '' : `$(compgen ${bashValues(said)} -- "$cur")`}); return ;;`)
    return `    ${name})
${values.length === 0 ? '' : `      case $prev in\n${values.join('\n')}\n      esac\n`}      words=${quoted(wordsOf(name).join(' '))}
      flags=${quoted([...flags.map(([flag]) => `--${flag}`), '--help'].join(' '))} ;;`
  })
  return `# bash completion of core-provisioner
_core_provisioner () {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} words='' flags=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted([...commandNames, '--help', '--version'].join(' '))} -- "$cur"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")) ;;
    *)
      if [ "$COMP_CWORD" -eq 2 ] && [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$cur")); else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
  esac
}
complete -o filenames -F _core_provisioner core-provisioner`
}

function zsh (): string {
  const inBrackets = (text: string): string => text.replaceAll('[', '(').replaceAll(']', ')').replaceAll(':', ' ').replaceAll("'", '')
  const flag = ([name, { value, what, among, repeats }]: readonly [string, FlagUsage]): string =>
    `'${repeats === true ? '*' : ''}--${name}[${inBrackets(what)}]${value === undefined ? '' : `:${value}:${among !== undefined ? `(${among.join(' ')})` : value === 'DIR' ? '_files -/' : value === 'FILE' ? '_files' : ''}`}'`
  return `#compdef core-provisioner
# zsh completion of core-provisioner
_core_provisioner () {
  if (( CURRENT == 2 )); then
    local -a commands=(
${commandNames.map(name => `      '${name}:${inBrackets(usage[name].summary)}'`).join('\n')}
    )
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commandNames.map(name => `    ${name}) _arguments ${[...flagsOf(name).map(flag), `'1:word:${wordsOf(name).length === 0 ? '_files' : `(${wordsOf(name).join(' ')})`}'`, "'*:file:_files'"].join(' ')} ;;`).join('\n')}
  esac
}
_core_provisioner "$@"`
}

function fish (): string {
  const flag = (command: string, [name, { value, what, among, short }]: readonly [string, FlagUsage]): string => [
    'complete -c core-provisioner -n', quoted(`__fish_seen_subcommand_from ${command}`), '-l', name,
    ...short === undefined ? [] : ['-s', short],
    ...value === undefined ? [] : isPath(value) ? ['-r', '-F'] : ['-x', ...among === undefined ? [] : ['-a', quoted(among.join(' '))]],
    '-d', quoted(what)
  ].join(' ')
  return [
    '# fish completion of core-provisioner',
    ...commandNames.map(name => `complete -c core-provisioner -n __fish_use_subcommand -f -a ${name} -d ${quoted(usage[name].summary)}`),
    ...commandNames.flatMap(name => [
      ...wordsOf(name).map(word => `complete -c core-provisioner -n ${quoted(`__fish_seen_subcommand_from ${name}`)} -a ${word}`),
      ...flagsOf(name).map(said => flag(name, said))
    ])
  ].join('\n')
}
