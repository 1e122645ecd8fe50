// What is amiss with a store: every file by itself, what they say of each other, and every group rendered as its machines would get
// it. Nothing here changes what machines get.
import { isUtf8 } from 'node:buffer'
import { type Dirent, existsSync, readdirSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { errnoOf } from '../base/errors.js'
import { counted } from '../base/units.js'
import { type Group, groupFields, matcherOf } from '../matchbox/group.js'
import { groupReservations } from '../matchbox/group-machines.js'
import { bootFields, type Profile, profileFields } from '../matchbox/profile.js'
import { GroupIndex, type Labels } from '../matchbox/select.js'
import { configKinds, type ObjectProblem, type OpenStore, type StoreSource } from '../matchbox/store.js'
import type { OwnSnippets } from '../matchbox/templates.js'
import type { Mac } from '../net/mac.js'
import { AssetLook } from './assets.js'
import { type FilePlace, type Finding, placeText } from './finding.js'
import { jsonHint, JsonPlaces } from './json-places.js'
import { lintDocuments, type LintedGroup } from './lint-documents.js'
import { lintGroup, lintProfile } from './lint-objects.js'
import { lintSnippets } from './lint-snippets.js'
import { typeFaults } from './lint-types.js'
import { storeFinding } from './store-rules.js'

export interface LintOptions {
  readonly store: OpenStore
  /** The store's folder, as places name it. */
  readonly dataPath: string
  /** What the key is called that names it, with its place; none for a folder that no configuration names. */
  readonly dataKey?: string | undefined
  /** Where /assets/ leads; '' or a folder that is not there: nothing is said of what is missing in it. */
  readonly assetsPath: string
  /** What the key is called that names it, with its place: then it is said that the folder is not there. */
  readonly assetsKey?: string | undefined
  /** Which hosts in URLs lead to this server. */
  readonly isOwn: (host: string) => boolean
  readonly ownSnippets?: OwnSnippets
}

/** In the order of the files' names. */
export function lintStore ({ store, dataPath, dataKey, assetsPath, assetsKey, isOwn, ownSnippets }: LintOptions): readonly Finding[] {
  const objects = store.snapshot
  const pathOf = (where: string): string => join(dataPath, where)
  const problems = new Map(store.problems().map(problem => [problem.where, problem]))
  const unread = new Set([...problems.keys()].filter(where => !where.includes('/')))
  for (const { where, bytes } of store.sources()) if (bytes === undefined && problems.has(where)) unread.add(where)
  /** Whether a name leads to what is there, or may be, and could not be read: that is told by itself. */
  const isUnread = (folder: string, file: string): boolean => unread.has('.') || unread.has(folder) || unread.has(`${folder}/${file}`)
  const assets = assetsPath === '' || !existsSync(assetsPath) ? undefined : new AssetLook(assetsPath, isOwn)
  const wanting = assets === undefined && assetsPath !== '' && assetsKey !== undefined ? profilesWanting(objects.profiles.values(), new AssetLook(assetsPath, isOwn)) : 0
  const places = new Map<Group, JsonPlaces>()
  const found: Finding[] = []
  if (wanting > 0) {
    const text = `${assetsKey}: there is no ${assetsPath}, and ${counted(wanting, 'profile boots', 'profiles boot')} from below it: machines get 404`
    found.push({ ...storeFinding('missing-asset', { file: assetsPath }, text), place: undefined })
  }
  for (const source of store.sources()) {
    const { kind, name, where, bytes } = source
    const problem = problems.get(where)
    problems.delete(where)
    const isObject = bytes !== undefined && (kind === 'group' || kind === 'profile')
    const refused = problem === undefined ? undefined : unreadable(source, pathOf(where), problem)
    if (refused !== undefined) found.push(refused)
    if (!isObject) continue
    const inFile = new JsonPlaces(pathOf(where), bytes)
    const wrong = typeFaults(kind, bytes, inFile)
    if (!isUtf8(bytes)) found.push(storeFinding('stray-octet', inFile.strayOctet(bytes), 'an octet that is not UTF-8: it is read as U+FFFD'))
    found.push(...wrong.filter(one => !isSame(one, refused)))
    if (refused !== undefined) {
      // What else is amiss with it is told at once too, as far as it can be made out.
      if (wrong.length > 0) found.push(...inFile.oddKeys(kind === 'group' ? groupFields : profileFields), ...kind === 'profile' ? inFile.oddKeys(bootFields, 'boot') : [])
      continue
    }
    const group = kind === 'group' ? objects.groups.get(name) : undefined
    const profile = kind === 'profile' ? objects.profiles.get(name) : undefined
    if (group !== undefined) {
      places.set(group, inFile)
      const isSeen = !isUnread('profiles', `${group.profile}.json`)
      found.push(...lintGroup(name, group, inFile, objects).filter(({ rule }) => isSeen || rule !== 'missing-profile'))
    }
    if (profile !== undefined) {
      found.push(...lintProfile(name, profile, inFile, objects, isUnread))
      const { boot } = profile
      for (const path of boot === undefined ? [] : assets?.missing(boot) ?? []) {
        const at = boot?.kernel.includes(path) === true ? ['kernel'] : boot?.initrd.some(url => url.includes(path)) === true ? ['initrd', boot.initrd.findIndex(url => url.includes(path))] : ['args']
        found.push(storeFinding('missing-asset', inFile.of('boot', ...at), `boots ${path}, which is not there: machines get 404`))
      }
    }
  }
  found.push(...lintSnippets(objects.shared.snippets, name => pathOf(`snippets/${name}`)))
  for (const [where, { message }] of problems) {
    const finding = storeFinding('unreadable', { file: pathOf(where) }, message)
    found.push(where === '.' && dataKey !== undefined ? { ...finding, place: undefined, text: `${dataKey}: ${message}` } : finding)
  }
  found.push(...notRead(dataPath), ...sameAddresses(objects.groups.values(), places))
  const groups = selected(objects.groups, places)
  found.push(...groups.findings, ...lintDocuments(objects, groups.linted, ({ kind, name }) => pathOf(`${kind}/${name}`), ownSnippets))
  return found.map(finding => [finding, sortKey(finding.place)] as const)
    .sort(([, a], [, b]) => a < b ? -1 : a > b ? 1 : 0).map(([finding]) => finding)
}

const profilesWanting = (profiles: Iterable<Profile>, look: AssetLook): number =>
  [...profiles].filter(({ boot }) => boot !== undefined && look.missing(boot).length > 0).length

const sortKey = (place: Finding['place']): string => place === undefined ? '' : placeKey(place)
const placeKey = ({ file, line = 0, column = 0 }: FilePlace): string => `${file}\0${String(line).padStart(9, '0')}${String(column).padStart(9, '0')}`

/** With the place in the file, where it could be read at all. */
function unreadable ({ bytes }: StoreSource, file: string, { message, fault }: ObjectProblem): Finding {
  if (bytes === undefined) return storeFinding('unreadable', { file }, message)
  if (fault?.at !== undefined) return storeFinding('unreadable', { file, ...fault.at }, fault.text + jsonHint(bytes, fault.at))
  return storeFinding('unreadable', new JsonPlaces(file, bytes).of(...fault?.path ?? []), message)
}

const isSame = (one: Finding, other: Finding | undefined): boolean =>
  one.text === other?.text && sortKey(one.place) === sortKey(other.place)

interface Selected { readonly findings: readonly Finding[], readonly linted: readonly LintedGroup[] }

/** Each group asked for by its own labels: another one that comes up has the same selector, in whatever spelling. */
function selected (groups: ReadonlyMap<string, Group>, places: ReadonlyMap<Group, JsonPlaces>): Selected {
  const index = new GroupIndex()
  index.sync(groups)
  const findings: Finding[] = []
  const linted: LintedGroup[] = []
  for (const group of groups.values()) {
    const all = labelsOf(group)
    linted.push({ group, labels: all[0] ?? new Map() })
    for (const labels of all) {
      const winner = index.select(labels)
      const [mine, theirs] = [places.get(group), winner === undefined ? undefined : places.get(winner)]
      if (winner === undefined || winner === group || mine === undefined || theirs === undefined) continue
      const which = [...labels].map(([key, value]) => `${key}=${value}`).join(', ')
      findings.push(storeFinding('same-selector', mine.ofKey('selector'), `the selector is also that of ${placeText(theirs.ofKey('selector'))}, which machines get instead${which === '' ? '' : ` (${which})`}`))
      break
    }
  }
  return { findings, linted }
}

/** Groups that reserve for different machines what one of them alone can have. */
function sameAddresses (groups: Iterable<Group>, places: ReadonlyMap<Group, JsonPlaces>): readonly Finding[] {
  const firsts = new Map<number, { readonly macs: readonly Mac[], readonly at: FilePlace }>()
  const found: Finding[] = []
  for (const group of groups) {
    const at = places.get(group)?.of('metadata', 'ip')
    for (const { ip, macs } of at === undefined ? [] : groupReservations([group])) {
      const first = firsts.get(ip)
      if (first === undefined) firsts.set(ip, { macs, at: at! })
      else if (!macs.some(mac => first.macs.includes(mac))) found.push(storeFinding('same-address', at!, `the address is also that of ${placeText(first.at)}: one of the two machines does not get it`))
    }
  }
  return found
}

/** What a machine of the group sends, once for each address that the selector lists. */
function labelsOf ({ selector }: Group): readonly Labels[] {
  let all: ReadonlyArray<ReadonlyArray<readonly [string, string]>> = [[]]
  for (const [key, values] of matcherOf(selector)) {
    const some = key === 'mac' ? values : values.slice(0, 1)
    all = all.flatMap(labels => some.map(value => [...labels, [key, value] as const]))
  }
  return all.map(labels => new Map(labels))
}

/** What no one reads, because of its name or of what it is. */
function notRead (dataPath: string): readonly Finding[] {
  return ['groups', 'profiles', ...configKinds].flatMap(folder => {
    const path = join(dataPath, folder)
    const target = targetOf(path)
    const entries = target !== 'gone' && target?.isDirectory() === true ? entriesOf(path) : []
    return entries.flatMap(entry => {
      if (entry.name.startsWith('.') || entry.name === 'README.md') return []
      const why = leadsNowhere(join(path, entry.name), entry) ?? leadsBack(path, entry) ?? misnamed(folder, entry)
      return why === undefined ? [] : [storeFinding('not-read', { file: join(path, entry.name) }, `is not read: ${why}`)]
    })
  })
}

/** None of a folder that may not be read, which is told by who opens it. */
function entriesOf (folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    if (['EACCES', 'EPERM', 'ENOENT'].includes(errnoOf(error))) return []
    throw error
  }
}

