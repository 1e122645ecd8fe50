// The import rules (scripts/lib/layers.js) over every file of src/, and no import cycle.
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'
import { guarded, impure, layerOf, layers, matches } from '../scripts/lib/layers.js'

interface Import { readonly target: string, readonly typeOnly: boolean, readonly line: number }

const src = join(dirname(fileURLToPath(import.meta.url)), '..', 'src')
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(f => f.endsWith('.ts')).map(f => f.slice(0, -3)).sort()

const textOf = new Map(files.map(file => [file, readFileSync(join(src, `${file}.ts`), 'utf8')]))
const known = new Map<string, Import[]>()

/** The imports of a file; each is parsed once, since that is what this test takes its time for. */
function importsOf (name: string, text: string): Import[] {
  const before = textOf.get(name) === text ? known.get(name) : undefined
  const found = before ?? parseImports(name, text)
  if (textOf.get(name) === text) known.set(name, found)
  return found
}

function parseImports (name: string, text: string): Import[] {
  // Only a call can stand anywhere: else there is nothing to be found behind the last line that names a module.
  const hasCalls = /\bimport\s*\(/.test(text)
  const lines = hasCalls ? [] : [...text.matchAll(/(?:\bfrom|^import) '[^'\n]*'.*$/gm)]
  const end = hasCalls ? text.length : (lines.at(-1)?.index ?? 0) + (lines.at(-1)?.[0].length ?? 0)
  const source = ts.createSourceFile(name, text.slice(0, end), ts.ScriptTarget.Latest)
  const found: Import[] = []
  const add = (specifier: ts.Expression | undefined, typeOnly: boolean): void => {
    if (specifier !== undefined && ts.isStringLiteral(specifier)) {
      found.push({ target: specifier.text, typeOnly, line: source.getLineAndCharacterOfPosition(specifier.getStart(source)).line + 1 })
    }
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const clause = node.importClause
      const named = clause?.namedBindings
      const allTypes = clause?.name === undefined && named !== undefined && ts.isNamedImports(named) &&
        named.elements.length > 0 && named.elements.every(e => e.isTypeOnly)
      add(node.moduleSpecifier, clause?.phaseModifier === ts.SyntaxKind.TypeKeyword || allTypes)
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly)
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false)
    }
    if (hasCalls) ts.forEachChild(node, visit)
  }
  ts.forEachChild(source, visit)
  return found
}

const resolve = (from: string, target: string): string => posix.join(posix.dirname(from), target).replace(/\.js$/, '')
const packageOf = (target: string): string => target.split('/').slice(0, target.startsWith('@') ? 2 : 1).join('/')

function breaches (file: string, text: string): string[] {
  const layer = layerOf(file)
  if (layer === undefined) return [`src/${file}.ts: stands in no row of scripts/lib/layers.js`]
  const found: string[] = []
  for (const { target, typeOnly, line } of importsOf(file, text)) {
    const where = `src/${file}.ts:${line}: ${layer.name} may not import ${target}`
    const guard = guarded.find(g => g.module === target)
    if (target.startsWith('.')) {
      const to = resolve(file, target)
      if (!matches(to, layer.may) && !(typeOnly && matches(to, layer.types ?? []))) found.push(where)
    } else if (guard !== undefined) {
      if (!guard.only.includes(file)) found.push(`${where} (only ${guard.only.join(', ') || 'nobody'} does)`)
    } else if (!(target.startsWith('node:') ? layer.node : layer.packages).some(allowed => allowed === '*' || allowed === target || allowed === packageOf(target))) {
      found.push(where)
    }
  }
  if (layer.pure === true) {
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, c => c.replace(/[^\n]/g, ' '))
    for (const pattern of impure) {
      const hit = pattern.exec(code)
      if (hit !== null) found.push(`src/${file}.ts:${code.slice(0, hit.index).split('\n').length}: ${layer.name} is pure and may not name ${hit[0]}`)
    }
  }
  if (/\bexport\s+default\b/.test(text)) found.push(`src/${file}.ts: exports by name only`)
  return found
}

function cycles (graph: ReadonlyMap<string, readonly string[]>): string[] {
  const state = new Map<string, 'open' | 'done'>()
  const found: string[] = []
  const walk = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      found.push([...path.slice(path.indexOf(file)), file].join(' -> '))
      return
    }
    state.set(file, 'open')
    for (const next of graph.get(file) ?? []) walk(next, [...path, file])
    state.set(file, 'done')
  }
  for (const file of graph.keys()) walk(file, [])
  return found
}

t.test('every import is one that the layers allow', t => {
  t.ok(files.length > 5, 'the sources were found')
  const all = [...textOf].flatMap(([file, text]) => breaches(file, text))
  t.same(all, [])
  t.end()
})

t.test('no import cycle, of types alone neither', t => {
  const graph = new Map([...textOf].map(([file, text]) => [file, importsOf(file, text)
    .filter(i => i.target.startsWith('.')).map(i => resolve(file, i.target))]))
  t.same(cycles(graph), [])
  t.end()
})

t.test('which store it is, wiring alone knows', t => {
  const users = files.filter(file => !file.startsWith('wiring/') && importsOf(file, textOf.get(file)!)
    .some(({ target }) => target.startsWith('.') && resolve(file, target) === 'store/file-store'))
  t.same(users, [])
  t.end()
})

