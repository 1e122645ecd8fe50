// The documents of one machine: what its scripts and its metadata say, and which file its config is made of. What it boots was
// decided before, and what takes long is not made here.
import { AppError } from '../base/errors.js'
import { goBytes } from '../go/string.js'
import type { Mac } from '../net/mac.js'
import type { BootDecision } from './boot-decision.js'
import type { DocumentBody } from './config-documents.js'
import { type DiscoveryUrls, withDiscovery } from './etcd-cluster.js'
import { bootsInTurn, type Fallbacks } from './fallbacks.js'
import type { Group } from './group.js'
import { assertGuard, type GuardKeeper, guardOf, tokenKey, withToken } from './guard.js'
import { renderLocalGrub, renderLocalIpxe } from './local-boot.js'
import { renderMetadata } from './metadata.js'
import { flagOf } from './metadata-values.js'
import type { NetBoot, Profile } from './profile.js'
import { renderGrub } from './render-grub.js'
import { renderIpxeInTurn, renderResilientInTurn } from './render-ipxe.js'
import { type ConfigFile, type ConfigKind, findConfig, type Objects } from './store.js'
import { type MachineRequest, variablesOf } from './variables.js'

export const documentKinds = ['ipxe', 'grub', 'ignition', 'cloud', 'generic', 'metadata'] as const
export type DocumentKind = typeof documentKinds[number]

export const isConfigKind = (kind: DocumentKind): kind is ConfigKind => kind === 'ignition' || kind === 'cloud' || kind === 'generic'

/** The machine that a document is made for: what it was found to be, and what bears on what it gets. */
export interface Recipient {
  readonly objects: Objects
  readonly group: Group
  readonly profile: Profile | undefined
  readonly mac: Mac | undefined
  readonly request: MachineRequest
  readonly decision: BootDecision
  readonly resilient: boolean
  readonly pin: (boot: NetBoot) => NetBoot
  readonly guard: GuardKeeper | undefined
  readonly discovery: DiscoveryUrls | undefined
  readonly fallbacks: Fallbacks
}

const idOfConfig: Readonly<Record<ConfigKind, (profile: Profile) => string>> =
  { ignition: p => p.ignitionId, cloud: p => p.cloudId, generic: p => p.genericId }

/** Throws AppError profile_missing, config_missing and those of the guard. */
export function guardedConfigOf (recipient: Recipient, kind: ConfigKind): ConfigFile {
  const file = configOf(recipient, kind, idOfConfig[kind])
  guarded(recipient, true)
  return file
}

/** Throw AppError profile_missing, profile_invalid, boot_from_disk and those of the guard. */
export const bodies: Readonly<Record<Exclude<DocumentKind, ConfigKind>, (recipient: Recipient) => DocumentBody>> = {
  ipxe: recipient => {
    const { fromDisk, problem } = recipient.decision
    if (fromDisk?.how === '404') throw startsFromDisk(recipient.group)
    if (fromDisk !== undefined) return { body: Buffer.from(renderLocalIpxe(fromDisk.how, fromDisk.why)), problem }
    const boot = bootOf(recipient)
    const boots = bootsInTurn(boot, recipient.fallbacks, recipient.request.client)
    const script = resilientFor(recipient.group, boot, recipient.resilient) ? renderResilientInTurn(boots) : renderIpxeInTurn(boots)
    return { boot, body: goBytes(script), problem: problem ?? guardOf(recipient.group).problem }
  },
  grub: recipient => {
    const { fromDisk, problem } = recipient.decision
    if (fromDisk?.how === '404') throw startsFromDisk(recipient.group)
    if (fromDisk !== undefined) return { body: Buffer.from(renderLocalGrub(fromDisk.why)), problem }
    const boot = bootOf(recipient)
    const [, ...others] = bootsInTurn(boot, recipient.fallbacks, recipient.request.client)
    return { boot, body: goBytes(renderGrub(boot, others)), problem: problem ?? guardOf(recipient.group).problem }
  },
  // Asked for by what runs on the machine, which was never told a token.
  metadata: recipient => {
    guarded(recipient, false)
    const { group, discovery, request } = recipient
    return { body: renderMetadata(variablesOf(withDiscovery(group, discovery, request.client), request)) }
  }
}

function profileOf ({ group, profile }: Recipient): Profile {
  if (profile === undefined) throw new AppError('profile_missing', `group ${group.id} names a profile that is not there: ${JSON.stringify(group.profile)}`)
  return profile
}

function bootOf (recipient: Recipient): NetBoot {
  const profile = profileOf(recipient)
  if (profile.boot === undefined) throw new AppError('profile_invalid', `profile ${profile.id} boots nothing`)
  return tokened(recipient, recipient.pin(profile.boot))
}

/** Only the machine itself is given its token: a script that somebody else reads holds none. */
export function tokened ({ group, mac, request: { client }, guard }: Pick<Recipient, 'group' | 'mac' | 'request' | 'guard'>, boot: NetBoot): NetBoot {
  if (guard === undefined || mac === undefined || client === undefined || guardOf(group).limits === undefined) return boot
  return guard.isAddressOf(mac, client) ? withToken(boot, guard.mint(mac), guard.isOwn) : boot
}

const guarded = ({ group, mac, request: { client, labels }, guard }: Recipient, needsToken: boolean): void => {
  assertGuard({ group, mac, client, token: labels.get(tokenKey), needsToken }, guard)
}

/** The group's metadata `boot_resilient` decides, then the profile's `boot.resilient`, then the configuration. */
export function resilientFor (group: Group | undefined, boot: NetBoot | undefined, configured: boolean): boolean {
  const own = group === undefined ? undefined : flagOf(group, 'boot_resilient').value
  return own ?? boot?.resilient ?? configured
}

const startsFromDisk = (group: Group): AppError => new AppError('boot_from_disk', `group ${group.id} starts from the local disk`)

function configOf (recipient: Recipient, kind: ConfigKind, idOf: (profile: Profile) => string): ConfigFile {
  const profile = profileOf(recipient)
  const file = findConfig(recipient.objects, kind, idOf(profile))
  if (file === undefined) throw new AppError('config_missing', `profile ${profile.id} names no ${kind} config that is there: ${JSON.stringify(idOf(profile))}`)
  return file
}
