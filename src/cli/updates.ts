// updates: how far installed machines are with their updates, and holding or letting go a group of them.
import { systemClock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import type { UpdatesShown } from '../control/update-routes.js'
import { configOptions, parse } from './arguments.js'
import { configOnce } from './service-config.js'
import { type Command, type Io, print, printJson, shownTime, table } from './command.js'
import { askJson } from './control-client.js'

export const updatesCommand: Command = {
  name: 'updates',
  run: async (args, io) => {
    const { values, positionals: [action, group, version] } = parse(args, { ...configOptions, json: { type: 'boolean' } }, 3)
    const { control_socket: socket } = (await configOnce(values, io)).config
    if (action === 'list' && group === undefined) {
      const shown = await askJson(socket, 'GET', '/v1/updates') as UpdatesShown
      if (values.json === true) printJson(io.stdout, shown)
      else print(io.stdout, inTables(shown, io))
      return 0
    }
    const isWhole = group !== undefined && (action === 'approve' ? version !== undefined : ['pause', 'resume'].includes(action ?? '') && version === undefined)
    if (!isWhole) throw new AppError('usage', 'expected list, pause or resume and a group, or approve, a group and a version')
    const query = version === undefined ? '' : `?version=${encodeURIComponent(version)}`
    const answer = await askJson(socket, 'POST', `/v1/updates/${encodeURIComponent(group)}/${action}${query}`)
    if (values.json === true) printJson(io.stdout, answer)
    else print(io.stdout, { pause: `${group} is paused`, resume: `${group} goes on`, approve: `${group} may go to ${version}` }[action ?? ''] ?? '')
    return 0
  }
}

function inTables ({ groups, machines }: UpdatesShown, io: Io): string {
  const ofGroups = table(['group', 'os', 'follows', 'state', 'machines', 'updating', 'failed'], groups.map(({ group, os, follows, state, machines: count, underWay, failed }) =>
    [group, os, follows, state, String(count), String(underWay), String(failed)]))
  const reasons = groups.filter(({ reason }) => reason !== undefined).map(({ group, reason }) => `${group}: ${reason}; core-provisioner updates resume ${group} lets it go on`)
  const ofMachines = table(['machine', 'group', 'address', 'version', 'status', 'to', 'since', 'error'], machines.map(({ id, alias, group, address, version, status, granted = '', since, error = '' }) =>
    [alias ?? id, group, address, version, status, granted, shownTime(since, io, systemClock.now()), error]))
  return [ofGroups, ...reasons, ...machines.length === 0 ? [] : ['', ofMachines]].join('\n')
}
