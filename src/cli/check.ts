// check: reads the configuration as serve would, and prints what would listen, from what, and what is amiss.
import { systemClock } from '../base/clock.js'
import { createLog } from '../base/log.js'
import { AppError } from '../base/errors.js'
import type { Finding } from '../doctor/finding.js'
import { type Plan, planFor } from '../doctor/plan.js'
import { eyesOf, eyesOptions, parse } from './arguments.js'
import { type Command, print, printJson, table } from './command.js'

export const checkCommand: Command = {
  name: 'check',
  synopsis: '[--as USER] [--env-file FILE] [--config FILE] [--set key=value ...] [--json]',
  summary: 'validate the configuration, print what would listen',
  run: async (args, io) => {
    const { values } = parse(args, { ...eyesOptions, json: { type: 'boolean' } })
    let plan: Plan
    try {
      const log = createLog({ level: 'error', pretty: false, destination: io.stderr })
      const { loaded, env } = eyesOf(values, io)
      plan = await planFor(loaded, { clock: systemClock, log, passphrase: env['MATCHBOX_PASSPHRASE'] ?? '', env })
    } catch (error) {
      // All that is wrong, a line each: whoever checks wants to mend it in one go.
      if (!(error instanceof AppError) || error.code !== 'config_invalid') throw error
      if (values.json === true) printJson(io.stdout, { problems: error.message.split('\n') })
      else print(io.stderr, error.message)
      return 1
    }
    const { sources, dhcp, paths, findings } = plan
    const listeners = plan.listeners.map(({ row, address, what }) => ({ protocol: row.name, address, what }))
    const texts = (wanted: Finding['level']): readonly string[] => findings.filter(({ level }) => level === wanted).map(({ text }) => text)
    const problems = texts('problem')
    if (values.json === true) {
      printJson(io.stdout, { sources, listeners, dhcp, paths, problems, warnings: texts('warning'), notes: texts('note') })
    } else {
      print(io.stdout, `configuration: ${sources.join(', ') || 'the defaults'}\n`)
      print(io.stdout, table(['listens', 'on', ''], listeners.map(({ protocol, address, what }) => [protocol, address, what])))
      print(io.stdout, `\n${table(['reads', 'at', ''], paths)}`)
      for (const text of texts('note')) print(io.stderr, `note: ${text}`)
      for (const text of texts('warning')) print(io.stderr, `warning: ${text}`)
      for (const text of problems) print(io.stderr, `problem: ${text}`)
    }
    return problems.length === 0 ? 0 : 1
  }
}
