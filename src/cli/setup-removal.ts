// setup removal: what there is to take away of an installation, and with --purge its data too, once somebody has said that it may go.
import { existsSync, lstatSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../base/errors.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { ask } from '../doctor/command.js'
import { firewalldRuns } from '../doctor/firewalld.js'
import { agreed } from '../setup/answers.js'
import { firewallServiceNames } from '../setup/firewall-services.js'
import { settingsText, step, type SetupStep } from '../setup/steps.js'
import { type Io, print } from './command.js'
import { policyFile } from './setup-files.js'
import { type SetupPlaces, places as standard, serviceUser as user } from './setup-places.js'
import { writeParts } from './setup-plan.js'
import { filesIn, labelSteps, numberOf } from './setup-steps.js'
import { isInstalled, isOurs } from './setup-versions.js'
import { assignedTo, releaseSteps } from './setup-zones.js'
import { openDialogue } from './terminal.js'

export interface RemovalRequest {
  readonly to: string
  readonly purge: boolean
  /** Nobody has to be asked. */
  readonly sure: boolean
  /** Whether there is a person at a terminal. */
  readonly ask: boolean
}

/** Resolves with the exit status; AppError `usage` where data would go and nobody has said that it may. */
export async function planRemoval (request: RemovalRequest, io: Io, places: SetupPlaces = standard): Promise<number> {
  const { to, purge, sure, ask: hasPerson } = request
  const { config, certificates, data, state, units } = places
  const folders = [config.slice(0, config.lastIndexOf('/')), certificates, data, state]
  if (purge && !sure) await askToPurge(folders, hasPerson, io)
  const found = filesIn(units, /^core-provisioner.*\.(?:socket|service)$/)
  const instances = filesIn(join(units, 'core-provisioner.service.wants'), /^core-provisioner-[^@]*@.+\.socket$/)
  const kept = purge
    ? [...folders.filter(path => existsSync(path)).map(path => step('purge', `remove ${path}`, path)), ...await accountSteps(places)]
    : []
  if (!purge) print(io.stdout, `kept: ${folders.join(', ')} and the user ${user} (--purge removes them)`)
  await writeParts(to, { removal: [...await releaseSteps(assignedTo(places), []), ...unitSteps(found, places), ...await firewallSteps(places), ...found.length > 0 ? await labelSteps('forget the SELinux contexts', 'unlabel') : [], ...versionSteps(places), ...kept] })
  // A template starts as its instances, and is disabled with all of them.
  await writeFileAtomic(join(to, 'settings'), settingsText({
    found,
    sockets: [...instances, ...found.filter(name => name.endsWith('.socket') && !name.endsWith('@.socket'))],
    running: found.filter(name => name.endsWith('.service'))
  }))
  return 0
}

async function askToPurge (folders: readonly string[], hasPerson: boolean, io: Io): Promise<void> {
  if (!hasPerson) throw new AppError('usage', '--purge removes data for good: say --yes')
  const dialogue = openDialogue(io)
  try {
    const isSure = await agreed(`Remove ${folders.join(', ')} (configuration, certificates, groups, profiles, images, leases) for good`, 'no', dialogue)
    if (!isSure) throw new AppError('refused', 'nothing was changed')
  } finally {
    dialogue.close()
  }
}

function unitSteps (found: readonly string[], { units }: SetupPlaces): readonly SetupStep[] {
  if (found.length === 0) return []
  return [
    step('stop', `stop and disable ${found.join(' ')}`),
    ...found.map(name => step('drop', `remove ${join(units, name)}`, join(units, name))),
    ...filesIn(units, /^core-provisioner.*\.d$/).map(name => step('clear', `remove what was written to ${join(units, name)}`, join(units, name))),
    step('daemon_reload', 'have systemd forget them')
  ]
}

async function firewallSteps ({ firewalld }: SetupPlaces): Promise<readonly SetupStep[]> {
  const runs = await firewalldRuns()
  const steps: SetupStep[] = []
  const zones = runs ? (await ask('firewall-cmd', ['--get-zones'])).stdout.trim().split(/\s+/) : []
  for (const name of firewallServiceNames) {
    const file = join(firewalld, 'services', `${name}.xml`)
    if (!existsSync(file)) continue
    for (const zone of zones) {
      if ((await ask('firewall-cmd', ['--quiet', '--permanent', `--zone=${zone}`, `--query-service=${name}`])).code === 0) steps.push(step('forbid', `take ${name} out of firewalld (zone ${zone})`, zone, name))
    }
    steps.push(step('drop', `remove ${file}`, file))
  }
  const policy = join(firewalld, policyFile)
  if (existsSync(policy)) steps.push(step('drop', `remove ${policy}`, policy))
  return runs && steps.length > 0 ? [...steps, step('reload_firewall', 'have firewalld read that')] : steps
}

/** The versions, whoever else has put something there; the link to the command where it is ours. */
function versionSteps ({ versions, command }: SetupPlaces): readonly SetupStep[] {
  const links = [command, ...filesIn(versions, /^(?:current|previous)$/).map(name => join(versions, name))].filter(path => isLink(path))
  const own = filesIn(versions, /./).map(name => join(versions, name)).filter(path => !isLink(path) && isOurs(path))
  return [
    ...links.map(path => step('drop', `remove ${path}`, path)),
    ...own.map(path => step('remove', `remove ${isInstalled(path) ? 'the version' : 'half a copy,'} ${path}`, path)),
    ...existsSync(versions) ? [step('leave', `remove ${versions}`, versions)] : []
  ]
}

async function accountSteps ({ accounts }: SetupPlaces): Promise<readonly SetupStep[]> {
  if (await numberOf('passwd', accounts) === undefined) return []
  return [step('no_account', `remove the user ${user}`)]
}

const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
