// leases: what the DHCP server has given out, and taking one back.
import { systemClock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import type { LeaseShown } from '../control/control-app.js'
import { configOptions, parse } from './arguments.js'
import { configOnce } from './service-config.js'
import { type Command, type Io, print, printJson, shownTime, table } from './command.js'
import { askJson } from './control-client.js'

export const leasesCommand: Command = {
  name: 'leases',
  run: async (args, io) => {
    const { values, positionals: [action, address] } = parse(args, { ...configOptions, json: { type: 'boolean' } }, 2)
    const { control_socket: socket } = (await configOnce(values, io)).config
    if (action === 'list' && address === undefined) {
      const leases = await askJson(socket, 'GET', '/v1/leases') as readonly LeaseShown[]
      if (values.json === true) printJson(io.stdout, leases)
      else print(io.stdout, table(['address', 'mac', 'state', 'since', 'until', 'name'], leases.map(lease => row(lease, io))))
      return 0
    }
    if (action === 'release' && address !== undefined) {
      const answer = await askJson(socket, 'POST', `/v1/leases/${encodeURIComponent(address)}/release`)
      if (values.json === true) printJson(io.stdout, answer)
      else print(io.stdout, `released ${address}`)
      return 0
    }
    throw new AppError('usage', 'expected list, or release and an address')
  }
}

const row = ({ ip, mac, state, since, expires, hostname = '' }: LeaseShown, io: Io): readonly string[] =>
  [ip, mac, state, shownTime(since, io, systemClock.now()), shownTime(expires, io, systemClock.now()), hostname]
