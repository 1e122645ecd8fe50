// One table of commands: what help, three completions and the man page say is what the commands take.
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { slipIn } from '../../src/cli/slips.js'
import { stages } from '../../src/machines/machine.js'
import { commandNames, usage } from '../../src/cli/usage.js'
import { bundledProgram } from '../helpers/built.js'
import { watch } from '../helpers/netns.js'
import { runCommand } from '../helpers/command.js'
import { Program } from '../helpers/program.js'
import { findTool, needs } from '../helpers/tools.js'

const folder = new URL('../../src/cli/', import.meta.url)
const sourceOf = (file: string): string => readFileSync(new URL(file, folder), 'utf8')

/** Flags that a command parses, found where its source hands them to parseArgs. */
function parsedBy (source: string): Set<string> {
  const shared = sourceOf('arguments.ts')
  const flagsIn = (text: string): string[] => [...text.matchAll(/(?:^|[{,\s])'?([a-z][a-z-]*)'?: \{ type: '(?:string|boolean)'/gm)].map(([, name]) => name ?? '')
  const block = (name: string): string => new RegExp(`export const ${name} = \\{([^]*?)\\} as const`).exec(shared)?.[1] ?? ''
  return new Set([
    ...flagsIn(source),
    ...source.includes('configOptions') || source.includes('eyesOptions') ? flagsIn(block('configOptions')) : [],
    ...source.includes('eyesOptions') ? flagsIn(block('eyesOptions')) : []
  ])
}

t.test('every flag that a command takes stands in the table, and no other', t => {
  t.same([...commandNames].sort(), readdirSync(folder).filter(file => /export const \w+Command: Command = /.test(sourceOf(file))).map(file => file.replace('.ts', '')).sort())
  for (const name of commandNames) {
    const taken = parsedBy(sourceOf(`${name}.ts`))
    taken.delete('help')
    t.same(Object.keys(usage[name].flags).sort(), [...taken].sort(), name)
    t.ok(usage[name].examples.length > 0, `${name} has an example`)
    for (const [example] of usage[name].examples) t.ok(example.startsWith(name))
  }
  t.end()
})

t.test('values that are listed elsewhere', t => {
  t.same(usage.machines.flags['stage']?.among, stages)
  t.end()
})

t.test('help', async t => {
  const program = async (...args: string[]) => await runCommand(args)
  const check = await program('help', 'check')
  t.match(check, { status: 0, stdout: /^usage: core-provisioner check \[flags\]\n {7}core-provisioner check --store DIR \[flags\]\n[^]*--format FORMAT +how findings are told: text, json, sarif, github\n[^]*\nexamples\n[^]*\nends\n {2}0 nothing worse/ })
  t.equal((await new Program(['check', '--help']).end()).stdout, check.stdout)
  t.match(await program('help'), { status: 0, stdout: /^ {2}doctor +find what keeps machines from booting/m })
  t.match(JSON.parse((await program('help', 'check', '--json')).stdout), { flags: { strict: {} } })
  t.match(await program('chek'), { status: 2, stderr: 'core-provisioner: no command "chek"; did you mean "check"?; see core-provisioner help\n' })
  t.match(await program('--config', 'x', 'check'), { status: 2, stderr: 'core-provisioner: expected a command before --config: flags come after it; see core-provisioner help\n' })
  t.match(await program('help', 'chek'), { status: 2, stderr: /did you mean "check"/ })
  t.match(await program('check', '--stict'), { status: 2, stderr: /Unknown option '--stict'; did you mean --strict\?/ })
})

t.test('the man page', async t => {
  const { stdout } = await runCommand(['help', '--man'])
  for (const name of commandNames) t.match(stdout, new RegExp(`^\\.SS ${name}$`, 'm'))
  if (!needs(t, 'man')) return
  const file = join(t.testdir({}), 'core-provisioner.8')
  writeFileSync(file, stdout)
  // man shuts its filters in, where the library of another day's clock can't go.
  const { LD_PRELOAD: _, ...env } = process.env
  const page = execFileSync('man', ['--warnings', '-l', file], { encoding: 'utf8', env: { ...env, MANWIDTH: '100', LC_ALL: 'C.UTF-8' } })
  t.match(page, /check --store examples --format github/)
  // BSD's, of another mind about troff.
  if (needs(t, 'mandoc')) t.equal(execFileSync('mandoc', ['-T', 'lint', '-W', 'error', file], { encoding: 'utf8', env }), '')
})

/** The program by its name, as a person types it, in a home with a file to be named. */
function homeOf (t: Test): string {
  const home = t.testdir({ bin: {}, 'some-config.yaml': '', 'with blank.yaml': '', "o'brien [1].yaml": '', 'folder-one': {}, 'folder-file': '' })
  mkdirSync(join(home, 'bin'), { recursive: true })
  writeFileSync(join(home, 'bin/core-provisioner'), `#!/bin/sh\nunset NODE_OPTIONS\nexec ${process.execPath} ${bundledProgram()} "$@"\n`)
  chmodSync(join(home, 'bin/core-provisioner'), 0o755)
  return home
}

/** What is typed before the tabulator, and what stands there then. */
const completed: ReadonlyArray<readonly [typed: string, whole: string]> = [
  ['core-provisioner che', 'core-provisioner check'],
  ['core-provisioner check --stri', 'core-provisioner check --strict'],
  ['core-provisioner check --format sar', 'core-provisioner check --format sarif'],
  ['core-provisioner check --config some', 'core-provisioner check --config some-config.yaml'],
  ['core-provisioner machines set 52:54:00:00:00:01 --state inst', 'core-provisioner machines set 52:54:00:00:00:01 --state installed'],
  ['core-provisioner render ign', 'core-provisioner render ignition'],
  ['core-provisioner check --format=git', 'core-provisioner check --format=github'],
  ['core-provisioner check --config=some', 'core-provisioner check --config=some-config.yaml'],
  ['core-provisioner check -c some', 'core-provisioner check -c some-config.yaml'],
  ['core-provisioner machines --json wat', 'core-provisioner machines --json watch'],
  ['core-provisioner images --config some-config.yaml syn', 'core-provisioner images --config some-config.yaml sync'],
  ['core-provisioner check --as ro', 'core-provisioner check --as root'],
  ['core-provisioner try --interface l', 'core-provisioner try --interface lo'],
  ['core-provisioner render ignition -- some', 'core-provisioner render ignition -- some-config.yaml'],
  ['core-provisioner help compl', 'core-provisioner help completion'],
  ['core-provisioner check --store folder-', 'core-provisioner check --store folder-one/'],
  ['core-provisioner check --config with', 'core-provisioner check --config with\\ blank.yaml'],
  ['core-provisioner check --config o', "core-provisioner check --config o\\'brien\\ \\[1\\].yaml"]
]

/** Types into a shell that has its settings from `files` of its home. */
async function typeInto (t: Test, command: string, files: Readonly<Record<string, string>>): Promise<void> {
  const home = homeOf(t)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text)
  // A shell that is hung up on would still write its history, into a folder that is being removed.
  const env = { PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: home, ZDOTDIR: home, TERM: 'dumb', COLUMNS: '200', HISTFILE: '' }
  const child = spawn('script', ['-qfec', command, '/dev/null'], { cwd: home, stdio: ['pipe', 'pipe', 'pipe'], env })
  const terminal = watch(child)
  t.teardown(async () => {
    // With it the terminal goes, and the shell hangs up. What is typed may be lost with what the shell was at.
    child.kill('SIGKILL')
    await terminal.ended
  })
  await terminal.line(/loaded/, 60_000)
  for (const [typed, whole] of completed) {
    child.stdin.write(`${typed}\t`)
    const expected = new RegExp(`${whole.replaceAll(/[.[\]\\]/g, '\\$&')}${whole.endsWith('/') ? '' : ' '}`)
    t.match(await terminal.line(expected, 60_000), expected, typed)
    // What was typed goes, and a line of its own says so.
    child.stdin.write('\u0015echo next\n')
  }
}

t.test('completion in a pseudo-terminal, by the bash that is there', async t => {
  if (!needs(t, 'bash', 'script')) return
  await typeInto(t, 'bash --noprofile --rcfile rc -i',
    { rc: "PS1='ready> '\nbind 'set bell-style none'\nbind 'set enable-bracketed-paste off'\nsource <(core-provisioner completion bash)\necho loaded\n" })
})

t.test('completion in a pseudo-terminal, by the zsh that is there', async t => {
  if (!needs(t, 'zsh', 'script')) return
  await typeInto(t, 'zsh -d -i', {
    '_core-provisioner': (await runCommand(['completion', 'zsh'])).stdout,
    '.zshrc': "PS1='ready> '\nfpath=($HOME $fpath)\nautoload -U compinit\ncompinit -u -D\necho loaded\n"
  })
})

t.test('completion by the fish that is there', async t => {
  if (!needs(t, 'fish')) return
  const home = homeOf(t)
  writeFileSync(join(home, 'completion.fish'), (await runCommand(['completion', 'fish'])).stdout)
  const env = { PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: home, TERM: 'dumb' }
  // How names are quoted is fish's own business.
  for (const [typed, whole] of completed.filter(([, whole]) => !whole.includes('\\'))) {
    const offered = execFileSync('fish', ['--no-config', '-c', `source completion.fish; complete -C "${typed}"`], { cwd: home, env, encoding: 'utf8' })
    t.equal(offered.split(/[\t\n]/)[0], whole.split(' ').at(-1), typed)
  }
})

t.test('completion for the other shells', async t => {
  const zsh = (await runCommand(['completion', 'zsh'])).stdout
  const fish = (await runCommand(['completion', 'fish'])).stdout
  for (const name of commandNames) {
    t.match(zsh, new RegExp(`^    ${name}\\) _arguments `, 'm'))
    t.match(fish, new RegExp(`__fish_use_subcommand -f -a ${name} `))
    for (const flag of Object.keys(usage[name].flags)) {
      t.match(zsh, new RegExp(`--${flag}=?\\[`))
      t.ok(fish.includes(`__fish_seen_subcommand_from ${name}' -l ${flag}`))
    }
  }
  for (const [shell, script] of [['zsh', zsh], ['fish', fish]] as const) {
    if (findTool(shell) === undefined) continue
    const file = join(t.testdir({}), shell)
    writeFileSync(file, script)
    t.doesNotThrow(() => { execFileSync(shell, ['-n', file]) })
  }
  t.match(await runCommand(['completion', 'tcsh']), { status: 2, stderr: /expected one of bash, zsh, fish/ })
})

t.test('a word or a value that is nearly one: one line, for every command that has some', async t => {
  const others = new Set(commandNames.flatMap(name => [...usage[name].words ?? []]))
  for (const name of commandNames) {
    const { words = [], flags } = usage[name]
    for (const word of words) {
      t.equal(slipIn(name, [word]), undefined)
      const cut = word.slice(0, -1)
      if (word.length > 3 && !others.has(cut)) t.match(slipIn(name, [cut]), /^expected one of .*; did you mean "\w+"\?$/, `${name} ${cut}`)
    }
    for (const [flag, { among = [] }] of Object.entries(flags)) {
      for (const value of among) {
        t.equal(slipIn(name, [`--${flag}`, value]), undefined)
        if (value.length > 3) t.match(slipIn(name, [`--${flag}=${value.slice(0, -1)}`]), new RegExp(`^--${flag} takes one of .*not .*did you mean`))
        t.equal(slipIn(name, ['--', `--${flag}`, 'x']), undefined)
      }
    }
  }
  t.equal(slipIn('check', ['--store', '--format', 'nothing']), undefined, 'a value that looks like a flag')
  t.match(await new Program(['machines', 'shwo']).end(), { status: 2, stderr: /^core-provisioner machines: expected one of .*, not "shwo"; did you mean "show"\?\n$/ })
})

t.test('render --explain says which group, and why not the others', async t => {
  const data = t.testdir({
    groups: {
      'default.json': '{"id":"default","profile":"p"}',
      'a.json': '{"id":"a","profile":"p","selector":{"mac":"52:54:00:00:00:01","os":"installed"}}',
      'b.json': '{"id":"b","profile":"q","selector":{"mac":"52:54:00:00:00:01"}}',
      'c.json': '{"id":"c","profile":"p","selector":{"mac":"52:54:00:00:00:02"}}'
    },
    profiles: { 'p.json': '{"id":"p","boot":{"kernel":"/assets/k"}}', 'q.json': '{"id":"q","boot":{"kernel":"/assets/k"}}' }
  })
  const render = async (...args: string[]) => await runCommand(['render', 'ipxe', '-l', 'mac=52-54-00-00-00-01', '--explain', '--set', `data_path=${data}`, ...args])
  const { status, stdout } = await render()
  t.equal(status, 0)
  t.same(stdout.split('\n').slice(1, -1).map(line => line.replace(/ {2,}/g, '|')), [
    '*|b|q|its 1 label matches',
    '|default|p|it matches too, by 0 labels where the chosen one matches by 1',
    '|a|p|os has to be installed, and is not sent',
    '|c|p|mac has to be 52:54:00:00:00:02, and is 52:54:00:00:00:01'
  ])
  t.match(JSON.parse((await render('--json')).stdout), { group: 'b', profile: 'q', groups: { length: 4, 0: { chosen: true } } })
})

t.test('a name that clears the screen is shown letter by letter, whichever command tells of it', async t => {
  const name = '\u001b[2J\u0007\u009b31m\u202eabc'
  for (const args of [
    ['doctor', '--config', name], ['check', '--config', name], ['transpile', name], ['certs', 'show', '--dir', name], ['hosts', 'import', '--dry-run', name], ['hosts', 'list', '--config', name],
    ['store', 'restore', name], ['images', 'keys', 'add', name], ['help', name], [name], ['doctor', `--${name}`], ['leases', name]
  ]) {
    const { status, stdout, stderr } = await runCommand(args)
    t.not(status, 0, args.join(' '))
    t.notMatch(stdout + stderr, /[^\P{Cc}\n]|\p{Cf}/u, JSON.stringify([args, stderr]))
  }
})
