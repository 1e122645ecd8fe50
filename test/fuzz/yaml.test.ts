// Whatever bytes come, the YAML readers give a tree or say where it ends, in bounded time: our own in both dialects, and the
// one of configuration and host files.
import fc from 'fast-check'
import t from 'tap'
import { parseReservationFile } from '../../src/config/reservation-file.js'
import { YamlError } from '../../src/yaml/yaml-error.js'
import { readYaml } from '../../src/yaml/read-yaml.js'
import { cases } from '../helpers/property.js'
import { growth, muchGrowth } from '../helpers/work.js'

const token = fc.constantFrom('a', 'b: ', '- ', '? ', ': ', ', ', '[', ']', '{', '}', '"', "'", '|', '>', '|2-\n', '>+\n', '&a ', '*a', '<<: *a', '!!binary ', '!!str ', '!<x> ', '!', '# c', '\n', '\n  ', '\n    ', '\r\n', '\t', '---\n', '...\n', '%YAML 1.1\n', '\\', '\\x41', '~', 'yes', '0o17', '1_0', '.inf', '2001-01-01', '\0', '\x07', '\x85', '\ufeff', '😀', 'mac: "52:54:00:00:00:01"', 'ip: 10.0.0.1')
const text = (most: number): fc.Arbitrary<Buffer> => fc.array(token, { maxLength: most }).map(parts => Buffer.from(parts.join('')))
const spoilt = fc.tuple(text(20), fc.uint8Array({ maxLength: 8 }), fc.nat(100))
  .map(([text, put, at]) => Buffer.concat([text.subarray(0, at), put, text.subarray(at)]))
const yaml = fc.oneof({ arbitrary: text(40), weight: 4 }, { arbitrary: spoilt, weight: 1 })

for (const dialect of ['v2', 'v3'] as const) {
  t.test(dialect, t => {
    let taken = 0
    fc.assert(fc.property(yaml, text => {
      try {
        readYaml(text, dialect)
        taken++
      } catch (error) {
        if (!(error instanceof YamlError)) throw error
        const { line = 1, column = 1, message } = error
        if (!(line >= 1 && column >= 1) || message === '') throw new Error(`an odd error: ${line}:${column} ${message}`)
      }
    }), cases(t, 15_000))
    t.ok(taken > 0, 'some are taken')
    t.end()
  })
}

t.test('host files', t => {
  fc.assert(fc.property(yaml, text => {
    const { entries, problems } = parseReservationFile('a.yaml', text.toString())
    for (const problem of problems) if (!/^a\.yaml:\d+:\d+: ./s.test(problem)) throw new Error(`an odd problem: ${problem}`)
    for (const { source } of entries) if (!/^a\.yaml:\d+$/.test(source)) throw new Error(source)
  }), cases(t, 5000))
  t.end()
})

t.test('the work grows with the text', t => {
  for (const part of ['a', 'a: b\n', '- ', '[', '{a: ', '"', '"\\x41', '&a ', '*a\n', '# c\n', '\n', ' ', '\t', '|\n', '? ', '---\n', '!!str ', "''", '\u00e9', '\r\n']) {
    for (const dialect of ['v2', 'v3'] as const) {
      const read = (size: number): void => {
        const text = Buffer.from(part.repeat(Math.ceil(size / part.length)))
        try { readYaml(text, dialect) } catch (error) { if (!(error instanceof YamlError)) throw error }
      }
      const grown = growth(read, 8000)
      t.ok(grown < muchGrowth, `${dialect} ${JSON.stringify(part)}: ${grown.toFixed(1)} times the work for eight times the text`)
    }
  }
  t.end()
})
