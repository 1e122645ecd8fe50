// takeover: Matchbox's settings, read from what systemd says of its unit, as an environment file for this service.
import { text } from 'node:stream/consumers'
import { formatEnvironmentFile } from '../config/environment-file.js'
import { settingsOfUnit } from '../inventory/matchbox-unit.js'
import { parse } from './arguments.js'
import { type Command, print, printJson } from './command.js'
import { unitFilesOnDisk } from './unit-files.js'

export const takeoverCommand: Command = {
  name: 'takeover',
  run: async (args, io) => {
    const { values } = parse(args, { json: { type: 'boolean' } })
    const { environment, notes } = settingsOfUnit(await text(io.stdin), unitFilesOnDisk)
    if (values.json === true) {
      printJson(io.stdout, { environment: Object.fromEntries(environment), notes })
      return 0
    }
    io.stdout.write(formatEnvironmentFile(environment))
    for (const note of notes) print(io.stderr, `note: ${note}`)
    return 0
  }
}
