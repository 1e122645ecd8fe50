// setup: what install.sh puts in place for a configuration, worked out here and not in a shell: files for systemd and firewalld, and
// which sockets start.
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../base/clock.js'
import { shippedUnits } from '../base/bundled.js'
import { AppError } from '../base/errors.js'
import { createLog } from '../base/log.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { planFor, type Plan } from '../doctor/plan.js'
import { firewallServices, portsOf } from '../setup/firewall-services.js'
import { subjectNames } from '../setup/subject-names.js'
import { unitFiles, type WantedSocket } from '../setup/unit-files.js'
import { configOptions, parse } from './arguments.js'
import { type Command, print } from './command.js'
import { configFrom, environmentOf } from './service-config.js'

const options = {
  ...configOptions,
  'env-file': { type: 'string' },
  to: { type: 'string' },
  systemd: { type: 'string' },
  name: { type: 'string', multiple: true }
} as const

export const setupCommand: Command = {
  name: 'setup',
  run: async (args, io) => {
    const { values, positionals: [what] } = parse(args, options, 1)
    const { to, systemd = '0', name: names = [] } = values
    if (what !== 'files' || to === undefined) throw new AppError('usage', 'expected setup files --to DIR')
    const env = environmentOf(values, io)
    const loaded = configFrom(values, { env })
    const log = createLog({ level: 'error', pretty: false, destination: io.stderr })
    const plan = await planFor(loaded, { clock: systemClock, log, passphrase: env['MATCHBOX_PASSPHRASE'] ?? '', env })
    const sockets = socketsOf(plan)
    const devices = plan.dhcp.interfaces.map(at => at.name)
    const { data_path: data, state_path: state, assets_path: assets, images } = loaded.config
    const written = [data, state, ...images.sources.length > 0 ? [assets] : []].filter(path => path !== '' && !isOwn(path))
    const units = unitFiles({ units: shippedUnits(), sockets, several: devices.length > 1, written, systemd: Number(systemd) || 0 })
    const services = firewallServices(sockets)
    for (const [path, text] of units.files) await writeFileAtomic(join(to, 'etc/systemd/system', path), text)
    for (const { name, text } of services) await writeFileAtomic(join(to, 'etc/firewalld/services', `${name}.xml`), text)
    const own = devices.length === 1 ? devices : Object.keys(networkInterfaces())
    const addresses = own.flatMap(device => networkInterfaces()[device] ?? []).filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address)
    const told = {
      sockets: units.sockets,
      interfaces: devices,
      services: services.filter(({ on }) => on).map(({ name }) => name),
      ports: portsOf(sockets),
      names: [subjectNames([...names, loaded.config.advertise, 'localhost', ...addresses, '127.0.0.1'])]
    }
    for (const [name, words] of Object.entries(told)) print(io.stdout, `${name}='${words.map(word).join(' ')}'`)
    return 0
  }
}

/** What systemd opens, of what would listen. */
const socketsOf = ({ listeners }: Plan): readonly WantedSocket[] => listeners.flatMap(({ row, place, off }) =>
  off || row.systemd === undefined || row.transport === 'unix'
    ? []
    : [{ name: row.systemd, transport: row.transport, host: place.host ?? '0.0.0.0', port: place.port, device: place.device }])

/** Whether the unit lets the service write there as it ships. */
const isOwn = (path: string): boolean => ['/var/lib/matchbox', '/var/lib/core-provisioner'].some(folder => path === folder || path.startsWith(`${folder}/`))

/** A word of a list that a shell reads. */
function word (text: string): string {
  if (!/^[\w.:,@/-]*$/.test(text)) throw new AppError('config_invalid', `install.sh cannot set up ${JSON.stringify(text)}: a name that a unit of systemd cannot have`)
  return text
}
