// setup plan: all of an installation that comes before anything is changed. What is asked and checked, what the network has to say, and
// in a folder what install.sh then does: files/, which it puts in place, the steps of each part, and settings, the variables of a shell.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemClock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { visibleText } from '../base/visible-text.js'
import { formatEnvironmentFile } from '../config/environment-file.js'
import { type LoadedConfig, loadConfig } from '../config/load.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { ask } from '../doctor/command.js'
import { diagnoseNetwork, type DoctorOptions } from '../doctor/diagnose.js'
import { type Finding, problem } from '../doctor/finding.js'
import { whileHeard } from '../doctor/firewalld.js'
import { onGround, type ListenPlan } from '../doctor/plan.js'
import { serviceState, settingsShown, startedAt, versionOf } from '../doctor/systemd.js'
import { settingsOfUnit } from '../inventory/matchbox-unit.js'
import { agreed } from '../setup/answers.js'
import { settingsText, step, type SetupStep, stepsText } from '../setup/steps.js'
import type { Wishes } from '../setup/wishes.js'
import { certificateFiles, initCertificates } from '../tls/certs.js'
import { type Io, print } from './command.js'
import { controlAnswers } from './control-client.js'
import { errorLog } from './error-log.js'
import { findingLine } from './report.js'
import { withVariables } from './service-config.js'
import { chooseConfig, type ConfigChoice } from './setup-config.js'
import { firewallNote, installedGateway, routerNote, writeFiles } from './setup-files.js'
import { type SetupPlaces, places as standard } from './setup-places.js'
import { commandSteps, firewallSteps, gatewaySteps, groundSteps, labelSteps, put, unitSteps, unwantedSockets } from './setup-steps.js'
import { targetOf, versionsOf } from './setup-versions.js'
import { assignedTo, releaseSteps } from './setup-zones.js'
import { openDialogue } from './terminal.js'
import { unitFilesOnDisk } from './unit-files.js'

export interface PlanRequest {
  readonly wishes: Wishes
  /** The folder that all is written to. */
  readonly to: string
  /** The unpacked bundle, and its version. */
  readonly bundle: string
  readonly version: string
  readonly systemd: number
  readonly names: readonly string[]
  /** Whether there is a person at a terminal. */
  readonly ask: boolean
  /** Only says what would be in the way. */
  readonly dryRun: boolean
  /** Nothing is to be started. */
  readonly idle: boolean
  readonly certificates: boolean
  readonly otherwise: 'keep' | 'change' | undefined
  readonly gateway: { readonly outside: string | undefined, readonly removed: boolean }
}

