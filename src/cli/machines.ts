// machines: what the running appliance has seen of machines, and what is to become of them.
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { counted, measure, timeUnits } from '../base/units.js'
import type { MachineShown, StageShown } from '../control/machine-shown.js'
import { configOptions, parse } from './arguments.js'
import { configOnce } from './service-config.js'
import { type Command, CommandError, type Io, print, printJson } from './command.js'
import { askJson, events, NotRunning } from './control-client.js'
import { machineAlone, machineCsv, machineTable, stageLine } from './machine-table.js'
import { allMachines, waitForAll } from './machines-wait.js'
import { visibleJson, visibleText } from '../base/visible-text.js'

const options = {
  ...configOptions,
  stuck: { type: 'boolean' },
  unknown: { type: 'boolean' },
  csv: { type: 'boolean' },
  since: { type: 'string' },
  json: { type: 'boolean' },
  all: { type: 'boolean' },
  stage: { type: 'string' },
  timeout: { type: 'string' },
  name: { type: 'string' },
  ip: { type: 'string' },
  profile: { type: 'string' },
  state: { type: 'string' }
} as const

const parsed = (args: readonly string[]) => parse(args, options, Infinity)

interface Called {
  readonly values: ReturnType<typeof parsed>['values']
  readonly operands: readonly string[]
  readonly socket: string
  readonly io: Io
  readonly now: number
}

interface Action {
  readonly takes: readonly string[]
  readonly operands: readonly [least: number, most: number]
  readonly run: (called: Called) => Promise<number>
}

/** What each action takes beside `--config`, `--set` and `--json`, and how many operands. */
const actions: Readonly<Record<string, Action>> = {
  list: { takes: ['stuck', 'unknown', 'since', 'csv'], operands: [0, 0], run: list },
  show: { takes: [], operands: [1, 1], run: show },
  watch: { takes: [], operands: [0, 0], run: watch },
  wait: { takes: ['all', 'stage', 'timeout'], operands: [0, Infinity], run: wait },
  reset: { takes: [], operands: [1, 1], run: reset },
  adopt: { takes: ['name', 'ip', 'profile'], operands: [1, 1], run: adopt },
  set: { takes: ['state'], operands: [1, 1], run: set }
}

export const machinesCommand: Command = {
  name: 'machines',
  endsInOrder: args => args.includes('watch'),
  run: async (args, io) => {
    const { values, positionals: [name = '', ...operands] } = parsed(args)
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (action === undefined) throw new AppError('usage', `expected one of ${Object.keys(actions).join(', ')}${name === '' ? '' : `, not ${JSON.stringify(name)}`}`)
    const [least, most] = action.operands
    if (operands.length < least) throw new AppError('usage', `${name} takes a machine`)
    if (operands.length > most) throw new AppError('usage', `unexpected argument ${JSON.stringify(operands[most])}`)
    const odd = Object.keys(values).find(option => !['config', 'set', 'json', ...action.takes].includes(option))
    if (odd !== undefined) throw new AppError('usage', `${name} takes no --${odd}`)
    return await action.run({ values, operands, socket: (await configOnce(values, io)).config.control_socket, io, now: systemClock.now() })
  }
}

const pathOf = (machine = ''): string => `/v1/machines/${encodeURIComponent(machine)}`

async function list ({ values, socket, io, now }: Called): Promise<number> {
  const machines = await askJson(socket, 'GET', `/v1/machines${queryOf(values, now)}`) as readonly MachineShown[]
  if (values.json === true) printJson(io.stdout, machines)
  else print(io.stdout, values.csv === true ? machineCsv(machines) : machineTable(machines, io.terminal ? now : undefined))
  return 0
}

function queryOf ({ stuck, unknown, since }: Called['values'], now: number): string {
  const age = since === undefined ? undefined : timeOf('since', since)
  const query = new URLSearchParams()
  if (stuck === true) query.set('stuck', 'true')
  if (unknown === true) query.set('unknown', 'true')
  if (age !== undefined) query.set('since', new Date(now - age).toISOString())
  return query.size === 0 ? '' : `?${query.toString()}`
}

function timeOf (option: string, text: string): number {
  const age = measure(text, timeUnits)
  if (age === undefined || age > longestTime) throw new AppError('usage', `--${option} ${text}: expected a time such as 30s, 10m, 1h or 2d`)
  return age
}

