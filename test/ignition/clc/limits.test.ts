// Hostile configs: the work grows with the config and not with its square, and one clear remark says why it is refused.
import t from 'tap'
import { transpileClc } from '../../helpers/transpile.js'
import { growth, muchGrowth } from '../../helpers/work.js'

const most = 1024 * 1024

/** The configs of about `size` octets. */
function hostile (size: number): Readonly<Record<string, string>> {
  const many = (count: number): number => Math.floor(count * size / most)
  const fill = (head: string, unit: string, tail = ''): string => head + unit.repeat(Math.floor(size / Buffer.byteLength(unit))) + tail
  const remote = (head: string, unit: string, tail: string): string =>
    fill(`storage: {files: [{filesystem: root, path: /a, mode: 1, contents: {remote: {url: "${head}`, unit, `${tail}"}}}]}`)
  const unit = (contents: string, part: string, tail: string): string =>
    fill(`systemd: {units: [{name: a.service, contents: "${contents}`, part, `${tail}"}]}`)

  return {
    'a YAML bomb': `a: &a0 [x,x]\n${Array.from({ length: 30 }, (_, i) => `b${i}: &a${i + 1} [*a${i}, *a${i}]\n`).join('')}docker: {flags: *a30}\n`,
    'a bomb of merge keys': `a: &a0 {name: x}\n${Array.from({ length: 30 }, (_, i) => `b${i}: &a${i + 1} {<<: [*a${i}, *a${i}, *a${i}]}\n`).join('')}passwd: {users: [*a30]}\n`,
    'a list repeated by aliases': `x: &f [${'a,'.repeat(10_000)}]\npasswd: {users: [${'{name: a, groups: *f},'.repeat(many(3_000))}]}`,
    'one long text in many places': `x: &t "${'y'.repeat(1e6)}"\nsystemd: {units: [${'{name: a.service, contents: *t},'.repeat(many(5_000))}]}`,
    'seventeen megabytes': 'a'.repeat(17 * size),
    'deep brackets': fill('', '['),
    'deep dashes': fill('', '- '),
    'deep question marks': fill('', '? '),
    'NUL bytes': 'a: \0\0\0',
    'one long word': fill('', 'a'),
    'one long key': fill('', 'a', ': b'),
    'as many keys as may be': Array.from({ length: many(49_000) }, (_, i) => `k${i}: x`).join('\n'),
    'the same key again and again': fill('', 'docker: {flags: [a]}\n'),
    'as many files as may be': `storage: {files: [${'~,'.repeat(many(90_000))}]}`,
    'as many remote files as may be, among many keys':
      `${Array.from({ length: many(20_000) }, (_, i) => `k${i}: x`).join('\n')}\nstorage: {files: [${'{contents: {remote: {url: "a:"}}},'.repeat(many(6_000))}]}`,
    'many partitions': `storage: {disks: [{device: /a, partitions: [${'{start: 1MiB},'.repeat(many(25_000))}]}]}`,
    'a large literal': fill('storage: {files: []}\ndocker:\n  flags:\n  - |\n', '    abcdefghijklmnop\n'),
    'spaces and an x': fill('docker: {flags: ["', ' ', 'x"]}'),
    'a long number': fill('storage: {files: [{mode: ', '1', '}]}'),
    'a long hexadecimal number': fill('storage: {files: [{mode: 0x', 'f', '}]}'),
    'a long size': fill('storage: {disks: [{partitions: [{size: "', '1', 'B"}]}]}'),
    'a size of many parts': fill('storage: {disks: [{partitions: [{size: "', '1B', '"}]}]}'),
    'a long duration': fill('locksmith: {window_start: "1:00", window_length: "', '1', '"}'),
    'a window of spaces': fill('locksmith: {window_length: 1h, window_start: "', ' ', 'x"}'),
    'a long version': fill('etcd: {version: "3.1.', '1', '"}'),
    'a deep network config': fill("flannel: {network_config: '", '[', "'}"),
    'a long URL': remote('http://h/', '%41\u00fc', ''),
    'a long host': remote('http://', 'a:', ''),
    'a long user': remote('http://', '@', ''),
    'a data URL of many parameters': remote('data:', ';a=b', ',x'),
    'a data URL of pads': remote('data:;base64,', '=', ''),
    'bytes that are no text': fill('docker: {flags: [!!binary ', '////', ']}'),
    'a unit of many options': unit('[A]\\n', 'a=b\\n', ''),
    'a unit of words': unit('', 'ab\\n', ''),
    'a unit of one line': unit('[A]\\nB=', ' ', 'x'),
    'a unit that goes on': unit('[A]\\nB=\\\\\\n', 'a\\\\\\n', '')
  }
}

const texts = hostile(most)
const some = hostile(most / 8)
const eighths = hostile(most / 64)

for (const name of Object.keys(texts)) {
  t.test(name, t => {
    const grown = growth(size => { transpileClc((size === 1 ? eighths : some)[name] ?? '') }, 1)
    t.ok(grown < muchGrowth, `${grown.toFixed(1)} times the work for eight times the text`)
    const { report } = transpileClc(texts[name] ?? '')
    t.ok(report.length <= 1001)
    t.ok(report.every(entry => entry.message.length <= 2003))
    t.end()
  })
}

t.test('refused, not lost', t => {
  const first = (name: string): string => transpileClc(texts[name] ?? '').report[0]?.message ?? ''
  t.match(first('a YAML bomb'), /cannot unmarshal !!seq into string/)
  t.equal(first('one long text in many places'), 'yaml: document contains excessive aliasing')
  t.equal(first('a bomb of merge keys'), 'yaml: document contains excessive aliasing')
  t.equal(first('NUL bytes'), 'yaml: control characters are not allowed')
  t.match(first('deep brackets'), /exceeded max depth of 1000/)
  t.match(first('seventeen megabytes'), /the text has 17825792 bytes/)
  t.end()
})
