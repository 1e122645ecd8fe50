// takeover: Matchbox's settings, read from what systemd says of its unit, as an environment file for this service.
import { text } from 'node:stream/consumers'
import { AppError } from '../base/errors.js'
import { formatEnvironmentFile } from '../config/environment-file.js'
import { settingsOfUnit, shownProperties } from '../inventory/matchbox-unit.js'
import { parse } from './arguments.js'
import { type Command, print, printJson } from './command.js'
import { unitFilesOnDisk } from './unit-files.js'

export const takeoverCommand: Command = {
  name: 'takeover',
  run: async (args, io) => {
    const { values } = parse(args, { json: { type: 'boolean' } })
    const shown = await text(io.stdin)
    const printed = shown.split('\n').map(line => line.slice(0, line.indexOf('=')))
    if (!shownProperties.some(property => printed.includes(property))) {
      throw new AppError('read_failed', 'standard input holds no properties of a unit: expected what systemctl show matchbox.service prints')
    }
    if (/^LoadState=not-found$/m.test(shown)) throw new AppError('read_failed', 'systemd has no such unit: its name stands in what systemctl list-units prints')
    const { environment, notes } = settingsOfUnit(shown, unitFilesOnDisk)
    if (values.json === true) {
      printJson(io.stdout, { environment: Object.fromEntries(environment), notes })
      return 0
    }
    io.stdout.write(formatEnvironmentFile(environment))
    for (const note of notes) print(io.stderr, `note: ${note}`)
    return 0
  }
}
