// What there is to do for an installation, by what is on disk already: accounts and folders, the configuration, what systemd and firewalld
// are told, the command. A step each (setup/steps); nothing is changed here.
import { accessSync, constants, existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError } from '../base/errors.js'
import { ask } from '../doctor/command.js'
import { firewalldRuns } from '../doctor/firewalld.js'
import { gatewayDropInFile, gatewayUnit } from '../setup/gateway.js'
import { isWord, step, type SetupStep } from '../setup/steps.js'
import { type FilesWritten, policyFile } from './setup-files.js'
import { type SetupPlaces, serviceUser as user } from './setup-places.js'
import { point } from './setup-versions.js'
import { assignSteps } from './setup-zones.js'

/** The file in place of the one that is there, where it is another one. */
export function put (files: string, path: string, mode: string, owner: string): readonly SetupStep[] {
  const isThere = existsSync(path) && statSync(path).isFile() && readFileSync(path).equals(readFileSync(join(files, path)))
  return isThere ? [] : [step('put', `write ${path}`, path, mode, owner)]
}

/** The user of the service, its folders, and what somebody else has left in its store, `store` where that is elsewhere. */
export async function groundSteps (
  { accounts, data, state, certificates, config }: SetupPlaces, store: string, note: (text: string) => void
): Promise<readonly SetupStep[]> {
  const folder = (path: string, mode: string, owner: string): readonly SetupStep[] =>
    existsSync(path) && statSync(path).isDirectory() ? [] : [step('folder', `make the folder ${path} (${owner}, ${mode})`, path, mode, owner)]
  const uid = await numberOf('passwd', accounts)
  return [
    ...await numberOf('group', accounts) === undefined ? [step('group', `make the group ${user}`, toolOf('groupadd', 'addgroup'))] : [],
    ...uid === undefined ? [step('account', `make the system user ${user}, who can't log in`, toolOf('useradd', 'adduser'), existsSync('/usr/sbin/nologin') ? '/usr/sbin/nologin' : '/sbin/nologin')] : [],
    ...[data, ...[...storeFolders, 'assets'].map(name => join(data, name))].flatMap(path => folder(path, '755', `${user}:${user}`)),
    ...folder(state, '750', `${user}:${user}`),
    ...folder(certificates, '755', 'root:root'),
    ...folder(dirname(config), '750', `root:${user}`),
    // A Matchbox that ran as root leaves what the service has to write; assets are only read.
    ...existsSync(data) && holds(data, owner => owner !== uid, join(data, 'assets')) ? [step('give', `give ${data}, all but the contents of assets, to ${user}`, data)] : [],
    ...store === data ? [] : storeElsewhere(store, note)
  ]
}

/** Of a store elsewhere only that is given away which a Matchbox that ran as root has left; whose the rest is has its reasons. */
function storeElsewhere (store: string, note: (text: string) => void): readonly SetupStep[] {
  const parts = [store, ...storeFolders.map(name => join(store, name))].filter(path => existsSync(path))
  const roots = parts.filter((path, at) => at === 0 ? statSync(path).uid === 0 : holds(path, owner => owner === 0))
  if (roots.length === 0 || !storeFolders.some(name => existsSync(join(store, name)))) return []
  if (isWord(store)) return [step('give_root', `give what is root's in ${store}, all but assets, to ${user}`, store)]
  note(`${store} is root's: give it to the service with chown -R ${user}: ${JSON.stringify(store)}`)
  return []
}

const storeFolders = ['groups', 'profiles', 'ignition', 'cloud', 'generic'] as const

/** The number of the service's user or group, undefined where there is none yet. */
export async function numberOf (kind: 'passwd' | 'group', accounts: string): Promise<number | undefined> {
  const lines = existsSync(join(accounts, kind)) ? readFileSync(join(accounts, kind), 'utf8') : ''
  const here = lines.split('\n').find(line => line.startsWith(`${user}:`)) ?? (await ask('getent', [kind, user])).stdout
  return here.startsWith(`${user}:`) ? Number(here.split(':')[2]) : undefined
}

