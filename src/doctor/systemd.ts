// What systemd and the journal say of the service, asked by their own commands: whether what runs is what is installed, and why it
// does not start.
import { lstat, readdir, readlink, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { counted } from '../base/units.js'
import { shownProperties } from '../inventory/matchbox-unit.js'
import { printed, type RunCommand } from './command.js'
import { fine, type Finding, problem } from './finding.js'

const serviceUnit = 'core-provisioner.service'

export interface ServiceState {
  /** As systemd calls them: `active`, `activating`, `failed`. */
  readonly active: string
  /** `auto-restart` between two starts of one that fails. */
  readonly sub: string
  /** 0 when no process runs. */
  readonly pid: number
  readonly restarts: number
  /** How systemd says that it ended last: `success`, `exit-code`, `oom-kill`. */
  readonly result: string
  /** Units that changed on disk since systemd read them. */
  readonly stale: readonly string[]
  /** Whom it runs as; '' is root. */
  readonly user: string
  /** Socket units that are open. */
  readonly sockets: ReadonlySet<string>
}

/** undefined where no such service is installed. */
export async function serviceState (run: RunCommand = printed): Promise<ServiceState | undefined> {
  const properties = 'Id,LoadState,ActiveState,SubState,MainPID,User,NRestarts,Result,NeedDaemonReload'
  const units = (await run('systemctl', ['show', `--property=${properties}`, serviceUnit, 'core-provisioner-*.socket'])).split('\n\n').map(block =>
    new Map(block.split('\n').map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])))
  const service = units.find(unit => unit.get('Id') === serviceUnit)
  if (service?.get('LoadState') !== 'loaded') return undefined
  return {
    active: service.get('ActiveState') ?? '',
    sub: service.get('SubState') ?? '',
    pid: Number(service.get('MainPID') ?? 0),
    restarts: Number(service.get('NRestarts') ?? 0),
    result: service.get('Result') ?? '',
    stale: units.filter(unit => unit.get('NeedDaemonReload') === 'yes').map(unit => unit.get('Id') ?? ''),
    user: service.get('User') ?? '',
    sockets: new Set(units.filter(unit => unit.get('ActiveState') === 'active' && unit !== service).map(unit => unit.get('Id') ?? ''))
  }
}

/** When the process of the service started, in epoch milliseconds as `booted` is; undefined where none runs. */
export async function startedAt (booted: number, run: RunCommand = printed): Promise<number | undefined> {
  const shown = /^ExecMainStartTimestampMonotonic=([1-9]\d*)$/m.exec(await run('systemctl', ['show', '--property=ExecMainStartTimestampMonotonic', serviceUnit]))?.[1]
  return shown === undefined ? undefined : booted + Number(shown) / 1000
}

/** What the service said last of an error of its own; undefined when it said nothing, or the journal may not be read. */
export async function lastError (run: RunCommand = printed): Promise<string | undefined> {
  const lines = (await run('journalctl', ['--quiet', '--no-pager', `--unit=${serviceUnit}`, '--priority=err', '--lines=20', '--output=json'])).split('\n')
  const messages = lines.flatMap((line): string[] => {
    try {
      const entry = JSON.parse(line) as Readonly<Record<string, unknown>>
      // Of the service itself: systemd only tells that it ended.
      return entry['_SYSTEMD_UNIT'] === serviceUnit && typeof entry['MESSAGE'] === 'string' ? [entry['MESSAGE']] : []
    } catch {
      return []
    }
  })
  const [before = '', last] = [messages.at(-2), messages.at(-1)]
  // Of a folder that is not there systemd names the folder one line earlier, by its place in the making, and then the program.
  const mount = last?.includes('Failed at step NAMESPACE') === true ? /Failed to set up mount namespacing: .*/.exec(before)?.[0] : undefined
  return mount === undefined ? last : mount.replace(/\/run\/systemd\/(?:unit-root|mount-rootfs)(?=\/)/, '')
}

