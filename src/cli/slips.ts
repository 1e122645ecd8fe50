// What the table of commands knows to be wrong before a command looks: a word that is nearly one of its own, a value that is nearly
// one of its flag's. Of others it says itself what is wrong.
import { didYouMean } from '../base/nearest.js'
import { type CommandName, type FlagUsage, usage } from './usage.js'

/** What is wrong, in a line; undefined where the command itself is to judge. */
export function slipIn (name: CommandName, args: readonly string[]): string | undefined {
  const { words = [], flags } = usage[name]
  const [first = ''] = args
  const meant = words.includes(first) ? '' : didYouMean(first, words)
  return meant === '' ? valueSlip(flags, args) : `expected one of ${words.join(', ')}, not ${JSON.stringify(first)}${meant}`
}

function valueSlip (flags: Readonly<Record<string, FlagUsage>>, args: readonly string[]): string | undefined {
  for (let at = 0; at < args.length && args[at] !== '--'; at++) {
    const [, flag = '', written] = /^--([\w-]+)(?:=(.*))?$/s.exec(args[at] ?? '') ?? []
    const said = Object.hasOwn(flags, flag) ? flags[flag] : undefined
    if (said?.value === undefined) continue
    const value = written ?? args[++at]
    if (value === undefined || said.among?.includes(value) !== false) continue
    const meant = didYouMean(value, said.among)
    if (meant !== '') return `--${flag} takes one of ${said.among.join(', ')}, not ${JSON.stringify(value)}${meant}`
  }
  return undefined
}
