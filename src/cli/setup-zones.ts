// Interfaces of the gateway that firewalld has in a zone by no more than its default: install.sh names them to it, writes down which in
// the drop-in of the gateway's unit, and takes just those out again.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, type Ask } from '../doctor/command.js'
import { firewalldRuns, toldZoneOf, zoneOf } from '../doctor/firewalld.js'
import { type Assignment, assignedIn, gatewayDropInFile } from '../setup/gateway.js'
import { step, type SetupStep } from '../setup/steps.js'
import type { SetupPlaces } from './setup-places.js'

/** What firewalld was told for the gateway that is installed. */
export function assignedTo ({ units }: SetupPlaces): readonly Assignment[] {
  const file = join(units, gatewayDropInFile)
  return existsSync(file) ? assignedIn(readFileSync(file, 'utf8')) : []
}

/** What it is to be told: of interfaces whose zone nobody told it, and of those that it was told of before (`already`). */
export async function assignmentsOf (
  interfaces: readonly string[], already: readonly Assignment[], run: Ask = ask
): Promise<readonly Assignment[]> {
  if (!await firewalldRuns(run)) return already.filter(({ name }) => interfaces.includes(name))
  const found: Assignment[] = []
  for (const name of interfaces) {
    const told = await toldZoneOf(name, run)
    const isOurs = told === undefined || already.some(other => other.name === name && other.zone === told)
    if (isOurs) found.push({ zone: told ?? await zoneOf(name, run), name })
  }
  return found
}

/** To have it told. */
export const assignSteps = async (assigned: readonly Assignment[], run: Ask = ask): Promise<readonly SetupStep[]> =>
  (await inForce(assigned, false, run)).map(({ zone, name }) => step('assign', `name ${name} to firewalld as one of zone ${zone}`, zone, name))

/** To have it forget what it was told before and is not to know any more. They come before the drop-in changes or goes: it alone knows. */
export async function releaseSteps (
  already: readonly Assignment[], wanted: readonly Assignment[], run: Ask = ask
): Promise<readonly SetupStep[]> {
  const gone = already.filter(old => !wanted.some(({ zone, name }) => zone === old.zone && name === old.name))
  const left = await inForce(gone, true, run)
  return left.map(({ zone, name }) => step('release', `take ${name} out of firewalld's zone ${zone} again`, zone, name))
}

/** Those that are so in what firewalld keeps, or are not; none where it does not run. */
async function inForce (assigned: readonly Assignment[], isSo: boolean, run: Ask): Promise<readonly Assignment[]> {
  if (assigned.length === 0 || !await firewalldRuns(run)) return []
  const known = await Promise.all(assigned.map(async ({ zone, name }) => {
    const { code } = await run('firewall-cmd', ['--quiet', '--permanent', `--zone=${zone}`, `--query-interface=${name}`])
    return code === 0
  }))
  return assigned.filter((_, index) => known[index] === isSo)
}