/** What the program could not say of its end itself, by systemd's word for it. */
const ends: Readonly<Record<string, string>> = {
  'oom-kill': 'the kernel ended it for want of memory (MemoryMax= of the unit, or the machine\'s)',
  'start-limit-hit': 'it failed so often that systemd starts it no more before systemctl reset-failed core-provisioner',
  watchdog: 'it did not answer systemd\'s watchdog, and was ended',
  timeout: 'it took longer than systemd waits, and was ended'
}

export interface Installation {
  /** Where the link to the version in force is. */
  readonly current: string
  /** Where processes are. */
  readonly proc: string
}

const standard: Installation = { current: '/opt/core-provisioner/current', proc: '/proc' }

/**
 * The folder of the version, below `versions`, whose program a process is; undefined for a program from elsewhere, and for who may not
 * know. By device and inode: the path of a program is told as it is outside of a chroot.
 */
export async function versionOf (exe: string, versions: string, current: string): Promise<string | undefined> {
  const program = await stat(exe).catch(() => undefined)
  if (program === undefined) return undefined
  const others = (await readdir(versions).catch(() => [])).map(name => join(versions, name))
  for (const folder of [current, ...others]) {
    const own = await stat(join(folder, 'lib/core-provisioner')).catch(() => undefined)
    if (own?.dev === program.dev && own.ino === program.ino && !(await lstat(folder)).isSymbolicLink()) return folder
  }
  return undefined
}

/** Whether the service runs, as the version that is installed, under the units as they are on disk. */
export async function judgeService (
  state: ServiceState, run: RunCommand = printed, { current, proc }: Installation = standard
): Promise<readonly Finding[]> {
  const { active, sub, pid, restarts, result, stale } = state
  const bad = (text: string, fix?: string): Finding => problem('service', text, fix)
  const findings: Finding[] = []
  if (stale.length > 0) findings.push(bad(`systemd has not read ${stale.join(', ')} as on disk: systemctl daemon-reload, then systemctl restart core-provisioner`, 'systemctl daemon-reload\nsystemctl restart core-provisioner'))
  if (active !== 'active') {
    const said = active === 'inactive' ? undefined : await lastError(run)
    // The last error of a program that was ended may be of long ago; of one that is not started any more it is why.
    const why = result === 'start-limit-hit' && said !== undefined ? `${said}; ${ends[result] ?? ''}` : ends[result] ?? said
    // One that fails is being started anew for some of the time.
    const fails = active === 'failed' || sub === 'auto-restart' || restarts > 0
    const often = restarts > 0 ? ` (started anew ${counted(restarts, 'time')})` : ''
    findings.push(bad(active === 'inactive'
      ? `${serviceUnit} does not run: systemctl start core-provisioner`
      : `${serviceUnit} ${fails ? 'does not start' : 'is not ready'}${often}: ${why ?? 'journalctl -u core-provisioner tells why'}`, active === 'inactive' ? 'systemctl start core-provisioner' : 'journalctl -u core-provisioner'))
    return findings
  }
  const folder = await readlink(current).catch(() => undefined)
  const running = folder === undefined ? undefined : await versionOf(`${proc}/${pid}/exe`, dirname(current), folder)
  if (running !== undefined && running !== folder) {
    findings.push(bad(`what runs is not what is installed: ${running} instead of ${folder}: systemctl restart core-provisioner`, 'systemctl restart core-provisioner'))
  }
  return findings.length > 0 ? findings : [fine('service', `${serviceUnit} runs${folder === undefined ? '' : ` from ${folder}`}`)]
}

/** What systemd says of how a unit is started, as `inventory/matchbox-unit` reads it; '' where there is none. */
export const settingsShown = async (unit: string, run: RunCommand = printed): Promise<string> =>
  await run('systemctl', ['show', `--property=${shownProperties.join(',')}`, unit])
