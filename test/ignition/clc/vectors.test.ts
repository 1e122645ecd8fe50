// Every recorded answer of ct 0.9.0 (and of Matchbox 0.9.0 where it differs): taken or refused, the JSON, and the report's kinds,
// messages, lines and columns.
import { readFileSync, readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { transpileClc } from '../../helpers/transpile.js'
import { jsonText } from '../../../src/go/json.js'
import type { Transpiled } from '../../../src/ignition/transpiled.js'

interface Answer { readonly ok: boolean, readonly expected: unknown, readonly report: string }
interface Case extends Answer {
  readonly name: string
  readonly input: string
  readonly strict_ok: boolean
  readonly crash?: boolean
  readonly matchbox_0_9_0?: Answer
}

const folder = new URL('../../fixtures/clc-0.9.0/', import.meta.url)
const areas = readdirSync(folder).filter(name => name.endsWith('.json'))
  .map(name => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as { readonly area: string, readonly cases: readonly Case[] })

// ct hands its report to a printf as the format, which spoils a percent sign.
const unspoilt = (text: string): string => text.replaceAll('%!z(MISSING)z', '%zz')

/** `kind line:column message` of each remark that ct printed; `-` where ct has no place, where ours may have one. */
function remarksOf (printed: string): string[] {
  const lines = unspoilt(printed).split('\n').filter(line => line !== '' && line !== 'Failed to parse config')
  const remarks: string[] = []
  let placed = ''
  for (const line of lines) {
    const place = /^(\w+) at line (\d+), column (\d+)$/.exec(line)
    const bare = /^(error|warning|info|deprecated): (.*)$/.exec(line)
    if (place !== null) placed = `${place[1]} ${place[2]}:${place[3]} `
    else if (bare !== null) remarks.push(`${bare[1]} - ${bare[2]}`)
    else if (line.startsWith('  ')) remarks.push(`${remarks.pop()}\n${line}`)
    else remarks.push(placed + line)
  }
  return remarks.sort()
}

// What ct says of several values in one message ours says one by one.
const unmarshalErrors = 'error - yaml: unmarshal errors:\n'

function ourRemarks (transpiled: Transpiled, theirs: readonly string[]): string[] {
  if (theirs[0]?.startsWith(unmarshalErrors) === true) {
    return [unmarshalErrors + transpiled.report.map(({ line, message }) => `  line ${line}: ${message}`).join('\n')]
  }
  return transpiled.report.map(({ kind, message, line, column }) => {
    const bare = `${kind} - ${message}`
    return theirs.includes(bare) ? bare : `${kind} ${line}:${column} ${message}`
  }).sort()
}

function check (t: Test, input: string, transpiled: Transpiled, answer: Answer, crash: boolean): void {
  t.equal(transpiled.ok, answer.ok, 'taken or refused as the reference does')
  if (transpiled.config !== undefined) t.same(JSON.parse(jsonText(transpiled.config)), answer.expected, 'the config')
  if (crash) {
    t.match(transpiled.report.at(-1), { kind: 'error', message: /write contents, remote and url out/ }, 'a clear refusal where ct dies')
  } else {
    const theirs = remarksOf(answer.report)
    t.same(ourRemarks(transpiled, theirs), theirs, 'the report')
  }
  for (const entry of transpiled.report) {
    t.ok(entry.line !== undefined && entry.column !== undefined && entry.line <= input.split(/\r\n|[\n\r]/).length, 'every remark has a place')
    t.match(entry.path, /^\$/)
  }
}

for (const { area, cases } of areas) {
  t.test(area, t => {
    for (const { name, input, crash, strict_ok: strictOk, matchbox_0_9_0: matchbox, ...answer } of cases) {
      t.test(name, t => {
        const transpiled = transpileClc(input)
        check(t, input, transpiled, answer, crash === true)
        t.equal(transpiled.report.length === 0, strictOk, 'clean exactly where -strict is content')
        check(t, input, transpileClc(Buffer.from(input), { flavour: 'matchbox' }), matchbox ?? answer, crash === true)
        t.end()
      })
    }
    t.end()
  })
}

t.test('nothing was left out', t => {
  t.equal(areas.flatMap(({ cases }) => cases).length, 369)
  t.end()
})
