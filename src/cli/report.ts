// Findings for whoever asked: lines for a person or an editor, JSON, SARIF for code scanning, annotations for GitHub.
import { programVersion } from '../base/bundled.js'
import { visibleText } from '../base/visible-text.js'
import { type FilePlace, type Finding, findingText, placeText } from '../doctor/finding.js'
import { storeRules } from '../doctor/store-rules.js'
import { errorJson } from './command.js'

export const reportFormats = ['text', 'json', 'sarif', 'github'] as const
export type ReportFormat = typeof reportFormats[number]

/** What compilers call the levels; `ok` is told to nobody but a doctor's patient. */
const words = { problem: 'error', warning: 'warning', note: 'note', ok: 'ok' } as const

/** Findings about the configuration have their place in their text. */
function placed (finding: Finding): Finding {
  if (finding.place !== undefined) return finding
  const [, file, line, column, text] = /^(\/[^\n:]*|[^\s:]+):(\d+):(?:(\d+):)? (.*)$/s.exec(finding.text) ?? []
  if (file === undefined || text === undefined) return finding
  return { ...finding, text, place: { file, line: Number(line), column: column === undefined ? undefined : Number(column) } }
}

/** `groups/a.json:3:14: error: names a profile ...`, or `error: ...` */
export function findingLine (finding: Finding): string {
  const { level, place, text } = placed(finding)
  const said = `${words[level]}: ${visibleText(text)}`
  return place === undefined ? said : `${visibleText(placeText(place))}: ${said}`
}

export const findingJson = (finding: Finding): object => {
  const { level, about, rule, place, text } = placed(finding)
  return { level: words[level], about, ...rule !== undefined && { rule }, ...place, text }
}

/** What a command ends 1 for, as any other error; nothing where there is none. */
export const foundJson = (amiss: readonly Finding[]): object | undefined => amiss[0] === undefined
  ? undefined
  : errorJson('problems_found', `${findingText(amiss[0])}${amiss.length === 1 ? '' : ` (and ${amiss.length - 1} more)`}`)

/** SARIF 2.1.0 (OASIS): one run, the rules that were broken, a result each. */
export function sarif (findings: readonly Finding[]): object {
  const rules = [...new Set(findings.map(ruleOf))]
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{
      tool: { driver: { name: 'core-provisioner', version: programVersion(), rules: rules.map(id => ({ id, shortDescription: { text: meaningOf(id) } })) } },
      columnKind: 'unicodeCodePoints',
      results: findings.map(finding => {
        const { level, place, text } = placed(finding)
        return {
          ruleId: ruleOf(finding),
          ruleIndex: rules.indexOf(ruleOf(finding)),
          level: words[level],
          message: { text },
          ...place !== undefined && { locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(place) }, ...regionOf(place) } }] }
        }
      })
    }]
  }
}

const ruleOf = ({ rule, about }: Finding): string => rule ?? about.replaceAll(' ', '-')
const meaningOf = (rule: string): string => Object.hasOwn(storeRules, rule) ? storeRules[rule as keyof typeof storeRules].what : rule
/** Relative to where the command ran, or `file:`. */
const uriOf = ({ file }: FilePlace): string => `${file.startsWith('/') ? 'file://' : ''}${file.split('/').map(encodeURIComponent).join('/')}`
const regionOf = ({ line, column }: FilePlace): object =>
  line === undefined ? {} : { region: { startLine: line, ...column !== undefined && { startColumn: column } } }

/** Workflow commands (docs.github.com, "Workflow commands for GitHub Actions"). */
export function githubLine (finding: Finding): string {
  const { level, place, text } = placed(finding)
  const properties = [['file', place?.file], ['line', place?.line], ['col', place?.column], ['title', ruleOf(finding)]] as const
  const said = properties.flatMap(([name, value]) => value === undefined ? [] : [`${name}=${property(String(value))}`])
  return `::${level === 'problem' ? 'error' : level === 'warning' ? 'warning' : 'notice'} ${said.join(',')}::${data(text)}`
}

const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
