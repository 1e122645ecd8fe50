// What somebody reads who starts the program in a terminal; what is no terminal gets JSON, whatever the environment says.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { prettyFor } from '../../src/base/log.js'
import { terminalLine } from '../../src/base/terminal-line.js'
import { bundledProgram } from '../helpers/built.js'
import { freePort } from '../helpers/free-port.js'
import { watch } from '../helpers/netns.js'
import { Program, surroundings } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needs } from '../helpers/tools.js'

// 12:04:05 wherever the test runs.
const time = new Date(2026, 0, 1, 12, 4, 5, 67).toISOString()
const line = (fields: object, colours = false): string => terminalLine(JSON.stringify({ level: 'info', time, ...fields }), { colours })

t.test('time, level, event and fields are columns', t => {
  t.equal(line({ mac: '52:54:00:c0:7e:01', ip: '172.30.0.21', msg: 'dhcp.offer' }), '12:04:05.067  info   dhcp.offer              mac=52:54:00:c0:7e:01 ip=172.30.0.21\n')
  t.equal(line({ level: 'warn', list: ['a', 1], empty: '', msg: 'x.y' }), '12:04:05.067  warn   x.y                     list=["a",1] empty=""\n')
  t.equal(line({ msg: 'appliance.stopped' }), '12:04:05.067  info   appliance.stopped\n')
  t.equal(line({ level: 'error', error: 'no "space"\nleft', msg: 'an.event.of.more.than.its.column' }), '12:04:05.067  error  an.event.of.more.than.its.column  error="no \\"space\\"\\nleft"\n')
  t.equal(line({ esc: '\u001b[2J', at: '\u202e', msg: 'x.y\u001b[1m' }), '12:04:05.067  info   "x.y\\u001b[1m"          esc="\\u001b[2J" at="\\u202e"\n', 'nothing that a terminal obeys')
  t.end()
})

// eslint-disable-next-line no-control-regex
const withoutColours = (text: string): string => text.replaceAll(/\u001b\[\d+m/g, '')

t.test('colours change nothing else', t => {
  for (const level of ['error', 'warn', 'info', 'debug', 'trace']) {
    for (const fields of [{ msg: 'x.y' }, { mac: 'a', error: 'b c', msg: 'dhcp.offer' }]) {
      const coloured = line({ level, ...fields }, true)
      t.ok(coloured.startsWith('\u001b[2m12:04:05.067\u001b[0m  \u001b['))
      t.equal(withoutColours(coloured), line({ level, ...fields }))
    }
  }
  for (const [level, ofLevel, ofEvent] of [['error', 31, 31], ['warn', 33, 33], ['info', 32, 1], ['debug', 36, 1], ['trace', 2, 1]] as const) {
    t.equal(line({ level, msg: 'x.y' }, true), `\u001b[2m12:04:05.067\u001b[0m  \u001b[${ofLevel}m${level.padEnd(5)}\u001b[0m  \u001b[${ofEvent}mx.y\u001b[0m\n`)
  }
  t.match(line({ level: 'warn', msg: 'x.y' }, true), '\u001b[33mwarn \u001b[0m  \u001b[33mx.y\u001b[0m')
  t.end()
})

t.test('colours are for terminals that take them', t => {
  t.equal(prettyFor({}, {}), false)
  t.equal(prettyFor({ isTTY: false }, { TERM: 'xterm' }), false)
  t.equal(prettyFor({ isTTY: true }, { TERM: 'xterm' }), 'colours')
  t.equal(prettyFor({ isTTY: true }, { NO_COLOR: '' }), 'colours', 'an empty NO_COLOR says nothing (no-color.org)')
  t.equal(prettyFor({ isTTY: true }, { NO_COLOR: '0' }), 'plain')
  t.equal(prettyFor({ isTTY: true }, { TERM: 'dumb' }), 'plain')
  t.end()
})

/** Arguments that have it serve nothing but HTTP. */
async function serveArgs (t: Test): Promise<readonly string[]> {
  const folder = t.testdir({ data: { groups: {}, profiles: {}, ignition: {} } })
  const set = [`data_path=${join(folder, 'data')}`, `state_path=${join(folder, 'state')}`, `control_socket=${join(shortFolder(t), 'c')}`, 'assets_path=', 'rpc.address=',
    'tftp.address=', `http.address=127.0.0.1:${await freePort()}`]
  return ['serve', ...set.flatMap(pair => ['--set', pair])]
}

/** The first lines of `serve` in a pseudo-terminal. */
async function seen (t: Test, env: Readonly<Record<string, string>>): Promise<string> {
  const words = [process.execPath, bundledProgram(), ...await serveArgs(t)]
  const child = spawn('script', ['-qfec', `unset NODE_OPTIONS; ${words.map(word => `'${word}'`).join(' ')}`, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...surroundings(), ...env } as NodeJS.ProcessEnv })
  const terminal = watch(child)
  t.teardown(async () => {
    // Ctrl-C, as somebody types it: killed, script(1) would leave what it runs behind.
    child.stdin.write('\u0003')
    await terminal.ended
  })
  await terminal.line(/appliance\.ready/)
  return terminal.output()
}

t.test('serve in a pseudo-terminal', async t => {
  if (!needs(t, 'script')) return
  const plain = /^\d\d:\d\d:\d\d\.\d{3} {2}info {3}http\.listen {13}at=127\.0\.0\.1:\d+\/tcp url=http:\S+\r$/m
  const coloured = await seen(t, { TERM: 'xterm' })
  t.match(withoutColours(coloured), plain)
  t.match(coloured, '\u001b[32minfo \u001b[0m')
  const quiet = await seen(t, { TERM: 'xterm', NO_COLOR: '1' })
  t.match(quiet, plain)
  t.notMatch(quiet, '\u001b[')
})

t.test('serve into a pipe', async t => {
  const program = new Program(await serveArgs(t), { env: { TERM: 'xterm', FORCE_COLOR: '1' } })
  t.match(await program.logged('http.listen'), { level: 'info', at: /^127\.0\.0\.1:\d+\/tcp$/ })
  program.child.kill('SIGTERM')
  const { stdout } = await program.end()
  for (const line of stdout.trimEnd().split('\n')) t.doesNotThrow(() => JSON.parse(line) as unknown)
})
