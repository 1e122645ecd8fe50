// transpile: a Container Linux Config or a Butane config to Ignition, with the report on standard error.
import { buffer } from 'node:stream/consumers'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { readWhole } from '../disk/whole-file.js'
import { jsonText } from '../go/json.js'
import { formatReport, isFatal } from '../ignition/report.js'
import { transpile } from '../ignition/transpile.js'
import { parse } from './arguments.js'
import { type Command, errorJson, type Io, print, printJson } from './command.js'

export const transpileCommand: Command = {
  name: 'transpile',
  run: async (args, io) => {
    const { values, positionals } = parse(args, { pretty: { type: 'boolean' }, strict: { type: 'boolean' }, json: { type: 'boolean' } }, 1)
    const file = positionals[0] ?? '-'
    const { config, report } = transpile(await read(file, io))
    const text = formatReport(report, file === '-' ? 'stdin' : file)
    const failed = config === undefined || isFatal(report) || (values.strict === true && report.length > 0)
    if (values.json === true) {
      const said = report.map(({ words, ...entry }) => ({ ...entry, message: words ?? entry.message }))
      const translated = config === undefined ? undefined : JSON.parse(jsonText(config)) as unknown
      printJson(io.stdout, { config: translated, report: said, ...failed && errorJson('ignition_invalid', text) })
      return failed ? 1 : 0
    }
    if (text !== '') print(io.stderr, text)
    if (failed) return 1
    print(io.stdout, jsonText(config, values.pretty === true ? '  ' : ''))
    return 0
  }
}

async function read (file: string, { stdin }: Io): Promise<Buffer> {
  if (file === '-') return await buffer(stdin)
  try {
    return await readWhole(file, 'lists')
  } catch (error) {
    throw new AppError('config_missing', errnoOf(error) === 'ENOENT' ? `there is no file ${file}` : `cannot read ${file}: ${messageOf(error)}`)
  }
}
