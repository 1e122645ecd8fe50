// Files and folders of a configuration that do not answer, as on a mount whose server is gone: found before anything else is looked at,
// since whoever reads them waits for ever. They are told, and in what is looked at then something that is not there stands for each.
import { resolve } from 'node:path'
import type { Clock } from '../base/clock.js'
import type { ValuePath } from '../base/positions.js'
import { isClustered, type LoadedConfig } from '../config/load.js'
import { type NamedPath, pathsIn, replacedAt } from '../config/paths.js'
import { PlaceAsker } from '../disk/ask-place.js'
import { silenceOf } from '../disk/disk-turns.js'
import { type Mount, mountOf, mountsNow } from '../disk/mounts.js'
import { type Finding, problem, warning } from './finding.js'
import type { ListenPlan } from './plan.js'

export interface AnsweringPlaces {
  /** The configuration without what is silent. */
  readonly loaded: LoadedConfig
  /** Those of what was looked at by it, and in front what is silent. */
  readonly findings: (found: readonly Finding[]) => readonly Finding[]
  readonly plan: (plan: ListenPlan) => ListenPlan
}

interface SilentPlace extends NamedPath {
  /** What stands for it. */
  readonly standIn: string
  readonly finding: Finding
}

/** Nothing is there, and nothing can be made there. */
const nowhere = '/proc/core-provisioner-silent'

/** What is then not looked at, and whether the service would do without: by key, others are a file that some listener needs. */
const meanings: Readonly<Record<string, { readonly about: string, readonly text: string, readonly isSpare?: boolean }>> = {
  data_path: { about: 'store', text: 'nothing of the store was looked at' },
  assets_path: { about: 'assets', text: 'nothing below /assets/ is served', isSpare: true },
  state_path: { about: 'state', text: 'leases, machine records, hosts.d and image keys were not looked at' },
  'tftp.root': { about: 'tftp', text: 'machines get the loaders that ship with the program alone', isSpare: true },
  control_socket: { about: 'control socket', text: 'whether the service runs was not asked' }
}

/** Fulfilled when each of them has answered, or has had its time. */
export async function withoutSilent (loaded: LoadedConfig, clock: Clock): Promise<AnsweringPlaces> {
  const mounts = await mountsNow()
  const asker = new PlaceAsker(clock, mounts)
  const named = pathsIn(loaded.config).filter(({ at }) => at[0] !== 'data_path' || !isClustered(loaded.config))
  // One mount is asked once: what lies on it by its name goes by what was found there first.
  const byMount = new Map<string, NamedPath[]>()
  for (const one of named) {
    const point = mountOf(resolve(one.path), mounts)?.point ?? ''
    byMount.set(point, [...byMount.get(point) ?? [], one])
  }
  const silent = (await Promise.all([...byMount].map(([point, places]) => silentOf(loaded, { point, places, asker, mounts })))).flat()
  return applied(loaded, silent)
}

/** The same of a store's folder that no configuration names; undefined where it answers. */
export async function silentFolder (folder: string, clock: Clock): Promise<readonly Finding[] | undefined> {
  const mounts = await mountsNow()
  const where = await new PlaceAsker(clock, mounts).silentAt(resolve(folder))
  return where === undefined ? undefined : [problem('store', `${silenceOf(where)}${remedyFor(where, mounts)}`)]
}

interface PlacesOfMount {
  readonly point: string
  readonly places: readonly NamedPath[]
  readonly asker: PlaceAsker
  readonly mounts: readonly Mount[]
}

async function silentOf (loaded: LoadedConfig, { point, places, asker, mounts }: PlacesOfMount): Promise<readonly SilentPlace[]> {
  const found: SilentPlace[] = []
  let isMountSilent = false
  for (const place of places) {
    const path = resolve(place.path)
    const where: string | undefined = isMountSilent ? path : await asker.silentAt(path)
    if (where === undefined) continue
    isMountSilent ||= mountOf(where, mounts)?.point === point
    const finding = findingOf(loaded, place.at, where, mounts)
    found.push({ ...place, standIn: `${nowhere}/${place.at.join('.')}`, finding })
  }
  return found
}

function findingOf ({ keyAt }: LoadedConfig, at: ValuePath, where: string, mounts: readonly Mount[]): Finding {
  const { about, text, isSpare } = meanings[at.join('.')] ?? { about: 'configuration', text: '', isSpare: at[0] === 'images' }
  const told = `${keyAt(at)}: ${silenceOf(where)}${text === '' ? '' : `: ${text}`}${remedyFor(where, mounts)}`
  return isSpare === true ? warning(about, told) : problem(about, told)
}

function remedyFor (where: string, mounts: readonly Mount[]): string {
  const mount = mountOf(where, mounts)
  if (mount === undefined || mount.point === '/') return ''
  return `; ${mount.source} (${mount.type}) is mounted on ${mount.point}: bring its server back, or umount -f -l ${mount.point}`
}

function applied (loaded: LoadedConfig, silent: readonly SilentPlace[]): AnsweringPlaces {
  if (silent.length === 0) return { loaded, findings: found => found, plan: plan => plan }
  let { config } = loaded
  for (const { at, standIn } of silent) config = replacedAt(config, at, standIn)
  const isSilent = (key: string): boolean => silent.some(({ at }) => at.join('.') === key)
  // Where its state or its files are not to be seen, a source looks as if it had never been fetched.
  if (isSilent('state_path') || isSilent('assets_path')) config = { ...config, images: { ...config.images, sources: [] } }
  const isOfNothing = (text: string): boolean => text.includes(nowhere)
  const findings = (found: readonly Finding[]): readonly Finding[] => [
    ...silent.map(({ finding }) => finding),
    ...found.filter(({ text, block = '', fix = '', place }) => ![text, block, fix, place?.file ?? ''].some(isOfNothing))
  ]
  const shown = (path: string): string | undefined => silent.find(({ standIn }) => standIn === path)?.path
  return {
    loaded: { ...loaded, config },
    findings,
    plan: plan => ({
      ...plan,
      listeners: plan.listeners.map(listener => ({ ...listener, address: shown(listener.address) ?? listener.address, what: isOfNothing(listener.what) ? '' : listener.what })),
      paths: plan.paths.map(([what, path, contents]) => [what, shown(path) ?? path, shown(path) === undefined ? contents : 'does not answer'])
    })
  }
}