/** Resolves with the exit status: 0 when an installation may go on. */
export async function planInstallation (request: PlanRequest, io: Io, installed: SetupPlaces = standard): Promise<number> {
  const dialogue = request.ask ? openDialogue(io) : undefined
  const tell = (text: string): void => { print(io.stderr, visibleText(text)) }
  try {
    const outside = request.gateway.removed ? undefined : request.gateway.outside ?? installedGateway(installed)
    const { wishes, otherwise, gateway } = request
    const choice = await chooseConfig({ file: installed.config, wishes, otherwise, outside: gateway.outside, dialogue, tell })
    const { env, takenOver } = await environment(installed, io, tell)
    const makes = request.certificates && certificatesMissing(choice.text, env, installed)
    const { loaded, meant, plan, fatal } = await checked(choice, { request, installed, env, makes, io })
    if (fatal.length > 0) {
      for (const line of fatal) print(io.stderr, line)
      if (choice.state !== 'kept' || !await isBrokenAlready(installed)) throw new AppError('refused', `nothing was changed: the configuration would not work (above)${choice.state === 'new' ? ', and is not written' : ''}`)
      tell('The version that is installed has problems with that as well: going on.')
    }
    if (loaded === undefined || meant === undefined || plan === undefined) throw new AppError('refused', 'nothing was changed: the configuration cannot be read (above)')
    const files = join(request.to, 'files')
    const { systemd, names } = request
    const written = await writeFiles({ loaded: meant, plan, to: files, places: installed, systemd, names, outside })
    for (const note of [firewallNote(plan), outside === undefined ? undefined : routerNote(outside, meant)]) if (note !== undefined) print(io.stdout, `note: ${note}`)
    await askNetwork({ loaded, env, plan, request, installed, io })
    if (dialogue !== undefined && choice.asked) {
      for (const line of choice.text.trimEnd().split('\n')) dialogue.tell(`  ${line}`)
      if (!await agreed('Install with this configuration', 'yes', dialogue)) throw new AppError('refused', 'nothing was changed')
    }
    await writeFileAtomic(join(files, installed.config), choice.text)
    await writeFileAtomic(join(files, installed.environment), takenOver)
    const configured = [
      ...takenOver === '' ? [] : put(files, installed.environment, '640', 'root:matchbox'),
      ...choice.state === 'changed' ? [step('keep', `keep the configuration as it was as ${installed.config}.old`, installed.config)] : [],
      ...choice.state === 'kept' ? [] : put(files, installed.config, '640', 'root:matchbox')
    ]
    const certificates = makes ? [step('certs', `make certificates in ${installed.certificates} for ${written.names}`, written.names)] : []
    const service = await serviceState()
    const folder = installed.versions
    const running = service === undefined || service.pid === 0 ? undefined : await versionOf(`/proc/${service.pid}/exe`, folder, targetOf(join(folder, 'current')))
    const versions = versionsOf({ folder, bundle: request.bundle, version: request.version, running })
    const before = [...versions.copy, ...await groundSteps(installed, meant.config.data_path, text => { print(io.stdout, `note: ${text}`) }), ...configured, ...certificates]
    const units = unitSteps(files, written, installed)
    const released = await releaseSteps(assignedTo(installed), written.assigned)
    const network = [...released, ...units, ...await firewallSteps(files, written, installed)]
    const links = [...versions.links, ...commandSteps(installed, text => { print(io.stdout, `note: ${text}`) })]
    const switched = [...network, ...links]
    const labels = before.length + switched.length === 0 ? [] : await labelSteps(`restore SELinux contexts of ${folder}, ${dirname(installed.config)}, ${installed.certificates}, ${installed.data} and ${installed.state}`)
    const forwarding = await gatewaySteps({ outside, removed: gateway.removed, idle: request.idle }, switched, installed)
    await writeParts(request.to, { before, switch: [...switched, ...labels, ...forwarding], after: versions.leftovers })
    await writeFileAtomic(join(request.to, 'settings'), settingsText({
      home: [versions.home],
      previous: words(versions.previous),
      older: words(versions.older),
      sockets: written.sockets,
      unwanted: unwantedSockets(written, installed),
      sockets_changed: flag(haveSocketsChanged(units, service?.stale ?? [])),
      gateway: words(outside ?? ''),
      restart: flag(await isOlderThan(installed))
    }))
    return 0
  } finally {
    dialogue?.close()
  }
}

const words = (text: string): readonly string[] => text === '' ? [] : [text]
const flag = (isSet: boolean): readonly string[] => isSet ? ['yes'] : []

/** A file a part, of its steps. */
export async function writeParts (to: string, parts: Readonly<Record<string, readonly SetupStep[]>>): Promise<void> {
  for (const [name, steps] of Object.entries(parts)) await writeFileAtomic(join(to, name), stepsText(steps))
}

/** Whether sockets have to be opened anew: also those whose unit another installation has written before it was killed. */
export const haveSocketsChanged = (steps: readonly SetupStep[], stale: readonly string[]): boolean =>
  stale.some(unit => unit.endsWith('.socket')) || steps.some(({ words: [path = ''] }) => /\.socket(?:\.d\/[^/]*)?$/.test(path))

/** Whether what runs was started before its configuration was written: by hand, or by an installation that was killed since. */
async function isOlderThan ({ config, environment }: SetupPlaces): Promise<boolean> {
  const uptime = existsSync('/proc/uptime') ? Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) : NaN
  const started = await startedAt(systemClock.now() - uptime * 1000)
  return started !== undefined && [config, environment].some(path => existsSync(path) && statSync(path).mtimeMs > started)
}

/** The service's environment: the file that is there, or what Matchbox's unit sets, if that is what ran here before. */
async function environment (installed: SetupPlaces, { env }: Io, tell: (text: string) => void): Promise<{ readonly env: Io['env'], readonly takenOver: string }> {
  if (existsSync(installed.environment)) return { env: withVariables(env, readFileSync(installed.environment, 'utf8')), takenOver: '' }
  const settings = settingsOfUnit(await settingsShown('matchbox.service'), unitFilesOnDisk)
  for (const note of settings.notes) tell(`note: ${note}`)
  const takenOver = formatEnvironmentFile(settings.environment)
  return { env: withVariables(env, takenOver), takenOver }
}

/** Whether there are none to be used: nobody has made some, or said that they are elsewhere. */
const certificatesMissing = (text: string, env: Io['env'], { certificates }: SetupPlaces): boolean =>
  env['MATCHBOX_CERT_FILE'] === undefined && !text.includes('cert_file') && !['ca.crt', 'server.crt', 'server.key'].some(name => existsSync(join(certificates, name)))

