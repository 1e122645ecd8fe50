// machines: what the running appliance has seen of machines.
import { systemClock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { measure, timeUnits } from '../base/units.js'
import type { MachineShown, StageShown } from '../control/machine-shown.js'
import { configFrom, configOptions, parse } from './arguments.js'
import { type Command, print, printJson, table } from './command.js'
import { askJson, events } from './control-client.js'
import { visibleJson, visibleText } from '../base/visible-text.js'

export const machinesCommand: Command = {
  name: 'machines',
  synopsis: 'list [--stuck] [--unknown] [--since 10m] [--csv] | show MAC | watch | reset MAC [--config FILE] [--json]',
  summary: 'what has been seen of machines',
  run: async (args, io) => {
    const { values, positionals: [action = '', mac] } = parse(args, { ...configOptions, ...filterOptions, json: { type: 'boolean' } }, 2)
    const json = values.json === true
    const now = systemClock.now()
    const { control_socket: socket } = configFrom(values, io).config
    const one = `/v1/machines/${encodeURIComponent(mac ?? '')}`
    if (action === 'list' && mac === undefined) {
      const machines = await askJson(socket, 'GET', `/v1/machines${queryOf(values, now)}`) as readonly MachineShown[]
      if (json) printJson(io.stdout, machines)
      else if (values.csv === true) print(io.stdout, [columns, ...machines.map(machine => row(machine))].map(csvLine).join('\n'))
      else print(io.stdout, table(columns, machines.map(machine => row(machine, io.terminal ? now : undefined))))
    } else if (action === 'show' && mac !== undefined) {
      const machine = await askJson(socket, 'GET', one) as MachineShown
      if (json) printJson(io.stdout, machine)
      else print(io.stdout, shownAlone(machine, io.terminal ? now : undefined))
    } else if (action === 'watch' && mac === undefined) {
      for await (const event of events(socket, '/v1/events', io.stop)) print(io.stdout, json ? visibleJson(JSON.stringify(event)) : visibleText(line(event as StageShown)))
    } else if (action === 'reset' && mac !== undefined) {
      const answer = await askJson(socket, 'POST', `${one}/reset`)
      if (json) printJson(io.stdout, answer)
      else print(io.stdout, `${mac} starts over`)
    } else {
      throw new AppError('usage', 'expected list, show and a MAC, watch, or reset and a MAC')
    }
    return 0
  }
}

const filterOptions = { stuck: { type: 'boolean' }, unknown: { type: 'boolean' }, csv: { type: 'boolean' }, since: { type: 'string' } } as const

function queryOf ({ stuck, unknown, since }: { stuck?: boolean, unknown?: boolean, since?: string }, now: number): string {
  const age = since === undefined ? undefined : measure(since, timeUnits)
  if (since !== undefined && age === undefined) throw new AppError('usage', `--since ${since}: expected a time such as 30s, 10m, 1h or 2d`)
  const query = new URLSearchParams()
  if (stuck === true) query.set('stuck', 'true')
  if (unknown === true) query.set('unknown', 'true')
  if (age !== undefined) query.set('since', new Date(now - age).toISOString())
  return query.size === 0 ? '' : `?${query.toString()}`
}

const columns = ['mac', 'stage', 'address', 'group', 'profile', 'seen', 'architecture', 'trouble']

/** `now` (epoch milliseconds) for a person, who is told how long ago it was. */
const row = ({ mac, stage, address, group, profile, lastSeen, architecture, trouble }: MachineShown, now?: number): readonly string[] =>
  [mac, stage, address, group, profile, now === undefined ? lastSeen : ago(now - Date.parse(lastSeen)), architecture, trouble?.reason].map(cell => cell ?? '-')

/** `3 s ago` */
function ago (milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const [unit, size] = ([['d', 86_400], ['h', 3600], ['min', 60]] as const).find(([, size]) => seconds >= 2 * size) ?? ['s', 1]
  return `${Math.floor(seconds / size)} ${unit} ago`
}

/** RFC 4180. */
const csvLine = (cells: readonly string[]): string => cells.map(cell => /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell).join(',')

function shownAlone (machine: MachineShown, now: number | undefined): string {
  const { trouble, history = [] } = machine
  return [
    table(columns.slice(0, -1), [row(machine, now).slice(0, -1)]),
    ...trouble === undefined ? [] : [`${visibleText(trouble.reason)}\nLook at: ${visibleText(trouble.look)}`],
    timeline(machine),
    ...history.length === 0
      ? []
      : [table(['earlier boots', 'seconds', 'stage', ''], history.map(({ at, ms, stage = '-', reason = '' }) => [at, (ms / 1000).toFixed(1), stage, reason]))]
  ].join('\n\n')
}

const timeline = (machine: MachineShown): string => table(['seconds', 'stage', ''], machine.timeline.map(({ ms, stage, ...said }) =>
  [(ms / 1000).toFixed(1), stage, remark(said)]))

const line = ({ at, mac, stage, address = '-', ...said }: StageShown): string => [at, mac, address, stage, remark(said)].join('  ').trimEnd()

const remark = ({ detail = '', failed, warning }: Pick<StageShown, 'detail' | 'failed' | 'warning'>): string =>
  [detail, ...failed === undefined ? [] : [`failed: ${failed}`], ...warning === undefined ? [] : [`warning: ${warning}`]].join(' ').trim()
