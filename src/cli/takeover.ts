// takeover: Matchbox's settings, read from what systemd says of its unit, as an environment file for this service.
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { formatEnvironmentFile } from '../config/environment-file.js'
import { settingsOfUnit } from '../inventory/matchbox-unit.js'
import { parse } from './arguments.js'
import { type Command, print } from './command.js'

export const takeoverCommand: Command = {
  name: 'takeover',
  synopsis: '(reads the output of systemctl show matchbox.service)',
  summary: 'the settings of a matchbox.service, as an environment file',
  run: async (args, io) => {
    parse(args, {})
    const { environment, notes } = settingsOfUnit(await text(io.stdin), file => {
      try {
        return readFileSync(file, 'utf8')
      } catch {
        return undefined
      }
    })
    io.stdout.write(formatEnvironmentFile(environment))
    for (const note of notes) print(io.stderr, `note: ${note}`)
    return 0
  }
}
