// setup: what install.sh asks the program, so that the shell only moves files: what is to be installed (plan), the files of a
// configuration (files), what the service would not see (look) and the closing words (next).
import { systemClock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { createLog } from '../base/log.js'
import { planFor } from '../doctor/plan.js'
import { wishesIn } from '../setup/wishes.js'
import { configOptions, parse } from './arguments.js'
import { type Command } from './command.js'
import { configFrom, environmentOf } from './service-config.js'
import { installedGateway, settingsText, writeFiles } from './setup-files.js'
import { lookAsService, tellNext } from './setup-next.js'
import { planInstallation } from './setup-plan.js'

const options = {
  ...configOptions,
  'env-file': { type: 'string' },
  as: { type: 'string' },
  to: { type: 'string' },
  systemd: { type: 'string' },
  name: { type: 'string', multiple: true },
  bundle: { type: 'string' },
  ask: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  'no-certs': { type: 'boolean' },
  'keep-config': { type: 'boolean' },
  'change-config': { type: 'boolean' },
  mode: { type: 'string' },
  interface: { type: 'string' },
  subnet: { type: 'string' },
  range: { type: 'string' },
  router: { type: 'string' },
  dns: { type: 'string' },
  domain: { type: 'string' },
  'unknown-clients': { type: 'string' },
  advertise: { type: 'string' },
  gateway: { type: 'string' },
  'no-gateway': { type: 'boolean' },
  first: { type: 'boolean' },
  'new-certs': { type: 'boolean' }
} as const

export const setupCommand: Command = {
  name: 'setup',
  run: async (args, io) => {
    const { values, positionals: [what] } = parse(args, options, 1)
    const { to, systemd = '0', name: names = [] } = values
    const version = Number(systemd) || 0
    if (what === 'look') return await lookAsService(values, io)
    if (what === 'next') return tellNext(values, { first: values.first === true, newCertificates: values['new-certs'] === true }, io)
    if ((what !== 'plan' && what !== 'files') || to === undefined) throw new AppError('usage', 'expected setup plan --to DIR, files --to DIR, look or next')
    if (what === 'plan') {
      if (values.config !== undefined || values.set !== undefined) throw new AppError('usage', 'setup plan goes by what is installed: it takes no --config and no --set')
      const { 'keep-config': keep, 'change-config': change, gateway: outside, 'no-gateway': removed = false } = values
      if (keep === true && change === true) throw new AppError('usage', '--keep-config or --change-config, not both')
      if (outside !== undefined && removed) throw new AppError('usage', '--gateway or --no-gateway, not both')
      if (outside !== undefined && !/^[\w.@-]{1,15}$/.test(outside)) throw new AppError('usage', `--gateway: no interface is called ${outside}`)
      return await planInstallation({
        wishes: wishesIn(values),
        to,
        bundle: values.bundle,
        systemd: version,
        names,
        ask: values.ask === true,
        dryRun: values['dry-run'] === true,
        certificates: values['no-certs'] !== true,
        otherwise: keep === true ? 'keep' : change === true ? 'change' : undefined,
        gateway: { outside, removed }
      }, io)
    }
    const env = environmentOf(values, io)
    const loaded = configFrom(values, { env })
    const log = createLog({ level: 'error', pretty: false, destination: io.stderr })
    const plan = await planFor(loaded, { clock: systemClock, log, passphrase: env['MATCHBOX_PASSPHRASE'] ?? '', env })
    io.stdout.write(settingsText(await writeFiles({ loaded, plan, to, systemd: version, names, outside: installedGateway() })))
    return 0
  }
}
