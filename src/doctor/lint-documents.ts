// The configs of a store as machines would get them: each template rendered for every group that leads to it, with the labels that the
// group names, and translated; each ready config read as Ignition would. What many groups share is told once.
import { Buffer } from 'node:buffer'
import { AppError, messageOf } from '../base/errors.js'
import { didYouMean } from '../base/nearest.js'
import { parseTemplate, TemplateError } from '../go/template/template.js'
import { dialects } from '../ignition/butane/dialects.js'
import { clcSchema } from '../ignition/clc/schema.js'
import { readyIgnition } from '../ignition/ready.js'
import { messageText, type ReportEntry } from '../ignition/report.js'
import { type Type, writtenFields } from '../ignition/schema.js'
import { mistaken } from '../ignition/mistaken.js'
import { transpile } from '../ignition/transpile.js'
import { cloudFault } from '../matchbox/cloud-config.js'
import type { Group } from '../matchbox/group.js'
import { isReadyIgnition } from '../matchbox/ignition-documents.js'
import type { Labels } from '../matchbox/select.js'
import { type ConfigFile, configKinds, findConfig, findProfile, type Objects } from '../matchbox/store.js'
import { InvalidTemplate, type OwnSnippets, Templates } from '../matchbox/templates.js'
import { exampleUrls, withDiscovery } from '../matchbox/etcd-cluster.js'
import { variablesOf } from '../matchbox/variables.js'
import { readYaml } from '../yaml/read-yaml.js'
import type { Finding } from './finding.js'
import { jsonHint, strayOctet } from './json-places.js'
import { configIdOf } from './lint-objects.js'
import { type StoreRule, storeFinding } from './store-rules.js'
import { templateLine } from './template-lines.js'

/** `file`: where it is another one than was rendered, a snippet or one of files/. */
interface Remark {
  readonly rule: StoreRule
  readonly line: number
  readonly column: number
  readonly text: string
  readonly file?: SharedFile | undefined
}
type SharedFile = Pick<ConfigFile, 'kind' | 'name'>

/** What a machine sends of itself whatever its group's selector says (render-ipxe.ts). */
const always: Labels = new Map([['mac', '52:54:00:00:00:01'], ['uuid', '00000000-0000-4000-8000-000000000001'], ['serial', ''], ['domain', ''], ['hostname', '']])

export interface LintedGroup { readonly group: Group, readonly labels: Labels }

/** `pathOf` gives the file as places call it. */
export function lintDocuments (
  objects: Objects, groups: Iterable<LintedGroup>, pathOf: (file: SharedFile) => string, ownSnippets?: OwnSnippets
): readonly Finding[] {
  const templates = new Templates(ownSnippets)
  const rendered = new Set<ConfigFile>()
  const likenesses = new Map<ConfigFile, Map<string, readonly Remark[]>>()
  /** By what is said: the groups that it is said of. */
  const told = new Map<string, { readonly file: ConfigFile, readonly remark: Remark, readonly first: string | undefined, others: number }>()
  const tell = (file: ConfigFile, remarks: readonly Remark[], group?: string): void => {
    for (const remark of remarks) {
      const key = [file.kind, file.name, remark.line, remark.column, remark.text].join('\0')
      const known = told.get(key)
      if (known === undefined) told.set(key, { file, remark, first: group, others: 0 })
      else known.others++
    }
  }

  for (const { group, labels } of groups) {
    const profile = findProfile(objects, group.profile)
    if (profile === undefined) continue
    for (const kind of configKinds) {
      const id = configIdOf(profile, kind)
      const file = id === '' ? undefined : findConfig(objects, kind, id)
      if (file === undefined || (kind === 'ignition' && isReadyIgnition(file.name))) continue
      // What has no actions is the same for all.
      const fixed = !file.content.includes('{{')
      if (fixed && rendered.has(file)) continue
      rendered.add(file)
      const request = { labels: new Map([...always, ...labels]), rawQuery: '', client: undefined }
      const known = likenesses.get(file) ?? new Map<string, readonly Remark[]>()
      likenesses.set(file, known)
      const given = withDiscovery(group, exampleUrls, undefined)
      const render = (): Buffer => templates.render(file, variablesOf(given, request), objects.shared)
      tell(file, remarksOf(file, render, known), fixed ? undefined : group.id)
    }
  }
  for (const kind of configKinds) {
    for (const file of objects.configs[kind].values()) {
      if (kind === 'ignition' && isReadyIgnition(file.name)) tell(file, readyRemarks(file))
      else if (!rendered.has(file)) tell(file, unrendered(file))
    }
  }
  const isThere = ({ kind, name }: SharedFile): boolean => (kind === 'snippets' || kind === 'files') && objects.shared[kind].has(name)
  return [...told.values()].map(({ file, remark: { rule, line, column, text, file: other }, first, others }) => {
    const whom = first === undefined ? '' : ` (as rendered for group ${first}${others === 0 ? '' : ` and ${others} more`})`
    return storeFinding(rule, { file: pathOf(other !== undefined && isThere(other) ? other : file), line, column }, text + whom)
  })
}

/** `known`: what was said of renderings that are alike. */
function remarksOf (file: ConfigFile, render: () => Buffer, known = new Map<string, readonly Remark[]>()): readonly Remark[] {
  let text: Buffer
  try {
    text = render()
  } catch (error) {
    return [templateRemark(error)]
  }
  const likeness = likenessOf(text.toString('latin1'))
  const remarks = known.get(likeness) ?? remarksOn(file, text)
  known.set(likeness, remarks)
  return remarks
}