function toolOf (...names: readonly string[]): string {
  const found = names.find(name => ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'].some(folder => existsSync(join(folder, name))))
  if (found === undefined) throw new AppError('refused', `nothing was changed: there is neither ${names.join(' nor ')} to make the user ${user} with`)
  return found
}

/** Whether something below, the folder included, belongs to who is meant; a link to a folder is followed only where it is the first. */
function holds (path: string, isMeant: (owner: number) => boolean, unseen = '', isFirst = true): boolean {
  const found = isFirst ? statSync(path) : lstatSync(path)
  if (isMeant(found.uid)) return true
  return found.isDirectory() && path !== unseen && readdirSync(path).some(name => holds(join(path, name), isMeant, unseen, false))
}

/** What was written for another configuration is taken away. */
export function unitSteps (files: string, written: FilesWritten, { units }: SetupPlaces): readonly SetupStep[] {
  const stale = filesIn(units, /^core-provisioner.*\.d$/).flatMap(folder => filesIn(join(units, folder), /^(?:interface|listen|paths)\.conf$/).map(name => join(folder, name)))
  return [
    ...written.units.flatMap(path => put(files, join(units, path), '644', 'root:root')),
    ...stale.filter(path => !written.units.includes(path)).map(path => step('drop', `remove ${join(units, path)}`, join(units, path)))
  ]
}

/** Socket units that are there, or start at boot, and are not wanted. */
export function unwantedSockets ({ sockets, units: shipped }: FilesWritten, { units }: SetupPlaces): readonly string[] {
  const all = [...shipped, ...filesIn(units, /^core-provisioner-.*\.socket$/), ...filesIn(join(units, 'core-provisioner.service.wants'), /^core-provisioner-[^@]*@.+\.socket$/)]
  return [...new Set(all.filter(name => /^core-provisioner-[^/]*[^@/]\.socket$/.test(name)))].filter(name => !sockets.includes(name)).sort()
}

/** Names in a folder, none where there is no such folder. */
export const filesIn = (folder: string, pattern: RegExp): readonly string[] =>
  existsSync(folder) ? readdirSync(folder).filter(name => pattern.test(name)).sort() : []

export async function firewallSteps (files: string, written: FilesWritten, { firewalld }: SetupPlaces): Promise<readonly SetupStep[]> {
  const { firewalld: paths, services, zones, assigned } = written
  const runs = await firewalldRuns()
  const steps: SetupStep[] = existsSync(firewalld) ? paths.flatMap(path => put(files, join(firewalld, path), '644', 'root:root')) : []
  if (runs && steps.length > 0) steps.push(step('reload_firewall', 'have firewalld read its services'))
  for (const zone of runs ? zones : []) {
    for (const name of services) {
      if ((await ask('firewall-cmd', ['--quiet', '--permanent', `--zone=${zone}`, `--query-service=${name}`])).code === 0) continue
      steps.push(step('allow', `let ${name} through firewalld (zone ${zone})`, zone, name))
    }
  }
  return [...steps, ...await assignSteps(assigned)]
}

/** A system whose /usr is read-only (Flatcar) goes without the command, and is told so. */
export function commandSteps ({ command, versions }: SetupPlaces, note: (text: string) => void): readonly SetupStep[] {
  const target = join(versions, 'current/bin/core-provisioner')
  const steps = point(command, target)
  if (steps.length === 0 || isWritable(dirname(command))) return steps
  note(`${dirname(command)} can't be written here: the command is ${target}`)
  return []
}

/** Whether something may be made there, or the folder itself. */
function isWritable (folder: string): boolean {
  if (!existsSync(folder)) return dirname(folder) !== folder && isWritable(dirname(folder))
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

export interface GatewayAsked { readonly outside: string | undefined, readonly removed: boolean, readonly idle: boolean }

/** The gateway has a unit of its own, and starts whatever becomes of the service. `steps`: those that there are besides. */
export async function gatewaySteps (
  asked: GatewayAsked, steps: readonly SetupStep[], { units, firewalld }: SetupPlaces
): Promise<readonly SetupStep[]> {
  const { outside, removed, idle } = asked
  const policy = join(firewalld, policyFile)
  // Also what is left of one whose removal was killed: its drop-in would bring it back.
  const isThere = removed && [join(units, gatewayUnit), join(units, gatewayDropInFile), policy].some(path => existsSync(path))
  const off = !isThere
    ? []
    : [
        step('gateway_off', 'take the gateway away'),
        ...existsSync(policy) ? [step('drop', `remove ${policy}`, policy), ...await firewalldRuns() ? [step('reload_firewall', 'have firewalld read that')] : []] : []
      ]
  if (outside === undefined || idle) return off
  const isNew = steps.some(({ words: [path = ''] }) => path.startsWith(join(units, gatewayUnit)))
  const { stdout } = await ask('systemctl', ['show', '--property=ActiveState,NeedDaemonReload', gatewayUnit])
  // Who was killed after its unit was written left it running as it was.
  const isCurrent = stdout.includes('ActiveState=active\n') && !stdout.includes('NeedDaemonReload=yes')
  return isCurrent && !isNew ? off : [step('gateway_on', `forward what machines send, through ${outside}`, outside)]
}

/** Below /opt only bin/ is labelled as programs by itself. */
export const labelSteps = async (says: string, verb: 'label' | 'unlabel' = 'label'): Promise<readonly SetupStep[]> =>
  (await ask('selinuxenabled', [])).code === 0 ? [step(verb, says)] : []
