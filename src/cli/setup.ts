// setup: what install.sh asks the program, so that the shell only moves files: what is to be done to install it (plan) or to take it away
// (removal), what systemd and firewalld are told (files), what the service would not see (look), the closing words (next) and the help.
import { hostname } from 'node:os'
import { join } from 'node:path'
import { programVersion } from '../base/bundled.js'
import { systemClock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { planFor } from '../doctor/plan.js'
import { wishesIn } from '../setup/wishes.js'
import { configOptions, parse } from './arguments.js'
import { ask } from '../doctor/command.js'
import { serviceState } from '../doctor/systemd.js'
import { settingsText } from '../setup/steps.js'
import type { Command, Io } from './command.js'
import { errorLog } from './error-log.js'
import { configOnce, environmentOf } from './service-config.js'
import { installedGateway, writeFiles } from './setup-files.js'
import { installerHelp } from './setup-help.js'
import { lookAsService, tellNext } from './setup-next.js'
import { places } from './setup-places.js'
import { haveSocketsChanged, planInstallation, writeParts } from './setup-plan.js'
import { planRemoval } from './setup-removal.js'
import { firewallSteps, unitSteps, unwantedSockets } from './setup-steps.js'

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
  idle: { type: 'boolean' },
  purge: { type: 'boolean' },
  yes: { type: 'boolean' },
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

type SetupValues = ReturnType<typeof parse<typeof options>>['values']

/** What writes into the folder `to`. */
const writing: Readonly<Record<string, (values: SetupValues, to: string, io: Io) => Promise<number>>> = {
  plan: planned,
  files: withFiles,
  removal
}

export const setupCommand: Command = {
  name: 'setup',
  run: async (args, io) => {
    const { values, positionals: [what = ''] } = parse(args, options, 1)
    if (what === 'look') return await lookAsService(values, io)
    if (what === 'next') return await tellNext(values, { first: values.first === true, newCertificates: values['new-certs'] === true }, io)
    if (what === 'help') {
      io.stdout.write(installerHelp)
      return 0
    }
    const write = Object.hasOwn(writing, what) ? writing[what] : undefined
    if (write === undefined || values.to === undefined) throw new AppError('usage', 'expected setup plan --to DIR, files --to DIR, removal --to DIR, look, next or help')
    return await write(values, values.to, io)
  }
}

async function removal (values: SetupValues, to: string, io: Io): Promise<number> {
  const { purge = false, yes = false, 'dry-run': dryRun = false, ask = false, ...others } = values
  const more = Object.keys(others).find(flag => flag !== 'to' && flag !== 'bundle' && flag !== 'idle')
  if (more !== undefined) throw new AppError('usage', `--uninstall takes no --${more}`)
  return await planRemoval({ to, purge, sure: yes || dryRun, ask }, io)
}

async function planned (values: SetupValues, to: string, io: Io): Promise<number> {
  const { systemd, names } = await thisHost(values)
  if (values.config !== undefined || values.set !== undefined) throw new AppError('usage', 'setup plan goes by what is installed: it takes no --config and no --set')
  const { 'keep-config': keep, 'change-config': change, gateway: outside, 'no-gateway': removed = false } = values
  if (keep === true && change === true) throw new AppError('usage', '--keep-config or --change-config, not both')
  if (outside !== undefined && removed) throw new AppError('usage', '--gateway or --no-gateway, not both')
  if (outside !== undefined && !/^[\w.@-]{1,15}$/.test(outside)) throw new AppError('usage', `--gateway: no interface is called ${outside}`)
  const wishes = wishesIn(values)
  if (values.bundle === undefined) throw new AppError('usage', 'setup plan takes --bundle DIR: the unpacked bundle')
  return await planInstallation({
    wishes,
    to,
    bundle: values.bundle,
    version: programVersion(),
    systemd,
    names,
    ask: values.ask === true,
    dryRun: values['dry-run'] === true,
    idle: values.idle === true,
    certificates: values['no-certs'] !== true,
    otherwise: keep === true ? 'keep' : change === true ? 'change' : undefined,
    gateway: { outside, removed }
  }, io)
}

async function withFiles (values: SetupValues, to: string, io: Io): Promise<number> {
  const { systemd, names } = await thisHost(values)
  const env = environmentOf(values, io)
  const loaded = await configOnce(values, { env, stdin: io.stdin })
  const log = errorLog(io)
  const plan = await planFor(loaded, { clock: systemClock, log, passphrase: env['MATCHBOX_PASSPHRASE'] ?? '', env })
  const outside = installedGateway(places)
  const files = join(to, 'files')
  const written = await writeFiles({ loaded, plan, to: files, places, systemd, names, outside })
  const units = unitSteps(files, written, places)
  await writeParts(to, { switch: [...units, ...await firewallSteps(files, written, places)] })
  await writeFileAtomic(join(to, 'settings'), settingsText({
    sockets: written.sockets,
    unwanted: unwantedSockets(written, places),
    sockets_changed: haveSocketsChanged(units, (await serviceState())?.stale ?? []) ? ['yes'] : []
  }))
  return 0
}

interface Host { readonly systemd: number, readonly names: readonly string[] }

/** Which systemd there is here, and what this machine is called. */
async function thisHost ({ purge, systemd, name = [] }: SetupValues): Promise<Host> {
  if (purge === true) throw new AppError('usage', '--purge goes with --uninstall')
  return { systemd: await systemdVersion(systemd), names: [...name, hostname(), (await ask('hostname', ['-f'])).stdout.trim()] }
}

/** 0 where there is none. */
const systemdVersion = async (said: string | undefined): Promise<number> =>
  Number(said ?? /^systemd (\d+)/.exec((await ask('systemctl', ['--version'])).stdout)?.[1] ?? 0) || 0
