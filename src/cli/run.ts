// The command line: which command, and how its errors are told.
import { programVersion } from '../base/bundled.js'
import { AppError } from '../base/errors.js'
import { certsCommand } from './certs.js'
import { checkCommand } from './check.js'
import { type Command, type Io, print } from './command.js'
import { doctorCommand } from './doctor.js'
import { imagesCommand } from './images.js'
import { leasesCommand } from './leases.js'
import { machinesCommand } from './machines.js'
import { renderCommand } from './render.js'
import { serveCommand } from './serve.js'
import { transpileCommand } from './transpile.js'

export const commands: readonly Command[] = [
  serveCommand,
  checkCommand,
  certsCommand,
  renderCommand,
  transpileCommand,
  machinesCommand,
  leasesCommand,
  imagesCommand,
  doctorCommand
]

function help (): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  return [
    'usage: core-provisioner COMMAND [arguments]',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    'core-provisioner COMMAND --help shows the arguments; --version the version.'
  ].join('\n')
}

/** Runs the command named by the first argument; resolves with the exit status. */
export async function run (args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args
  if (name === '--version' || name === '-V') {
    print(io.stdout, programVersion())
    return 0
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    print(io.stdout, help())
    return 0
  }
  const command = commands.find(candidate => candidate.name === name)
  if (command === undefined) {
    print(io.stderr, name === undefined ? help() : `core-provisioner: no command ${JSON.stringify(name)}; see core-provisioner --help`)
    return 2
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    print(io.stdout, `usage: core-provisioner ${command.name} ${command.synopsis}\n${command.summary}`)
    return 0
  }
  try {
    return await command.run(rest, io)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    // <3> is what the journal knows as an error.
    print(io.stderr, `${io.journal ? '<3>' : ''}core-provisioner ${command.name}: ${inOneLine(error.message)}`)
    return error.kind === 'usage' ? 2 : 1
  }
}

function inOneLine (message: string): string {
  const [first = '', ...more] = message.split('\n')
  return more.length === 0 ? first : `${first} (and ${more.length} more; core-provisioner check tells all)`
}
