// The command line: which command, and how its errors are told.
import { programVersion } from '../base/bundled.js'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { type Command, type Io, print } from './command.js'
import { slipIn } from './slips.js'
import { type CommandName, isCommand } from './usage.js'

/** Each is loaded when it is called, and what it needs with it. */
const commands: Readonly<Record<CommandName, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.js')).serveCommand,
  check: async () => (await import('./check.js')).checkCommand,
  certs: async () => (await import('./certs.js')).certsCommand,
  render: async () => (await import('./render.js')).renderCommand,
  transpile: async () => (await import('./transpile.js')).transpileCommand,
  hosts: async () => (await import('./hosts.js')).hostsCommand,
  machines: async () => (await import('./machines.js')).machinesCommand,
  leases: async () => (await import('./leases.js')).leasesCommand,
  images: async () => (await import('./images.js')).imagesCommand,
  store: async () => (await import('./store.js')).storeCommand,
  updates: async () => (await import('./updates.js')).updatesCommand,
  reboots: async () => (await import('./reboots.js')).rebootsCommand,
  ui: async () => (await import('./ui.js')).uiCommand,
  doctor: async () => (await import('./doctor.js')).doctorCommand,
  compare: async () => (await import('./compare.js')).compareCommand,
  takeover: async () => (await import('./takeover.js')).takeoverCommand,
  setup: async () => (await import('./setup.js')).setupCommand,
  try: async () => (await import('./try.js')).tryCommand,
  completion: async () => (await import('./completion.js')).completionCommand,
  help: async () => (await import('./help.js')).helpCommand
}

/** Runs the command named by the first argument; resolves with the exit status. */
export async function run (args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args
  if (name === '--version' || name === '-V') {
    print(io.stdout, programVersion())
    return 0
  }
  const help = async (): Promise<typeof import('./help.js')> => await import('./help.js')
  if (name === undefined || name === '--help' || name === '-h') {
    print(name === undefined ? io.stderr : io.stdout, (await help()).allCommands())
    return name === undefined ? 2 : 0
  }
  if (!isCommand(name)) {
    print(io.stderr, `core-provisioner: ${(await help()).unknownCommand(name)}`)
    return 2
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    print(io.stdout, (await help()).commandHelp(name))
    return 0
  }
  const slip = slipIn(name, rest)
  if (slip !== undefined) {
    print(io.stderr, `core-provisioner ${name}: ${slip}`)
    return 2
  }
  const command = await commands[name]()
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
