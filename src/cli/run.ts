// The command line: which command, and how its errors are told.
import { programVersion } from '../base/bundled.js'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { type Command, type Io, print } from './command.js'

/** Each is loaded when it is called, and what it needs with it; only the list of all loads all. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.js')).serveCommand,
  check: async () => (await import('./check.js')).checkCommand,
  certs: async () => (await import('./certs.js')).certsCommand,
  render: async () => (await import('./render.js')).renderCommand,
  transpile: async () => (await import('./transpile.js')).transpileCommand,
  hosts: async () => (await import('./hosts.js')).hostsCommand,
  machines: async () => (await import('./machines.js')).machinesCommand,
  leases: async () => (await import('./leases.js')).leasesCommand,
  images: async () => (await import('./images.js')).imagesCommand,
  updates: async () => (await import('./updates.js')).updatesCommand,
  reboots: async () => (await import('./reboots.js')).rebootsCommand,
  doctor: async () => (await import('./doctor.js')).doctorCommand,
  compare: async () => (await import('./compare.js')).compareCommand,
  takeover: async () => (await import('./takeover.js')).takeoverCommand
}

async function help (): Promise<string> {
  const all = await Promise.all(Object.values(commands).map(async load => await load()))
  const width = Math.max(...all.map(({ name }) => name.length))
  return [
    'usage: core-provisioner COMMAND [arguments]',
    ...all.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
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
    print(io.stdout, await help())
    return 0
  }
  const command = name === undefined || !Object.hasOwn(commands, name) ? undefined : await commands[name]?.()
  if (command === undefined) {
    print(io.stderr, name === undefined ? await help() : `core-provisioner: no command ${JSON.stringify(name)}; see core-provisioner --help`)
    return 2
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    print(io.stdout, `usage: core-provisioner ${command.name} ${command.synopsis}\n${command.summary}`)
    return 0
  }
  try {
    return await command.run(rest, io)
  } catch (error) {
    const told = toldAs(error)
    if (told === undefined) throw error
    // <3> is what the journal knows as an error.
    print(io.stderr, `${io.journal ? '<3>' : ''}core-provisioner ${command.name}: ${inOneLine(told.message)}`)
    return told.kind === 'usage' ? 2 : 1
  }
}

/** What a person is told of an error; undefined for a fault of the program, which says where it is. */
function toldAs (error: unknown): AppError | undefined {
  if (error instanceof AppError) return error
  // What the system refused names the call and the path.
  if (errnoOf(error) === '' || !(error instanceof Error) || !('syscall' in error)) return undefined
  const hint = ['EACCES', 'EPERM'].includes(errnoOf(error)) ? ' (this needs root, or the user of the service)' : ''
  return new AppError(hint === '' ? 'read_failed' : 'permission_denied', `${messageOf(error)}${hint}`, { cause: error })
}

function inOneLine (message: string): string {
  const [first = '', ...more] = message.split('\n')
  return more.length === 0 ? first : `${first} (and ${more.length} more; core-provisioner check tells all)`
}
