// The code blocks of README.md and docs/*.md: fenced, those of a shell with the language `sh`.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './project.js'

export interface DocBlock {
  /** `docs/hosts.md` */
  readonly doc: string
  /** Of its first line, from 1. */
  readonly line: number
  /** What follows the fence; '' for output and other text. */
  readonly language: string
  readonly text: string
}

export const documents = (): readonly string[] =>
  ['README.md', ...readdirSync(join(projectRoot, 'docs')).filter(name => name.endsWith('.md')).sort().map(name => `docs/${name}`)]

export function blocksOf (doc: string): readonly DocBlock[] {
  const text = readFileSync(join(projectRoot, doc), 'utf8')
  // One in a list is indented, and its lines with it.
  return [...text.matchAll(/^( *)```(\w*)\n([^]*?)^\1```$/gm)].map(({ 1: indent = '', 2: language = '', 3: block = '', index }) =>
    ({ doc, language, text: block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''), line: text.slice(0, index).split('\n').length + 1 }))
}

/** Those below one heading (`## Install`), as far as the next one of its rank. */
export function blocksBelow (doc: string, heading: string): readonly DocBlock[] {
  const lines = readFileSync(join(projectRoot, doc), 'utf8').split('\n')
  const start = lines.indexOf(heading) + 1
  if (start === 0) throw new Error(`${doc} has no ${heading}`)
  const rank = heading.replace(/ .*/, ' ')
  const end = lines.findIndex((line, at) => at >= start && line.startsWith(rank))
  return blocksOf(doc).filter(({ line }) => line > start && (end === -1 || line <= end))
}

/** The commands of a block, whole: with their continued lines and here documents, without what a comment says behind them. */
export function commandsOf ({ text }: DocBlock): readonly string[] {
  const commands: string[] = []
  let open: { lines: string[], until: RegExp } | undefined
  for (const line of text.trimEnd().split('\n')) {
    if (open !== undefined) {
      open.lines.push(line)
      if (open.until.test(line)) {
        commands.push(open.lines.join('\n'))
        open = undefined
      }
      continue
    }
    const hereDocument = /<<'(\w+)'/.exec(line)?.[1]
    if (hereDocument !== undefined) open = { lines: [line], until: new RegExp(`^${hereDocument}$`) }
    else if (line.endsWith('\\')) open = { lines: [line], until: /[^\\]$/ }
    else if (line !== '') commands.push(line.replace(/\s+# .*$/, ''))
  }
  if (open !== undefined) throw new Error(`a command that does not end: ${open.lines.join('\n')}`)
  return commands
}

export interface DocSpan {
  readonly line: number
  /** On one line. */
  readonly text: string
}

/** What stands between backticks in the prose and the tables of a document. */
export const spansOf = (document: string): readonly DocSpan[] => found(document, /(?<!`)(`+)(?!`)([^]+?)(?<!`)\1(?!`)/g, 2)
  .map(({ line, text }) => ({ line, text: text.trim().replaceAll(/\s+/g, ' ').replaceAll('\\|', '|') }))

export const linksOf = (document: string): ReadonlyArray<{ readonly line: number, readonly target: string }> =>
  found(document, /\[[^\]]*\]\(([^)\s]+)\)/g, 1).map(({ line, text }) => ({ line, target: text }))

/** What `#...` of a link may be: the headings, as GitHub writes them there. */
export const anchorsOf = (document: string): readonly string[] => found(document, /^#+ (.+)$/gm, 1)
  .map(({ text }) => text.toLowerCase().replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-'))

/** Where it stands outside of blocks. */
function found (document: string, pattern: RegExp, group: number): readonly DocSpan[] {
  const prose = document.replaceAll(/^( *)```\w*\n[^]*?^\1```$/gm, block => block.replaceAll(/[^\n]/g, ''))
  return [...prose.matchAll(pattern)].map(match => ({ line: prose.slice(0, match.index).split('\n').length, text: match[group] ?? '' }))
}
