// The command line: which command, and how its errors are told.
import { setTimeout as sleep } from 'node:timers/promises'
import { programVersion } from '../base/bundled.js'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { visibleJson, visibleText } from '../base/visible-text.js'
import { type Command, CommandError, errorJson, Interrupted, type Io, print, printJson } from './command.js'
import { slipIn } from './slips.js'
import { type CommandName, isCommand, usage } from './usage.js'

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
  const json = asksJson(args)
  const misused = (said: string, message: string): number => {
    print(io.stderr, `${said}: ${message.split('\n').map(visibleText).join('\n')}`)
    if (json) printError(errorJson('usage', message), io)
    return 2
  }
  if (name === '--version' || name === '-V') {
    if (json) printJson(io.stdout, { version: programVersion() })
    else print(io.stdout, programVersion())
    return 0
  }
  const help = async (): Promise<typeof import('./help.js')> => await import('./help.js')
  if (name === undefined || name === '--help' || name === '-h') {
    if (json) printJson(io.stdout, usage)
    else print(name === undefined ? io.stderr : io.stdout, (await help()).allCommands())
    return name === undefined ? 2 : 0
  }
  if (!isCommand(name)) return misused('core-provisioner', (await help()).unknownCommand(name))
  if (rest.includes('--help') || rest.includes('-h')) {
    if (json) printJson(io.stdout, usage[name])
    else print(io.stdout, (await help()).commandHelp(name))
    return 0
  }
  const slip = slipIn(name, rest)
  if (slip !== undefined) return misused(`core-provisioner ${name}`, slip)
  const command = await commands[name]()
  try {
    let isHeld = false
    const ended = command.run(rest, io, () => { isHeld = true })
    if (command.endsInOrder?.(rest) === true) return await ended
    ended.catch(() => {})
    return await Promise.race([ended, interrupted(io, () => isHeld)])
  } catch (error) {
    const told = toldAs(error)
    if (json) {
      const shown = error instanceof CommandError ? error.shown : undefined
      printError({ ...shown, ...errorJson(told?.code ?? 'internal', messageOf(told ?? error)) }, io)
    }
    if (told === undefined) throw error
    // <3> is what the journal knows as an error.
    print(io.stderr, `${io.journal ? '<3>' : ''}core-provisioner ${command.name}: ${visibleText(inOneLine(told.message))}`)
    return error instanceof Interrupted ? error.status : told.kind === 'usage' ? 2 : 1
  }
}

/** Milliseconds in which a command that writes may come to its end. */
const moment = 1000

/** Rejects when a signal ends the command. What is printed to nobody is still done. */
async function interrupted ({ stop }: Io, isHeld: () => boolean): Promise<never> {
  const signal = await stop
  if (signal !== 'SIGPIPE') await sleep(moment)
  if (signal === 'SIGPIPE' || isHeld()) return await new Promise(() => {})
  throw new Interrupted(signal)
}

/** Whether what is printed is for programs, errors too; asked of arguments that may be wrong otherwise. */
function asksJson ([name = '', ...rest]: readonly string[]): boolean {
  const before = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : undefined)
  if (name === '--json' || before.includes('--json')) return true
  if (!isCommand(name) || usage[name].flags['format']?.among?.includes('json') !== true) return false
  return before.some((arg, at) => arg === '--format=json' || (arg === '--format' && before[at + 1] === 'json'))
}

/** In one line, so that lines of JSON stay such. */
const printError = (document: object, { stdout }: Io): void => { print(stdout, visibleJson(JSON.stringify(document))) }

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
