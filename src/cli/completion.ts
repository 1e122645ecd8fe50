// completion: a script for a shell, made of the table of commands. It holds all that it says: nothing is started while somebody types.
import { AppError } from '../base/errors.js'
import { parse } from './arguments.js'
import { type Command, print, printJson } from './command.js'
import { commandNames, type FlagUsage, usage } from './usage.js'

const shells = { bash, zsh, fish } as const

export const completionCommand: Command = {
  name: 'completion',
  run: async (args, io) => {
    const { values, positionals: [shell = ''] } = parse(args, { json: { type: 'boolean' } }, 1)
    if (!Object.hasOwn(shells, shell)) throw new AppError('usage', `expected one of ${Object.keys(shells).join(', ')}`)
    const script = shells[shell as keyof typeof shells]()
    if (values.json === true) printJson(io.stdout, { shell, script })
    else print(io.stdout, script)
    return 0
  }
}

const flagsOf = (name: keyof typeof usage): ReadonlyArray<readonly [string, FlagUsage]> => Object.entries(usage[name].flags)
const wordsOf = (name: keyof typeof usage): readonly string[] => name === 'help' ? commandNames : usage[name].words ?? []

/** Single quotes, and what a shell needs for one inside them. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** What bash does for the flag's value; readline knows best how to complete and quote names of files. */
function bashValues ({ value, among }: FlagUsage): string {
  if (among !== undefined) return `words=${quoted(among.join(' '))}`
  const known: Readonly<Record<string, string>> = {
    DIR: 'compopt -o dirnames',
    FILE: 'compopt -o default',
    INTERFACE: 'words=$(cd /sys/class/net && echo *)',
    USER: 'words=$(compgen -u)'
  }
  return known[value ?? ''] ?? ':'
}

function bash (): string {
  const spelled = ([flag, { short }]: readonly [string, FlagUsage]): readonly string[] => [`--${flag}`, ...short === undefined ? [] : [`-${short}`]]
  const cases = commandNames.map(name => {
    const flags = flagsOf(name)
    const valued = flags.filter(([, { value }]) => value !== undefined)
    const values = valued.map(said => `        ${spelled(said).join('|')}) ${bashValues(said[1])} ;;`)
    return `    ${name})
      flags=${quoted([...flags.map(([flag]) => `--${flag}`), '--help'].join(' '))}
      valued=${quoted(` ${valued.flatMap(spelled).join(' ')} `)}
      first=${quoted(wordsOf(name).join(' '))}
      case $flag in
${[...values, '        *) flag= ;;'].join('\n')}
      esac ;;`
  })
  return `# bash completion of core-provisioner
_core_provisioner () {
  local cur=\${COMP_WORDS[COMP_CWORD]} flag=\${COMP_WORDS[COMP_CWORD-1]} words='' flags='' valued='' first='' word at=2 operands=0 ended=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted([...commandNames, '--help', '--version'].join(' '))} -- "$cur"))
    return
  fi
  # A flag, = and the value are three words here.
  if [ "$cur" = = ]; then cur=''; elif [ "$flag" = = ]; then flag=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for word in "\${COMP_WORDS[@]:2:COMP_CWORD-2}"; do [ "$word" != -- ] || flag=''; done
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
    *) return ;;
  esac
  if [ -n "$flag" ]; then
    if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$cur")); fi
    return
  fi
  while [ "$at" -lt "$COMP_CWORD" ]; do
    word=\${COMP_WORDS[at]}
    if [ -n "$ended" ]; then operands=$((operands + 1))
    elif [ "$word" = -- ]; then ended=yes
    elif [[ $word != -* ]]; then operands=$((operands + 1))
    elif [[ $valued == *" $word "* ]]; then
      at=$((at + 1))
      if [ "\${COMP_WORDS[at]}" = = ]; then at=$((at + 1)); fi
    fi
    at=$((at + 1))
  done
  if [[ -z $ended && $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [ "$operands" -eq 0 ] && [ -n "$first" ]; then COMPREPLY=($(compgen -W "$first" -- "$cur"))
  else compopt -o default; fi
}
complete -F _core_provisioner core-provisioner`
}

/** Completed by zsh: `:FILE:_files`. */
function zshValues ({ value, among }: FlagUsage): string {
  const known: Readonly<Record<string, string>> = { DIR: '_files -/', FILE: '_files', INTERFACE: '_net_interfaces', USER: '_users' }
  return value === undefined ? '' : `:${value}:${among === undefined ? known[value] ?? '' : `(${among.join(' ')})`}`
}

function zsh (): string {
  const inBrackets = (text: string): string => text.replaceAll('[', '(').replaceAll(']', ')').replaceAll(':', ' ').replaceAll("'", '')
  const flag = ([name, said]: readonly [string, FlagUsage]): string => {
    const rest = `[${inBrackets(said.what)}]${zshValues(said)}'`
    const often = said.repeats === true ? '*' : ''
    return `'${often}--${name}${said.value === undefined ? '' : '='}${rest}${said.short === undefined ? '' : ` '${often}-${said.short}${rest}`}`
  }
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
${commandNames.map(name => `    ${name}) _arguments -S ${[...flagsOf(name).map(flag), `'1:word:${wordsOf(name).length === 0 ? '_files' : `(${wordsOf(name).join(' ')})`}'`, "'*:file:_files'"].join(' ')} ;;`).join('\n')}
  esac
}
_core_provisioner "$@"`
}

function fish (): string {
  const known: Readonly<Record<string, string>> = { INTERFACE: '(__fish_print_interfaces)', USER: '(__fish_complete_users)', DIR: '(__fish_complete_directories)' }
  const values = ({ value = '', among }: FlagUsage): readonly string[] => {
    const list = among?.join(' ') ?? known[value]
    return value === '' ? [] : value === 'FILE' ? ['-r', '-F'] : ['-x', ...list === undefined ? [] : ['-a', quoted(list)]]
  }
  const flag = (command: string, [name, said]: readonly [string, FlagUsage]): string => [
    'complete -c core-provisioner -n', quoted(`__fish_seen_subcommand_from ${command}`), '-l', name,
    ...said.short === undefined ? [] : ['-s', said.short], ...values(said), '-d', quoted(said.what)
  ].join(' ')
  return [
    '# fish completion of core-provisioner',
    ...commandNames.map(name => `complete -c core-provisioner -n __fish_use_subcommand -f -a ${name} -d ${quoted(usage[name].summary)}`),
    ...commandNames.flatMap(name => [
      // -f: until one of them stands there, it is no file that is meant.
      ...wordsOf(name).map(word => `complete -c core-provisioner -n ${quoted(`__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from ${wordsOf(name).filter(other => other !== name).join(' ')}`)} -f -a ${word}`),
      ...flagsOf(name).map(said => flag(name, said))
    ])
  ].join('\n')
}
