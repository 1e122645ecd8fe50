// The versions of an installation: each build has a folder of its own, which no other ever replaces; what is in force, what was before
// that, and which of them are nobody's any more. Only folders that install.sh has put there are ever removed.
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { step, type SetupStep } from '../setup/steps.js'

export interface Versions {
  /** The folder of the version that is to be in force. */
  readonly home: string
  /** What one would go back to, and what was before that; '' for none. */
  readonly previous: string
  readonly older: string
  /** Copied from the bundle. */
  readonly copy: readonly SetupStep[]
  readonly links: readonly SetupStep[]
  /** Removed once the new one is in force. */
  readonly leftovers: readonly SetupStep[]
}

export interface VersionsAsked {
  readonly folder: string
  readonly bundle: string
  readonly version: string
  /** The folder that the running service was started from, where one runs. */
  readonly running: string | undefined
}

export function versionsOf ({ folder, bundle, version, running }: VersionsAsked): Versions {
  const [current, before] = [join(folder, 'current'), join(folder, 'previous')]
  const home = homeOf(folder, bundle, version)
  let [previous, older] = [targetOf(current), targetOf(before)]
  // An upgrade that was killed after the switch: what runs is what one would go back to.
  if (previous === home && older !== '' && running === older) [previous, older] = [older, '']
  const keeps = new Set([home, previous === home ? older : previous, running ?? '', bundle].filter(path => path !== '').map(whole))
  const all = existsSync(folder) ? readdirSync(folder).sort().map(name => join(folder, name)) : []
  const leftovers = all.filter(path => isOurs(path) && !keeps.has(whole(path)))
  return {
    home,
    previous,
    older,
    copy: existsSync(home) ? [] : [step('copy', `copy ${bundle} to ${home}`)],
    links: [...previous === '' || previous === home ? [] : point(before, previous), ...point(current, home)],
    leftovers: leftovers.map(path => step('remove', `remove the old version ${path}`, path))
  }
}

/** What is left where a link, or a folder above, leads elsewhere. */
const whole = (path: string): string => {
  try { return realpathSync(path) } catch { return path }
}

/** Where a link leads to, '' where there is none. */
export function targetOf (link: string): string {
  try { return readlinkSync(link) } catch { return '' }
}

/** A link atomically switched, where it leads elsewhere. */
export const point = (link: string, target: string): readonly SetupStep[] => targetOf(link) === target ? [] : [step('link', `point ${link} to ${target}`, link, target)]

function homeOf (folder: string, bundle: string, version: string): string {
  if (whole(dirname(bundle)) === whole(folder) && isInstalled(bundle)) return join(folder, basename(bundle))
  const sums = readFileSync(join(bundle, 'SHA256SUMS'))
  // As installed before builds had a number.
  const plain = join(folder, version)
  if (isInstalled(plain) && readFileSync(join(plain, 'SHA256SUMS')).equals(sums)) return plain
  // By its checksums: two builds of one version are told apart.
  return `${plain}-${createHash('sha256').update(sums).digest('hex').slice(0, 8)}`
}

/** Whether a folder is one that install.sh, or an older one, has put there. */
export function isInstalled (path: string): boolean {
  if (!existsSync(join(path, 'SHA256SUMS'))) return false
  if (existsSync(join(path, '.installed'))) return true
  try {
    return (JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as { version?: unknown }).version === basename(path)
  } catch {
    return false
  }
}

/** A version, or what a copy that was killed has left. */
export const isOurs = (path: string): boolean =>
  lstatSync(path).isDirectory() && (/^\d.*-[0-9a-f]{8}\.new$/.test(basename(path)) || isInstalled(path))