/** Ten years: further back there is no date. */
const longestTime = 3650 * 86_400_000

async function show ({ values, operands: [machine], socket, io, now }: Called): Promise<number> {
  const shown = await askJson(socket, 'GET', pathOf(machine)) as MachineShown
  if (values.json === true) printJson(io.stdout, shown)
  else print(io.stdout, machineAlone(shown, io.terminal ? now : undefined))
  return 0
}

/** Milliseconds between two attempts to reach an appliance that restarts. */
const again = 1000

async function watch ({ values, socket, io }: Called): Promise<number> {
  let stopped = false
  const stop = io.stop.then(() => { stopped = true })
  let last = ''
  let away = ''
  const say = (text: string): void => { print(io.stderr, `core-provisioner: ${text}`) }
  /** Once each time, and again where there is another reason than that nothing runs. */
  const waits = (why: string, error?: AppError): void => {
    if (stopped || away === why || (away !== '' && error instanceof NotRunning)) return
    say(`${why}; waiting until it is back`)
    away = why
  }
  for (;;) {
    try {
      for await (const { id, event, data } of events(socket, '/v1/events', stop, { last })) {
        if (id !== '') last = id
        if (event === 'gap') say(`some events were missed: ${String(Object(data)['reason'])}`)
        else if (event === 'message') print(io.stdout, values.json === true ? visibleJson(JSON.stringify(data)) : stageLine(data as StageShown))
        else if (event === 'open' && away !== '') {
          say('the appliance is back')
          away = ''
        }
      }
      waits('the appliance ended')
    } catch (error) {
      if (last === '' || !(error instanceof AppError)) throw error
      waits(error.message, error)
    }
    if (!stopped) await Promise.race([stop, sleep(again)])
    if (stopped) return 0
  }
}

async function wait ({ values, operands, socket, io, now }: Called): Promise<number> {
  const { all = false, stage = 'installed', timeout = '1h', json = false } = values
  if (all === (operands.length > 0)) throw new AppError('usage', 'wait takes machines, or --all')
  const until = now + timeOf('timeout', timeout)
  const awaited = all ? await allMachines(socket) : operands.map(machine => ({ names: [machine], called: machine }))
  if (awaited.length === 0) throw new AppError('refused', 'no group names a machine')
  const reached: string[] = []
  const late = await waitForAll(awaited, {
    socket,
    stage,
    until,
    now: systemClock.now,
    onReached: called => {
      reached.push(called)
      if (!json) print(io.stdout, visibleText(`${called}: ${stage}`))
    }
  })
  if (late.length > 0) {
    throw new CommandError('refused', `${late.length} of ${counted(awaited.length, 'machine')} ${late.length === 1 ? 'is' : 'are'} not ${stage} after ${timeout}: ${late.join('; ')}`, { stage, reached, late })
  }
  if (json) printJson(io.stdout, { stage, reached, late })
  return 0
}

async function reset ({ values, operands: [machine = ''], socket, io }: Called): Promise<number> {
  const answer = await askJson(socket, 'POST', `${pathOf(machine)}/reset`)
  if (values.json === true) printJson(io.stdout, answer)
  else print(io.stdout, visibleText(`${machine} starts over`))
  return 0
}

async function adopt ({ values, operands: [machine = ''], socket, io }: Called): Promise<number> {
  const { name, ip, profile } = values
  if (name === undefined || profile === undefined) throw new AppError('usage', 'adopt takes --name and --profile')
  const answer = await askJson(socket, 'POST', `${pathOf(machine)}/adopt`, { name, ip, profile })
  if (values.json === true) printJson(io.stdout, answer)
  else print(io.stdout, visibleText(`${machine} has the group ${String(Object(answer)['group'])}`))
  return 0
}

async function set ({ values, operands: [machine = ''], socket, io }: Called): Promise<number> {
  const { state } = values
  if (state === undefined) throw new AppError('usage', 'set takes --state')
  const answer = await askJson(socket, 'POST', `${pathOf(machine)}/state`, { state })
  if (values.json === true) printJson(io.stdout, answer)
  else print(io.stdout, visibleText(`${machine} is ${state}`))
  return 0
}
