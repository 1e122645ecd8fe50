// What a translator has to say about a config, each remark with its place.
import { printable } from '../go/string.js'

export type EntryKind = 'error' | 'deprecated' | 'warning' | 'info'

export interface ReportEntry {
  readonly kind: EntryKind
  readonly message: string
  /** The message without the line that go-yaml names in it. */
  readonly words?: string
  /** `$.storage.files.0.path` in the config's own spelling; `$` is the whole. */
  readonly path: string
  /** Of a remark on a key that nobody reads. */
  readonly unusedKey?: string
  /** From 1; undefined where the remark has no place. */
  readonly line?: number | undefined
  readonly column?: number | undefined
}

export type Report = readonly ReportEntry[]

export const isFatal = (report: Report): boolean => report.some(entry => entry.kind === 'error')

/** `$.a.0.b` of `['a', 0, 'b']`. */
export const pathText = (path: ReadonlyArray<string | number>): string => ['$', ...path].join('.')

/** A remark's message for whoever is told its place beside it. */
export const messageAt = ({ words, message }: ReportEntry): string => words ?? message

/** Lines of a message after its first are indented. */
export const messageText = (message: string): string => printable(message).replace(/\n\s*/g, '\n  ')

/** `file:line:col: kind: message`, one entry a line. */
export function formatEntry (entry: ReportEntry, file: string): string {
  const place = entry.line === undefined ? file : `${file}:${entry.line}:${entry.column ?? 1}`
  return `${place}: ${entry.kind}: ${messageText(messageAt(entry))}`
}

export const formatReport = (report: Report, file: string): string => report.map(entry => `${formatEntry(entry, file)}\n`).join('')

/** Remarks past this many, and messages past this length, are not for a person any more. */
const longestReport = 1000
const longestMessage = 2000

/** A report that a hostile config cannot make long: the first remarks, an error among them if there is one, and how many more. */
export function shortened (report: Report): Report {
  const cut = report.slice(0, longestReport)
  const error = cut.some(entry => entry.kind === 'error') ? undefined : report.find(entry => entry.kind === 'error')
  const brief = (text: string): string => `${text.slice(0, longestMessage)}...`
  const kept = (error === undefined ? cut : [...cut.slice(1), error]).map(entry => entry.message.length <= longestMessage
    ? entry
    : { ...entry, message: brief(entry.message), ...entry.words !== undefined && { words: brief(entry.words) } })
  const left = report.length - kept.length
  return left <= 0 ? kept : [...kept, { kind: 'info', message: `${left} further remarks are left out`, path: '$' }]
}
