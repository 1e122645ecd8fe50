// Every recorded answer of butane 0.29.0, and of 0.19.0 but for what 0.29.0 is known to answer otherwise: taken or refused as there,
// the same JSON (of compressed contents what they hold), the same report with the same places.
import t from 'tap'
import { readFileSync, readdirSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { readDataUrl } from '../../../src/ignition/data-url.js'
import { transpileButane } from '../../helpers/transpile.js'
import { jsonText } from '../../../src/go/json.js'
import type { Report } from '../../../src/ignition/report.js'

interface Case {
  readonly name: string
  readonly input: string
  readonly ok: boolean
  readonly strict_ok: boolean
  readonly expected: unknown
  readonly report: string
  readonly report_varies?: boolean
  /** What compressed contents hold, by JSON pointer to their resource. */
  readonly decoded_by_path?: Readonly<Record<string, string>>
  /** Whether compressing saves anything hangs on the few bytes between Go's gzip and zlib's. */
  readonly zlib_choice_differs?: boolean
}

/** Of a report as `expectedReport` and `ourReport` give it. */
type Lines = readonly string[]

interface Recording {
  readonly folder: string
  readonly count: number
  /** Cases that are answered otherwise now, and how they are. */
  readonly retired: Readonly<Record<string, boolean>>
  /** The two reports as far as they are to agree. */
  readonly compared: (ours: Lines, theirs: Lines, area: string) => readonly [Lines, Lines]
}

// What 0.29.0 remarks on and 0.19.0 did not.
const newRemarks = [
  'setuid/setgid/sticky bits are not supported or functional in spec versions older than 3.6.0',
  'boot_device.layout should be specified when boot_device.mirror is specified',
  'root should have 8GiB of space assigned',
  'root partition cannot expand; it is set to fill available space but is followed by an auto-positioned partition',
  'skipping validation for the merge/replace ignition config due to an unkown version'
]
const oldRemark = 'setuid/setgid/sticky bits are not supported in spec versions older than 3.4.0'

/** Where 0.29.0 names a place that is not that of the trouble, ours is better and only what is said is compared. */
const said = (lines: Lines): Lines => lines.map(line => line.replace(/ at .*?line \d+ col \d+/, '')).sort()

const recordings: readonly Recording[] = [
  {
    folder: 'butane',
    count: 640,
    retired: {
      'bu-compression-merge-compressed': false,
      'bu-ignition-merge-inline-empty': false,
      'bu-ignition-replace-inline': false,
      'bu-version-fcos-1-6-0-stable-missing': true,
      'bu-version-flatcar-experimental': true
    },
    compared: (ours, theirs) => [
      ours.filter(line => theirs.includes(line) || !newRemarks.some(remark => line.endsWith(remark))),
      theirs.filter(line => !line.endsWith(oldRemark))
        .map(line => line.replace(': Unused key ', ': unused key ').replace(/Unused keys may not be reported\.$/, 'Unused keys may not be reported'))
    ]
  },
  {
    folder: 'butane29',
    count: 429,
    retired: {},
    compared: (ours, theirs, area) => area === 'inline-config'
      ? [said(ours), said(theirs)]
      : [ours, theirs.map(line => line.replace('$.boot_device.luks.luks,', '$.boot_device.luks,'))]
  }
]

const lead = 'Error translating config: '

const expectedReport = ({ report }: Case): string[] => {
  const lines = report.split('\n').filter(line => line !== '' && line !== `${lead}source config is invalid` && line !== `${lead}config generated was invalid`)
  if (lines[0]?.startsWith(lead) !== true) return lines
  const text = report.slice(lead.length).replace('Error unmarshaling yaml: ', '')
  return text.startsWith('yaml: unmarshal errors:\n') ? text.split('\n').slice(1) : [text]
}

const ourReport = (test: Case, report: Report): string[] => {
  if (!test.report.startsWith(lead)) return report.map(({ kind, path, line, column, message }) => `${kind} at ${path}, line ${line} col ${column}: ${message}`)
  return report.map(({ line, message }) => test.report.includes('unmarshal errors') ? `  line ${line}: ${message}` : message)
}

interface Resource { source?: string, compression?: string }

const contentsOf = ({ source = '', compression }: Resource): string => {
  const read = readDataUrl(source)
  if (!read.ok) throw new Error(`${source}: ${read.problem}`)
  return (compression === 'gzip' ? gunzipSync(read.data) : read.data).toString()
}

const at = (config: unknown, pointer: string): Resource =>
  pointer.split('/').slice(1).reduce((value: unknown, step) => Reflect.get(Object(value) as object, step), config) as Resource

/** Every resource with contents in it. */
const resourcesIn = (value: unknown): Resource[] => {
  if (typeof value !== 'object' || value === null) return []
  const { source }: Resource = value
  return [...source?.startsWith('data:') === true ? [value] : [], ...Object.values(value).flatMap(resourcesIn)]
}

const unpack = (resource: Resource, compression = resource.compression): void => {
  Object.assign(resource, { source: contentsOf(resource), compression })
}

for (const { folder: name, count, retired, compared } of recordings) {
  const folder = new URL(`../../fixtures/${name}/`, import.meta.url)
  let seen = 0
  for (const file of readdirSync(folder).filter(name => name.endsWith('.json'))) {
    const { area, cases } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { area: string, cases: readonly Case[] }
    seen += cases.length
    t.test(`${name}: ${area}`, t => {
      for (const test of cases) {
        const { ok, config, report } = transpileButane(test.input)
        const otherwise = retired[test.name]
        t.equal(ok, otherwise ?? test.ok, `${test.name}: taken`)
        if (otherwise !== undefined) continue
        const [ours, theirs] = compared(ourReport(test, report), expectedReport(test), area).map(lines => [...lines]) as [string[], string[]]
        t.equal(ok && ours.length === 0, test.strict_ok || (test.ok && theirs.length === 0), `${test.name}: without a remark`)
        if (test.report_varies === true) for (const lines of [ours, theirs]) lines.sort()
        t.same(ours, theirs, `${test.name}: report`)
        if (config === undefined || !test.ok) continue
        const [written, expected] = [JSON.parse(jsonText(config)) as unknown, structuredClone(test.expected)]
        for (const [pointer, text] of Object.entries(test.decoded_by_path ?? {})) {
          t.equal(contentsOf(at(written, pointer)), text, `${test.name}: what is compressed at ${pointer}`)
          for (const config of [written, expected]) unpack(at(config, pointer))
        }
        if (test.zlib_choice_differs === true) for (const config of [written, expected]) resourcesIn(config).forEach(resource => unpack(resource, 'either'))
        t.same(written, expected, `${test.name}: JSON`)
      }
      t.end()
    })
  }
  t.test(`${name}: nothing was left out`, t => {
    t.equal(seen, count)
    t.end()
  })
}

t.test('integers of 64 bits are exact', t => {
  const { config = null } = transpileButane('variant: fcos\nversion: 1.5.0\npasswd:\n  users: [{name: a, uid: 9223372036854775807}]\n')
  t.match(jsonText(config), /"uid":9223372036854775807\b/)
  t.end()
})
