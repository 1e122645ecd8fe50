// check: reads the configuration as serve would, and prints what would listen, from what, and what is amiss.
import { planFor } from '../wiring/plan.js'
import { systemClock } from '../base/clock.js'
import { createLog } from '../base/log.js'
import { AppError } from '../base/errors.js'
import { configFrom, configOptions, parse } from './arguments.js'
import { type Command, print, printJson, table } from './command.js'

export const checkCommand: Command = {
  name: 'check',
  synopsis: '[--config FILE] [--set key=value ...] [--json]',
  summary: 'validate the configuration, print what would listen',
  run: async (args, io) => {
    const { values } = parse(args, { ...configOptions, json: { type: 'boolean' } })
    let plan
    try {
      const log = createLog({ level: 'error', pretty: false, destination: io.stderr })
      plan = await planFor(configFrom(values, io), { clock: systemClock, log, passphrase: io.env['MATCHBOX_PASSPHRASE'] ?? '' })
    } catch (error) {
      // All that is wrong, a line each: whoever checks wants to mend it in one go.
      if (!(error instanceof AppError) || error.code !== 'config_invalid') throw error
      if (values.json === true) printJson(io.stdout, { problems: error.message.split('\n') })
      else print(io.stderr, error.message)
      return 1
    }
    if (values.json === true) {
      printJson(io.stdout, plan)
    } else {
      print(io.stdout, `configuration: ${plan.sources.join(', ') || 'the defaults'}\n`)
      print(io.stdout, table(['listens', 'on', ''], plan.listeners.map(({ protocol, address, what }) => [protocol, address, what])))
      print(io.stdout, `\n${table(['reads', 'at', ''], plan.paths)}`)
      for (const note of plan.notes) print(io.stderr, `note: ${note}`)
      for (const problem of plan.problems) print(io.stderr, `problem: ${problem}`)
    }
    return plan.problems.length === 0 ? 0 : 1
  }
}
