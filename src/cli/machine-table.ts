// Machines as a person reads them: rows of a table, of CSV, and one by itself.
import type { MachineShown, StageShown } from '../control/machine-shown.js'
import { ago } from '../base/units.js'
import { visibleText } from '../base/visible-text.js'
import { table } from './command.js'

const columns = ['mac', 'name', 'state', 'stage', 'address', 'group', 'profile', 'seen', 'architecture', 'trouble']

/** `now` (epoch milliseconds) for a person, who is told how long ago it was. */
function row (machine: MachineShown, now?: number): readonly string[] {
  const { mac, name, state, stage, address, group, profile, lastSeen, architecture, trouble } = machine
  const seen = now === undefined ? lastSeen : ago(now - Date.parse(lastSeen))
  return [mac, name, state, stage, address, group, profile, seen, architecture, trouble?.reason].map(cell => cell ?? '-')
}

export const machineTable = (machines: readonly MachineShown[], now: number | undefined): string =>
  table(columns, machines.map(machine => row(machine, now)))

export const machineCsv = (machines: readonly MachineShown[]): string => [columns, ...machines.map(machine => row(machine))].map(csvLine).join('\n')

/** RFC 4180; what a spreadsheet would run as a formula is text to it, and what a terminal would obey is shown. */
const csvLine = (cells: readonly string[]): string => cells.map(visibleText)
  .map(cell => /^[=+@\t]|^-./.test(cell) ? `'${cell}` : cell).map(cell => /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell).join(',')

export function machineAlone (machine: MachineShown, now: number | undefined): string {
  const { trouble, history = [], vendorClass, uuid, serial } = machine
  const facts = Object.entries({ 'vendor class': vendorClass, uuid, serial }).filter(([, value]) => value !== undefined)
  return [
    table(columns.slice(0, -1), [row(machine, now).slice(0, -1)]),
    ...facts.length === 0 ? [] : [facts.map(([what, value]) => `${what}: ${visibleText(value ?? '')}`).join('\n')],
    ...trouble === undefined ? [] : [`${visibleText(trouble.reason)}\nLook at: ${visibleText(trouble.look)}`],
    timeline(machine),
    ...history.length === 0
      ? []
      : [table(['earlier boots', 'seconds', 'stage', ''], history.map(({ at, ms, stage = '-', reason = '' }) => [now === undefined ? at : ago(now - Date.parse(at)), (ms / 1000).toFixed(1), stage, reason]))]
  ].join('\n\n')
}

const timeline = (machine: MachineShown): string => table(['seconds', 'stage', ''], machine.timeline.map(({ ms, stage, ...said }) =>
  [(ms / 1000).toFixed(1), stage, remark(said)]))

export const stageLine = ({ at, mac, stage, address = '-', ...said }: StageShown): string => visibleText([at, mac, address, stage, remark(said)].join('  ').trimEnd())

const remark = ({ detail = '', failed, warning }: Pick<StageShown, 'detail' | 'failed' | 'warning'>): string =>
  [detail, ...failed === undefined ? [] : [`failed: ${failed}`], ...warning === undefined ? [] : [`warning: ${warning}`]].join(' ').trim()
