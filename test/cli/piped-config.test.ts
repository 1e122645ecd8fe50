// A configuration through a pipe: of a shell, by name, and standard input; ended by its end, and bounded.
import { execFileSync } from 'node:child_process'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { builtProgram } from '../helpers/built.js'
import { runCommand } from '../helpers/command.js'
import { Program, surroundings } from '../helpers/program.js'

function site (t: Test) {
  const folder = t.testdir({
    data: {
      groups: { 'g.json': '{"id":"g","profile":"p"}' },
      profiles: { 'p.json': '{"id":"p","boot":{"kernel":"http://images.example.com/k"}}' }
    }
  })
  const text = `data_path: ${folder}/data\nassets_path: ${folder}/data\nstate_path: ${folder}/state\ncontrol_socket: ${folder}/c\n` +
    'http: { address: "127.0.0.1:0" }\ntftp: { address: "" }\nrpc: { address: "" }\n'
  return { folder, text }
}

t.test('every command that reads it once', async t => {
  const { folder, text } = site(t)
  for (const [command, said] of [
    ['check', /^configuration: \/dev\/stdin\n[^]*1 group, 1 profile/],
    ['render ipxe -l mac=52:54:00:00:00:01', /images\.example\.com/],
    ['hosts list', /mac/],
    ['images list', /^/],
    [`store export ${folder}/copy`, /groups\/g\.json/]
  ] as const) {
    const { status, stdout, stderr } = await runCommand([...command.split(' '), '--config', '/dev/stdin'], { input: text })
    t.equal(status, 0, `${command}: ${stderr}`)
    t.match(stdout, said, command)
  }
  for (const command of ['machines list', 'leases list', 'updates list', 'reboots list']) {
    t.match(await runCommand([...command.split(' '), '--config', '/dev/stdin'], { input: text }), { status: 1, stderr: new RegExp(`${folder}/c`) }, command)
  }
  t.match(await runCommand(['check', '--config', '/dev/stdin'], { input: `htpt: 1\n${text}` }), { status: 1, stderr: /^\/dev\/stdin:1:1: error: htpt: unknown key; did you mean "http"\?$/m })
})

t.test('by a shell, as people type it', t => {
  const { folder, text } = site(t)
  const shell = (line: string): string => execFileSync('bash', ['-c', `unset NODE_OPTIONS; ${line}`], {
    encoding: 'utf8', env: { ...surroundings(), TEXT: text, PROGRAM: `${process.execPath} ${builtProgram()}`, PIPE: join(folder, 'pipe') }
  })
  t.match(shell('$PROGRAM check --config <(printf %s "$TEXT")'), /^configuration: \/dev\/fd\/\d+\n[^]*1 group, 1 profile/)
  t.match(shell('mkfifo "$PIPE"; $PROGRAM check --config "$PIPE" & printf %s "$TEXT" > "$PIPE"; wait $!'), /1 group, 1 profile/, 'whoever comes first waits for the other')
  t.end()
})

t.test('what has no end is bounded, and what never begins can be interrupted', async t => {
  t.match(await runCommand(['check', '--config', '/dev/zero']), { status: 1, stderr: /\/dev\/zero: it is larger than 32 MiB/ })
  const { folder } = site(t)
  execFileSync('mkfifo', [join(folder, 'pipe')])
  const program = new Program(['check', '--config', join(folder, 'pipe')])
  // Opening for writing comes to its end when the other end is open.
  const writing = await open(join(folder, 'pipe'), 'w')
  t.teardown(async () => { await writing.close() })
  t.match(await program.end('SIGINT'), { status: 130, stderr: /ended by SIGINT before it was done/ })
})

t.test('the service reads it again, and takes a file', async t => {
  const { text } = site(t)
  t.match(await new Program(['serve', '--config', '/dev/stdin'], { input: text }).end(), { status: 1, stderr: /cannot read the configuration file \/dev\/stdin: it is no file|ENXIO/ })
})