interface Checking { readonly request: PlanRequest, readonly installed: SetupPlaces, readonly env: Io['env'], readonly makes: boolean, readonly io: Io }
interface Checked {
  /** With what stands in for things that are not there yet. */
  readonly loaded?: LoadedConfig
  /** As it is written. */
  readonly meant?: LoadedConfig
  readonly plan?: ListenPlan
  readonly fatal: readonly string[]
}

/** The configuration to come, as `check` sees it. What is amiss with single groups keeps no service from being installed. */
async function checked (choice: ConfigChoice, { request, installed, env, makes, io }: Checking): Promise<Checked> {
  const file = join(request.to, 'checked.yaml')
  await writeFileAtomic(file, choice.text)
  // Before the first installation there are no certificates and there is no store: some for nobody, and an empty one, say as much.
  const set: string[] = []
  if (makes) {
    const folder = join(request.to, 'certs')
    if (!existsSync(join(folder, certificateFiles[0]))) await initCertificates({ dir: folder, names: [{ kind: 'IP', value: '127.0.0.1' }], force: false, now: systemClock.now() })
    set.push(...['ca_file=ca.crt', 'cert_file=server.crt', 'key_file=server.key'].map(pair => `rpc.${pair.replace('=', `=${folder}/`)}`))
  }
  if (env['MATCHBOX_DATA_PATH'] === undefined && !existsSync(installed.data) && !/^data_path:/m.test(choice.text)) {
    await mkdir(join(request.to, 'empty'), { recursive: true })
    set.push(`data_path=${join(request.to, 'empty')}`)
  }
  const byItsName = (finding: Finding): string => findingLine({ ...finding, text: finding.text.replaceAll(file, installed.config) })
  try {
    const loaded = loadConfig({ file, set, env })
    const log = errorLog(io)
    const plan = await onGround(loaded, { clock: systemClock, log, passphrase: env['MATCHBOX_PASSPHRASE'] ?? '', env }, async (_, plan) => plan)
    const fatal = plan.findings.filter(({ level }) => level === 'problem').map(byItsName)
    // Whoever says both means them to fit; a configuration for relay agents alone is written by hand.
    const unfit = choice.state === 'kept' ? [] : plan.findings.filter(({ isUnfit }) => isUnfit === true).map(byItsName)
    return { loaded, meant: loadConfig({ file, set: [], env }), plan, fatal: [...fatal, ...unfit.map(line => `${line}; --subnet and --interface do not fit`)] }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { fatal: error.message.split('\n').map(text => byItsName(problem('configuration', text))) }
  }
}

/** Whether the version that is in force cannot live with its configuration either. */
async function isBrokenAlready ({ versions }: SetupPlaces): Promise<boolean> {
  const program = join(versions, 'current/bin/core-provisioner')
  return existsSync(program) && (await ask(program, ['check', '--without-store'])).code === 1
}

interface NetworkAsked { readonly loaded: LoadedConfig, readonly plan: ListenPlan, readonly env: Io['env'], readonly request: PlanRequest, readonly installed: SetupPlaces, readonly io: Io }

/** Who has the ports, and who else answers DHCP; AppError `refused` when that is in the way. */
async function askNetwork ({ loaded, plan, env, request, installed, io }: NetworkAsked): Promise<void> {
  const service = await serviceState()
  // What has the ports is an older version of this.
  if (service !== undefined && (service.active === 'active' || service.sockets.size > 0)) return
  const log = errorLog(io)
  const running = await controlAnswers(loaded.config.control_socket)
  const options: DoctorOptions = { loaded, clock: systemClock, log, passphrase: env['MATCHBOX_PASSPHRASE'] ?? '', env, running }
  const look = async (): Promise<readonly Finding[]> => await diagnoseNetwork(options)
  const findings = request.dryRun ? await look() : await whileHeard(plan.dhcp.interfaces.map(({ name }) => name), look)
  for (const { level, text } of findings) if (level === 'note') print(io.stdout, `note: ${visibleText(text)}`)
  const problems = findings.filter(({ level }) => level === 'problem')
  const inTheWay = [...new Set(problems.map(({ text }) => text))].sort()
  for (const text of inTheWay) print(io.stderr, visibleText(text))
  // What stands there of keys is for a file that may not be there yet.
  if (problems.some(({ isOtherServer }) => isOtherServer === true)) {
    print(io.stderr, `install.sh --mode proxy works beside it (without --subnet and what else is a server's)${existsSync(installed.config) ? '; with --change-config the configuration says so then' : ''}`)
  }
  if (inTheWay.length > 0 && !request.dryRun) throw new AppError('refused', 'nothing was changed: that is in the way (above)')
}