function misnamed (folder: string, entry: Dirent): string | undefined {
  const isJson = entry.name.endsWith('.json')
  if (entry.isDirectory()) return isJson ? 'it is a folder' : folder === 'groups' ? 'groups in folders are not read' : undefined
  return isJson || (folder !== 'groups' && folder !== 'profiles') ? undefined : `only files whose names end in .json are ${folder}`
}

/** The store does not follow it: everything would be there twice, and again below that. */
function leadsBack (folder: string, entry: Dirent): string | undefined {
  if (!entry.isSymbolicLink() || targetOf(join(folder, entry.name)) === undefined) return undefined
  const [own, target] = [realpathSync(folder), realpathSync(join(folder, entry.name))]
  return own === target || own.startsWith(target === sep ? sep : target + sep) ? `it is a link to ${readlinkSync(join(folder, entry.name))}, the folder that it lies in` : undefined
}

/** Links that lead round in a circle, and what is no file, are told by what opens them. */
function leadsNowhere (path: string, entry: Dirent): string | undefined {
  return entry.isSymbolicLink() && targetOf(path) === 'gone' ? `it is a link to ${readlinkSync(path)}, which is not there` : undefined
}

function targetOf (path: string): Stats | 'gone' | undefined {
  try {
    return statSync(path)
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? 'gone' : undefined
  }
}
