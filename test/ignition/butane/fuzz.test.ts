// Whatever stands in a config: an answer, never an exception. The configs are recorded ones with parts cut out,
// doubled, swapped with parts of others, and bytes put in.
import t from 'tap'
import fc from 'fast-check'
import { readFileSync, readdirSync } from 'node:fs'
import { jsonText } from '../../../src/go/json.js'
import { isFatal } from '../../../src/ignition/report.js'
import { transpile } from '../../../src/ignition/transpile.js'
import { cases } from '../../helpers/property.js'
import { leastWork } from '../../helpers/work.js'

const folder = new URL('../../fixtures/butane/', import.meta.url)
const inputs = readdirSync(folder).filter(name => name.endsWith('.json')).flatMap(name =>
  (JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as { cases: Array<{ input: string }> }).cases.map(({ input }) => Buffer.from(input)))

const head = 'variant: fcos\nversion: 1.5.0\n'
const input = fc.constantFrom(...inputs)
const spice = fc.constantFrom('\0', '\t', '&a ', '*a', '<<: *a', '!!binary ', '- ', ': ', '{', '}', '[', ']', '"', "'", '|', '>', '#', '%', '~', '\n', '\n  ', '😀', '-1', '1e99', '0x')
const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.nat(40),
  put: fc.oneof(spice.map(text => Buffer.from(text)), fc.uint8Array({ maxLength: 4 }), input.map(text => text.subarray(0, 60)))
})

const mutated = fc.tuple(input, fc.array(change, { minLength: 1, maxLength: 4 })).map(([base, changes]) =>
  changes.reduce((text: Buffer, { at, cut, put }) => {
    const start = Math.floor(at * text.length)
    return Buffer.concat([text.subarray(0, start), put, text.subarray(start + cut)])
  }, base))

t.test('mutated configs', t => {
  let taken = 0
  fc.assert(fc.property(mutated, text => {
    const { ok, config, report } = transpile(text)
    if (ok !== (config !== undefined) || ok === isFatal(report)) throw new Error('neither a config nor a reason')
    const lines = text.toString('latin1').split(/\r\n?|\n/).length
    for (const { line = 1, column = 1, path, message } of report) {
      if (line < 1 || line > lines + 2 || column < 1 || !path.startsWith('$') || message === '') throw new Error(`an odd entry: ${line}:${column} ${path} ${message}`)
    }
    if (ok) {
      taken++
      JSON.parse(jsonText(config ?? null))
    }
  }), cases(t, 2000))
  t.ok(taken > 0, 'some are still taken')
  t.end()
})

t.test('bombs and giants are refused, for no more work than a text of that size', t => {
  const work = (text: string): number => leastWork(() => { transpile(text) })
  const much = work(`${head}kernel_arguments:\n  should_exist:\n${'    - abcdefgh\n'.repeat(20_000)}`)
  const layers = 'bcdefghij'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[i]}`).join(', ')}]\n`).join('')
  for (const [name, text] of [
    ['aliases of aliases', `${head}a: &a [x]\n${layers}kernel_arguments: {should_exist: *j}\n`],
    ['one long text a thousand times', `${head}x: &a "${'y'.repeat(1e6)}"\nsystemd:\n  units:\n${'    - {name: a.service, contents: *a}\n'.repeat(1000)}`],
    ['too deep', `${head}x: ${'['.repeat(100_000)}\n`],
    ['too long', `${head}x: "${'y'.repeat(17_000_000)}"\n`]
  ] as const) {
    t.match(transpile(text), { kind: 'butane', ok: false, report: [{ kind: 'error' }] }, name)
    const cost = work(text)
    t.ok(cost < 10 * much, `${name}: ${Math.round(cost)} ms, where 20,000 arguments are ${Math.round(much)}`)
  }
  t.end()
})

t.test('a config inside that has more findings than a call has room for arguments is answered', t => {
  const inner = JSON.stringify({ ignition: { version: '3.4.0' }, kernelArguments: { shouldExist: Array(150_000).fill('a') } })
  const { ok, report } = transpile(`${head}ignition: {config: {merge: [{inline: '${inner}'}]}}\n`)
  t.match([ok, report.length, report[0]], [false, 1001, { kind: 'error', message: 'duplicate entry defined' }])
  t.end()
})
