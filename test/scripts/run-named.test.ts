// npm run bench and npm run soak: what somebody types wrongly, or asks, is answered in words.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { projectRoot } from '../helpers/project.js'
import { typescript } from '../helpers/typescript.js'

const started = (kind: string, ...args: readonly string[]): { status: number | null, stdout: string, stderr: string } =>
  spawnSync(process.execPath, [typescript, join(projectRoot, `scripts/${kind}.ts`), ...args], { cwd: projectRoot, encoding: 'utf8' })
const namesOf = (kind: string): readonly string[] =>
  readdirSync(join(projectRoot, 'scripts', kind)).filter(file => file.endsWith('.ts')).map(file => file.slice(0, -3))

for (const kind of ['bench', 'soak']) {
  t.test(`${kind}: a name that there is not`, async t => {
    const { status, stderr } = started(kind, 'nothing')
    t.equal(status, 2)
    for (const name of namesOf(kind)) t.ok(stderr.includes(name), name)
  })

  t.test(`${kind}: --help of each says what it does and takes, and starts nothing`, async t => {
    for (const name of namesOf(kind)) {
      const { status, stdout, stderr } = started(kind, name, '--help')
      t.same([status, stderr], [0, ''], name)
      t.match(stdout, /^[^/\s].{40}/, name)
    }
  })
}

t.test('an option that there is not is one line, and where to read on', async t => {
  const { status, stderr } = started('bench', 'guard', '--nonsense')
  t.equal(status, 2)
  t.match(stderr, /^bench guard: Unknown option '--nonsense'.*\nnpm run bench -- guard --help says what there is\n$/)
})

t.test('a name of something that there is not is one line as well', async t => {
  for (const [args, told] of [
    [['soak', 'firmware', 'nosuch'], /^soak firmware: there is no firmware case nosuch; there are bios, /],
    [['soak', 'calendar', '--only', 'nosuch'], /^soak calendar: there is no variant nosuch: one of /],
    [['soak', 'calendar', 'test/nosuch.test.ts'], /^soak calendar: there is no test file test\/nosuch\.test\.ts\n/]
  ] as const) {
    const [kind, ...words] = args
    const { status, stdout, stderr } = started(kind, ...words)
    t.same([status, stdout], [2, ''], words.join(' '))
    t.match(stderr, told)
    t.notMatch(stderr, /^\s+at /m)
  }
})

/** What the help of one says that it takes: options with a number, and how many numbers stand by themselves. */
function numbersOf (help: string): { readonly options: readonly string[], readonly words: number } {
  const options = [...help.matchAll(/(--[a-z-]+) (?:N|SECONDS|PER CENT|MIB)\b/g)].map(([, option = '']) => option)
  const usage = /npm run [a-z]+ -- [a-z-]+((?: \[[^\]]*\]+)*)/.exec(help)?.[1] ?? ''
  return { options: [...new Set(options)], words: [...usage.replaceAll(/--[a-z-]+ [^\]]+/g, '').matchAll(/\b[A-Z_]{4,}\b/g)].filter(([word]) => word !== 'NAME').length }
}

/** All that any of them takes; that it is found is shown by how much it is. */
const taken: Array<readonly [kind: string, name: string, ...args: string[]]> = []

for (const kind of ['bench', 'soak']) {
  for (const name of namesOf(kind)) {
    const help = /^(?:\/\/.*\n)*/.exec(readFileSync(join(projectRoot, 'scripts', kind, `${name}.ts`), 'utf8'))![0]
    const { options, words } = numbersOf(help)
    for (const option of options) taken.push([kind, name, option, 'abc'])
    for (let n = 0; n < words; n++) taken.push([kind, name, ...Array<string>(n).fill('1'), 'abc'])
  }
}

t.test('a number that is none is told, and nothing is started', async t => {
  t.ok(taken.length > 40, `${taken.length} numbers`)
  t.same([...new Set(taken.map(([, name]) => name))].sort(), [...namesOf('bench'), ...namesOf('soak')]
    .filter((name, n, all) => all.indexOf(name) === n && !['calendar', 'calls', 'firmware', 'image'].includes(name)).sort())
  const script = fileURLToPath(new URL('../helpers/refused-arguments.ts', import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [typescript, script, JSON.stringify(taken)], { cwd: projectRoot, encoding: 'utf8' })
  t.same([status, stderr], [0, ''])
  const told = JSON.parse(stdout) as readonly string[]
  for (const [n, words] of taken.entries()) {
    t.match(told[n], /^Error: (?:--[a-z-]+|[A-Z_]+) takes a (?:whole )?number from \S+ (?:on|to \d+), not "abc"$/, words.join(' '))
  }
})

t.test('it is one line, where to read on, and status 2', async t => {
  for (const [kind, args, told] of [
    ['bench', ['storm', '--machines', 'abc'], '--machines takes a whole number from 1 on, not "abc"'],
    ['soak', ['cluster', '60', '7x'], 'SEED takes a whole number from 0 on, not "7x"'],
    ['soak', ['dhcp-hostile', '1', '1', 'relay'], 'the third is server or proxy, not "relay"'],
    ['bench', ['tftp', '1', '1', '1'], 'there is nothing that "1" could say']
  ] as const) {
    const { status, stdout, stderr } = started(kind, ...args)
    t.same([status, stdout, stderr], [2, '', `${kind} ${args[0]}: ${told}\nnpm run ${kind} -- ${args[0]} --help says what there is\n`])
  }
})