t.test('every room of the table is there', t => {
  const rooms = new Set(files.flatMap(file => file.includes('/') ? [`${file.split('/')[0]}/`] : []))
  const named = layers.flatMap(({ files, may, types = [] }) => [...files, ...may, ...types])
  t.same([...new Set(named.map(name => name.includes('/') ? `${name.split('/')[0]}/` : ''))].filter(name => name !== '' && !rooms.has(name)), [])
  t.end()
})

t.test('CONTRIBUTING and README show every room, and none that is not there', t => {
  const rooms = new Set(files.flatMap(file => file.includes('/') ? [file.split('/')[0]!] : []))
  const plan = readFileSync(join(src, '../CONTRIBUTING.md'), 'utf8').split('```')[1] ?? ''
  const drawn = plan.split('\n').flatMap(line => line.slice(0, line.search(/ {2}|$/)).match(/[a-z]+(?=\/)/g) ?? [])
  t.same(drawn.sort(), [...rooms].sort())
  const map = readFileSync(join(src, '../README.md'), 'utf8')
  t.same([...rooms].filter(room => !map.includes(`\`src/${room}/\``)), [])
  t.same([...map.matchAll(/`src\/([a-z]+)\/`/g)].map(([, room]) => room).filter(room => !rooms.has(room!)), [])
  t.end()
})

t.test('no two types are named after what was done to them in the same word', t => {
  const participle = /^(?:[A-Z][a-z]+ed|Begun|Found|Given|Held|Kept|Known|Left|Made|Read|Seen|Sent|Shared|Shown|Taken|Told|Written)$/
  const named = [...textOf].flatMap(([file, text]) => [...text.matchAll(/^(?:export )?(?:interface|type|class) (\w+)/gm)].map(([, name = '']) => ({ file, name })))
  t.ok(named.length > 500, 'the types were found')
  const clashes = named.filter(({ file, name }) => participle.test(name) && named.some(other => other.name === name && other.file !== file))
  t.same(clashes, [])
  t.end()
})

t.test('the name of an exported type is declared in no other file', t => {
  const declared = new Map<string, { files: string[], exported: boolean }>()
  for (const [file, text] of textOf) {
    for (const [, exported, name = ''] of text.matchAll(/^(export )?(?:declare )?(?:abstract )?(?:interface|type|class|enum) (\w+)/gm)) {
      const before = declared.get(name) ?? { files: [], exported: false }
      declared.set(name, { files: [...before.files, file], exported: before.exported || exported !== undefined })
    }
  }
  t.ok([...declared.values()].filter(({ exported }) => exported).length > 500, 'the exported types were found')
  const twice = [...declared].filter(([, { files, exported }]) => exported && files.length > 1).map(([name, { files }]) => `${name}: ${files.join(', ')}`)
  t.same(twice, [], 'of two things one gets another name; of one thing one declaration stays')
  t.end()
})

/** Lines that a file may have: one idea has room in them. */
const mostLines = 300
/** Files that have more. */
const longer: Readonly<Record<string, string>> = {
  appliance: 'the order in which parts are made, which is told in one piece',
  'config/schema': 'every key of the configuration, in the order of the documentation',
  'go/template/lex': "the states of the reference's lexer, which are functions of one another",
  'go/template/parse': 'the grammar of the reference, a function for each rule',
  'inventory/object-notation': 'a reader of one notation'
}

t.test(`no file has more than ${mostLines} lines but those in the list`, t => {
  const long = [...textOf].filter(([, text]) => text.split('\n').length - 1 > mostLines).map(([file]) => file)
  const found = long.filter(file => !(file in longer))
  t.same(found, [], 'split it where there is a seam, or say in the list why not')
  t.same(Object.keys(longer).filter(file => !long.includes(file)), [], 'and the list names files that are longer')
  t.end()
})

t.test('process is known to main.ts alone, but for the number that a lock is signed with', t => {
  const users = files.filter(file => !['main', 'disk/folder-lock'].includes(file) && /(?<![.\w'"`])process\.\w/.test(textOf.get(file)!.replace(/\/\/[^\n]*/g, '')))
  t.same(users, [])
  t.end()
})

t.test('the rules do bite', t => {
  t.match(breaches('dhcp/packet', "import fs from 'node:fs'\nconst now = Date.now()"), [/may not import node:fs/, /may not name Date\.now/])
  t.match(breaches('http/ipxe-route', "import { FileStore } from '../store/file-store.js'"), [/http may not import/])
  t.match(breaches('store/file-store', "import { watch } from 'chokidar'"), [/only disk\/folder-watch does/])
  t.match(breaches('matchbox/select', "import { pino } from 'pino'"), [/may not import pino/])
  t.same(breaches('matchbox/select', "import type { Logger } from '../base/log.js'"), [])
  t.match(breaches('matchbox/select', "import { Logger } from '../base/log.js'"), [/may not import/])
  t.match(breaches('matchbox/select', "const load = async () => { await import('pino') }"), [/may not import pino/])
  t.match(breaches('elsewhere/thing', ''), [/stands in no row/])
  t.same(cycles(new Map([['a', ['b']], ['b', ['c']], ['c', ['a']]])), ['a -> b -> c -> a'])
  t.equal(new Set(layers.map(l => l.name)).size, layers.length, 'one row a name')
  t.end()
})
