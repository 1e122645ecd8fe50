// What a machine that asks says of itself, and the record that is made of it and of what was known before.
import type { Mac } from '../net/mac.js'
import type { Instance } from './instance.js'
import { isUnderWay } from './omaha-events.js'
import type { Decision, UpdateGroup } from './policy.js'
import { compareVersions } from '../base/version.js'

export type InstanceSaid = Pick<Instance, 'id' | 'address' | 'arch' | 'version' | 'alias' | 'oem' | 'firstVersion'> & { readonly group: UpdateGroup }

export function heardInstance (said: InstanceSaid, before: Instance | undefined, mac: Mac | undefined, now: number): Instance {
  const fresh: Instance = {
    ...said, os: said.group.os, group: said.group.name, previousVersion: '', status: 'current', statusAt: now, error: '', firstSeen: now, lastSeen: now
  }
  if (before === undefined) return { ...fresh, ...mac !== undefined && { mac } }
  const moved = before.version !== said.version
  // Seen also of a machine whose events were lost.
  const isComplete = before.granted !== undefined && isUnderWay(before.status) &&
    compareVersions(said.version, before.granted.version) >= 0
  return {
    ...before,
    ...fresh,
    ...(mac ?? before.mac) !== undefined && { mac: mac ?? before.mac },
    alias: said.alias || before.alias,
    firstVersion: said.firstVersion || before.firstVersion,
    previousVersion: moved ? before.version : before.previousVersion,
    firstSeen: before.firstSeen,
    ...isComplete ? { status: 'complete' } : before.group === said.group.name && { status: before.status, statusAt: before.statusAt, error: before.error }
  }
}

/** The record after what was decided. */
export const afterDecision = (decision: Decision, instance: Instance, now: number): Instance =>
  decision.kind !== 'grant' || decision.repeated
    ? instance
    : { ...instance, status: 'granted', statusAt: now, error: '', granted: { version: decision.version, at: now } }
