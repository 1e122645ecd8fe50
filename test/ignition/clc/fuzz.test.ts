// Whatever the bytes, a Container Linux Config is answered: never an exception.
import { readFileSync, readdirSync } from 'node:fs'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { transpileClc } from '../../helpers/transpile.js'
import { jsonText } from '../../../src/go/json.js'
import { cases } from '../../helpers/property.js'

const folder = new URL('../../fixtures/clc-0.9.0/', import.meta.url)
const inputs = readdirSync(folder).filter(name => name.endsWith('.json'))
  .flatMap(name => (JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as { readonly cases: ReadonlyArray<{ readonly input: string }> }).cases)
  .map(({ input }) => input).filter(input => input.length < 3000)

function isAnswered (source: Uint8Array | string): boolean {
  const transpiled = transpileClc(source, { flavour: 'matchbox' })
  const fatal = transpiled.report.some(entry => entry.kind === 'error')
  if (transpiled.ok === fatal || transpiled.ok !== (transpiled.config !== undefined)) return false
  if (transpiled.config === undefined) return true
  const config: unknown = JSON.parse(jsonText(transpiled.config))
  return typeof config === 'object' && config !== null && 'ignition' in config
}

function check<T> (t: Test, arbitrary: fc.Arbitrary<T>, holds: (value: T) => boolean, runs = 3000): void {
  fc.assert(fc.property(arbitrary, holds), { ...cases(t, runs), endOnFailure: true })
  t.end()
}

t.test('bytes', t => check(t, fc.uint8Array({ maxLength: 300 }), isAnswered))

const piece = fc.constantFrom(...'-?:,[]{}#&*!|>\'"%@`~<\\ \n\t\r', '- ', ': ', '\n  ', '\n    ', '---\n', '...', '&a ', '*a', '<<: ', '!!binary ', '!!int ', '|\n', '>-\n',
  'storage', 'files', 'disks', 'systemd', 'units', 'contents', 'remote', 'url', 'etcd', 'version', 'mode', 'name', '0644', '3.2.0', 'null', 'yes',
  '\u00e9', '\u{1f98a}', '\u0085', '\u2028', '\ufeff', '\0', '\ud800')

t.test('pieces of YAML', t => check(t, fc.array(piece, { maxLength: 40 }), pieces => isAnswered(pieces.join(''))))

t.test('configs with a part cut, doubled or replaced', t => check(t,
  fc.tuple(fc.constantFrom(...inputs), fc.constantFrom(...inputs), fc.nat(), fc.nat(), fc.array(piece, { maxLength: 4 })),
  ([input, other, from, length, pieces]) => {
    const start = from % (input.length + 1)
    const end = start + length % (input.length + 1 - start)
    const from2 = length % (other.length + 1)
    return [pieces.join(''), input.slice(start, end).repeat(2), other.slice(from2, from2 + 60)]
      .every(replacement => isAnswered(input.slice(0, start) + replacement + input.slice(end)))
  }, 1000))

const value: fc.Memo<unknown> = fc.memo(depth => depth <= 1
  ? fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null))
  : fc.oneof(value(1), fc.array(value(depth - 1), { maxLength: 3 }), fc.dictionary(key, value(depth - 1), { maxKeys: 4 })))
const key = fc.constantFrom('ignition', 'config', 'append', 'replace', 'source', 'verification', 'hash', 'function', 'sum', 'storage', 'disks', 'device', 'partitions',
  'size', 'start', 'raid', 'level', 'devices', 'filesystems', 'mount', 'format', 'create', 'label', 'files', 'path', 'filesystem', 'contents', 'inline', 'remote',
  'url', 'mode', 'user', 'id', 'name', 'directories', 'links', 'target', 'systemd', 'networkd', 'units', 'dropins', 'enabled', 'passwd', 'users', 'groups', 'uid',
  'etcd', 'version', 'flannel', 'network_config', 'docker', 'flags', 'update', 'group', 'server', 'locksmith', 'window_start', 'window_length')

t.test('trees of the right keys and any values', t => check(t,
  fc.dictionary(key, value(5), { maxKeys: 6 }), tree => isAnswered(JSON.stringify(tree)), 2000))
