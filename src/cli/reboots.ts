// reboots: which installed machines may reboot now, and taking that back from one that never came up again.
import { systemClock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import type { RebootShown } from '../control/update-routes.js'
import { configOptions, parse } from './arguments.js'
import { configOnce } from './service-config.js'
import { type Command, print, printJson, shownTime, table } from './command.js'
import { askJson } from './control-client.js'

export const rebootsCommand: Command = {
  name: 'reboots',
  run: async (args, io) => {
    const { values, positionals: [action, id] } = parse(args, { ...configOptions, json: { type: 'boolean' } }, 2)
    const { control_socket: socket } = (await configOnce(values, io)).config
    if (action === 'list' && id === undefined) {
      const held = await askJson(socket, 'GET', '/v1/reboots') as readonly RebootShown[]
      if (values.json === true) printJson(io.stdout, held)
      else {
        print(io.stdout, table(['group', 'slots', 'id', 'address', 'since'], held.map(({ group, slots, id: holder, address, since }) =>
          [group, String(slots), holder, address, shownTime(since, io, systemClock.now())])))
      }
      return 0
    }
    if (action === 'release' && id !== undefined) {
      const answer = await askJson(socket, 'POST', `/v1/reboots/${encodeURIComponent(id)}/release`)
      if (values.json === true) printJson(io.stdout, answer)
      else print(io.stdout, `${id} holds no slot any more`)
      return 0
    }
    throw new AppError('usage', 'expected list, or release and the id of a machine')
  }
}
