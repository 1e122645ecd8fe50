// machines: what the running appliance has seen of machines.
import { AppError } from '../base/errors.js'
import type { MachineShown, StageShown } from '../control/machine-routes.js'
import { configFrom, configOptions, parse } from './arguments.js'
import { type Command, print, printJson, table } from './command.js'
import { askJson, events } from './control-client.js'
import { visibleJson, visibleText } from '../base/visible-text.js'

export const machinesCommand: Command = {
  name: 'machines',
  synopsis: 'list | show MAC | watch | reset MAC [--config FILE] [--json]',
  summary: 'what has been seen of machines',
  run: async (args, io) => {
    const { values, positionals: [action = '', mac] } = parse(args, { ...configOptions, json: { type: 'boolean' } }, 2)
    const json = values.json === true
    const { control_socket: socket } = configFrom(values, io).config
    const one = `/v1/machines/${encodeURIComponent(mac ?? '')}`
    if (action === 'list' && mac === undefined) {
      const machines = await askJson(socket, 'GET', '/v1/machines') as readonly MachineShown[]
      if (json) printJson(io.stdout, machines)
      else print(io.stdout, table(['mac', 'stage', 'address', 'group', 'profile', 'seen', 'architecture'], machines.map(row)))
    } else if (action === 'show' && mac !== undefined) {
      const machine = await askJson(socket, 'GET', one) as MachineShown
      if (json) printJson(io.stdout, machine)
      else print(io.stdout, `${table(['mac', 'stage', 'address', 'group', 'profile', 'seen', 'architecture'], [row(machine)])}\n\n${timeline(machine)}`)
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

const row = ({ mac, stage, address, group, profile, lastSeen, architecture }: MachineShown): readonly string[] =>
  [mac, stage, address, group, profile, lastSeen, architecture].map(cell => cell ?? '-')

const timeline = (machine: MachineShown): string => table(['seconds', 'stage', ''], machine.timeline.map(({ ms, stage, ...said }) =>
  [(ms / 1000).toFixed(1), stage, remark(said)]))

const line = ({ at, mac, stage, address = '-', ...said }: StageShown): string => [at, mac, address, stage, remark(said)].join('  ').trimEnd()

const remark = ({ detail = '', failed, warning }: Pick<StageShown, 'detail' | 'failed' | 'warning'>): string =>
  [detail, ...failed === undefined ? [] : [`failed: ${failed}`], ...warning === undefined ? [] : [`warning: ${warning}`]].join(' ').trim()
