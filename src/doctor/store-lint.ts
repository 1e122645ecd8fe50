// What is amiss with a store: every file by itself, what they say of each other, and every group rendered as its machines would get
// it. Nothing here changes what machines get.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Group, matcherOf } from '../matchbox/group.js'
import { GroupIndex, type Labels } from '../matchbox/select.js'
import type { OpenStore, StoreSource } from '../matchbox/store.js'
import type { OwnSnippets } from '../matchbox/templates.js'
import { AssetLook } from './assets.js'
import { type Finding, placeText } from './finding.js'
import { jsonHint, JsonPlaces } from './json-places.js'
import { lintDocuments, type LintedGroup } from './lint-documents.js'
import { lintGroup, lintProfile } from './lint-objects.js'
import { lintSnippets } from './lint-snippets.js'
import { storeFinding } from './store-rules.js'

export interface LintOptions {
  readonly store: OpenStore
  /** The store's folder, as places name it. */
  readonly dataPath: string
  /** Where /assets/ leads; '' or a folder that is not there: nothing is said of what is missing in it. */
  readonly assetsPath: string
  /** Which hosts in URLs lead to this server. */
  readonly isOwn: (host: string) => boolean
  readonly ownSnippets?: OwnSnippets
}

/** In the order of the files' names. */
export function lintStore ({ store, dataPath, assetsPath, isOwn, ownSnippets }: LintOptions): readonly Finding[] {
  const objects = store.snapshot
  const pathOf = (where: string): string => join(dataPath, where)
  const problems = new Map(store.problems().map(({ where, message }) => [where, message]))
  const assets = assetsPath === '' || !existsSync(assetsPath) ? undefined : new AssetLook(assetsPath, isOwn)
  const places = new Map<Group, JsonPlaces>()
  const found: Finding[] = []
  for (const source of store.sources()) {
    const { kind, name, where, bytes } = source
    const problem = problems.get(where)
    problems.delete(where)
    if (problem !== undefined) {
      found.push(unreadable(source, pathOf(where), problem))
      continue
    }
    if (bytes === undefined || (kind !== 'group' && kind !== 'profile')) continue
    const inFile = new JsonPlaces(pathOf(where), bytes)
    const group = kind === 'group' ? objects.groups.get(name) : undefined
    const profile = kind === 'profile' ? objects.profiles.get(name) : undefined
    if (group !== undefined) {
      places.set(group, inFile)
      found.push(...lintGroup(name, group, inFile, objects))
    }
    if (profile !== undefined) {
      found.push(...lintProfile(name, profile, inFile, objects))
      const { boot } = profile
      for (const path of boot === undefined ? [] : assets?.missing(boot) ?? []) {
        const at = boot?.kernel.includes(path) === true ? ['kernel'] : boot?.initrd.some(url => url.includes(path)) === true ? ['initrd', boot.initrd.findIndex(url => url.includes(path))] : ['args']
        found.push(storeFinding('missing-asset', inFile.of('boot', ...at), `boots ${path}, which is not there: machines get 404`))
      }
    }
  }
  found.push(...lintSnippets(objects.shared.snippets, name => pathOf(`snippets/${name}`)))
  for (const [where, message] of problems) found.push(storeFinding('unreadable', { file: pathOf(where) }, message))
  found.push(...notRead(dataPath))
  const groups = selected(objects.groups, places)
  found.push(...groups.findings, ...lintDocuments(objects, groups.linted, ({ kind, name }) => pathOf(`${kind}/${name}`), ownSnippets))
  return found.map(finding => [finding, finding.place === undefined ? '' : sortKey(finding.place)] as const)
    .sort(([, a], [, b]) => a < b ? -1 : a > b ? 1 : 0).map(([finding]) => finding)
}

const sortKey = ({ file, line = 0, column = 0 }: NonNullable<Finding['place']>): string => `${file}\0${String(line).padStart(9, '0')}${String(column).padStart(9, '0')}`

/** The parser's messages begin with its place; those about a value with the value's path. */
function unreadable ({ bytes }: StoreSource, file: string, message: string): Finding {
  const [, line, column, text = message] = /^(\d+):(\d+): (.*)$/s.exec(message) ?? []
  if (line !== undefined) {
    const hint = jsonHint(bytes?.toString('utf8') ?? '', text, Number(line), Number(column))
    return storeFinding('unreadable', { file, line: Number(line), column: Number(column) }, text + hint)
  }
  const selector = /^selector ([^ :]+): /.exec(message)?.[1]
  const path = selector === undefined ? /^([^ [\]]+)(?:\[\])? has to be /.exec(message)?.[1]?.split('.') ?? [] : ['selector', selector]
  return storeFinding('unreadable', bytes === undefined ? { file } : new JsonPlaces(file, bytes).of(...path), message)
}

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

/** What a machine of the group sends, once for each address that the selector lists. */
function labelsOf ({ selector }: Group): readonly Labels[] {
  let all: ReadonlyArray<ReadonlyArray<readonly [string, string]>> = [[]]
  for (const [key, values] of matcherOf(selector)) {
    const some = key === 'mac' ? values : values.slice(0, 1)
    all = all.flatMap(labels => some.map(value => [...labels, [key, value] as const]))
  }
  return all.map(labels => new Map(labels))
}

/** Files beside groups and profiles that no one reads. */
function notRead (dataPath: string): readonly Finding[] {
  return ['groups', 'profiles'].flatMap(folder => {
    const path = join(dataPath, folder)
    const entries = existsSync(path) ? readdirSync(path, { withFileTypes: true }) : []
    return entries.flatMap(entry => {
      if (entry.name.startsWith('.') || entry.name.endsWith('.json') || entry.name === 'README.md' || (entry.isDirectory() && folder === 'profiles')) return []
      const why = entry.isDirectory() ? 'groups in folders are not read' : `only files whose names end in .json are ${folder}`
      return [storeFinding('not-read', { file: join(path, entry.name) }, `is not read: ${why}`)]
    })
  })
}