/** Numbered names, IPv4 and hardware addresses. Some words are others with another number (ext4, raid1, sha512). */
const numbered = /\b(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-f]{2}(?:[:-][\da-f]{2}){5}|(?!ext|raid|sha|v\d)[a-z][a-z-]{0,62}\d{1,9})\b/gi

/**
 * What renderings have in common that differ in the numbers of names and in addresses alone: the same is to be said of all of them, and ten
 * thousand machines that are numbered through cost one translation. Which of the numbers are equal to one another stays in it.
 */
function likenessOf (text: string): string {
  const ordinals = new Map<string, number>()
  return text.replace(numbered, word => {
    const ordinal = ordinals.get(word) ?? ordinals.size
    ordinals.set(word, ordinal)
    return `\0${/[:.]|(?:^|-)\d/.test(word) ? 'address' : word.replace(/\d/g, '')}${ordinal}\0`
  })
}

function remarksOn (file: ConfigFile, text: Buffer): readonly Remark[] {
  const at = placeIn(file, text)
  const stray = strayOctet(text)
  if (file.kind === 'ignition') {
    const found = mistaken(text)
    if (found !== undefined) return [{ rule: 'config-refused', ...at(found.line ?? 1, found.column ?? 1), text: found.message }]
    const remarks = transpile(text, { flavour: 'matchbox', serving: true }).report.flatMap(entry => remarkOf(entry, at))
    return remarks.map(remark => ({ ...remark, ...strayPlace(remark.text, stray, at) }))
  }
  if (file.kind === 'cloud') {
    const fault = cloudFault(text)
    // The line in the library's words is sometimes the one before.
    if (fault !== undefined) return [{ rule: 'config-refused', ...at(fault.line, fault.column), text: fault.words, ...strayPlace(fault.words, stray, at) }]
    // Matchbox serves it; whoever reads it does nothing.
    const root = text.toString('latin1').startsWith('#!') ? undefined : readYaml(text, 'v2')
    if (root !== undefined && root.kind !== 'mapping') {
      return [{ rule: 'config-refused', ...at(root.line, root.column), text: 'a cloud-config has keys (hostname: node1); this has none' }]
    }
  }
  return []
}

/** YAML's words for an octet that is not UTF-8 have no place in them. */
const strayPlace = (text: string, stray: ReturnType<typeof strayOctet>, at: ReturnType<typeof placeIn>): Partial<Remark> =>
  stray !== undefined && /^yaml: .*UTF-8/.test(text) ? at(stray.line, stray.column) : {}

/** Without a group there are no variables: a template is only read, anything else is looked at as it is. */
function unrendered (file: ConfigFile): readonly Remark[] {
  if (!file.content.includes('{{')) return remarksOf(file, () => file.content)
  try {
    parseTemplate('', file.content)
    return []
  } catch (error) {
    return [templateRemark(error)]
  }
}

/** Go's messages name line and column, the column from 0. */
function templateRemark (error: unknown): Remark {
  const cause = error instanceof AppError ? error.cause ?? error : error
  if (!(cause instanceof TemplateError)) return { rule: 'template', line: 1, column: 1, text: messageOf(cause) }
  const { templateName: called, line, column = 0, text, context } = cause
  const other: SharedFile | undefined = called !== '' ? { kind: 'snippets', name: called } : error instanceof InvalidTemplate ? error.file : undefined
  // Whether a machine will send what the template asks of it is not known here.
  return { rule: context.startsWith('.request.query') ? 'config-warning' : 'template', line, column: column + 1, text, file: other }
}

/** From a place in the rendered text to one in the file. */
function placeIn (file: ConfigFile, text: Buffer) {
  const [template, rendered] = file.content.equals(text) ? ['', ''] : [file.content.toString('utf8'), text.toString('utf8')]
  return (line: number, column: number): { line: number, column: number } => {
    const at = templateLine(template, rendered, line)
    return at === undefined ? { line: 1, column: 1 } : { line: at, column }
  }
}

const remarkOf = (entry: ReportEntry, at: (line: number, column: number) => Pick<Remark, 'line' | 'column'>): readonly Remark[] =>
  entry.kind === 'info' ? [] : [remarkOn(entry, at(entry.line ?? 1, entry.column ?? 1))]

/** A key that nobody reads and that looks like one that counts is a slip: what was meant is missing on the machine. */
function remarkOn (entry: ReportEntry, place: Pick<Remark, 'line' | 'column'>): Remark {
  const { kind, unusedKey: key } = entry
  const meant = key === undefined || knownKeys().has(key) ? '' : didYouMean(key, knownKeys())
  return { rule: kind === 'error' || meant !== '' ? 'config-refused' : 'config-warning', ...place, text: messageText(entry.message) + meant }
}

function readyRemarks (file: ConfigFile): readonly Remark[] {
  const ready = readyIgnition(file.content)
  if (!('problem' in ready)) {
    return ready.report.flatMap(entry => remarkOf(entry, (line, column) => ({ line, column })))
  }
  const { problem, line, column } = ready
  const hint = jsonHint(file.content, { line, column })
  return [{ rule: 'config-cut', line, column, text: `served as it is, but ${problem}${hint}` }]
}

let keys: ReadonlySet<string> | undefined

/** Every key that means something somewhere in a config, in both spellings. */
function knownKeys (): ReadonlySet<string> {
  if (keys !== undefined) return keys
  const found = new Set<string>()
  const walk = (type: Type): void => {
    if (type.kind === 'list' || type.kind === 'optional') walk(type.element)
    if (type.kind !== 'struct') return
    for (const form of ['yaml', 'json'] as const) {
      for (const [name, [, field]] of writtenFields(type, form)) {
        found.add(name)
        if (form === 'yaml') walk(field)
      }
    }
  }
  for (const { document } of dialects) walk(document)
  walk(clcSchema)
  keys = found
  return found
}
