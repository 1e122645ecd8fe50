// The service on a terminal: machines do not wait for who reads along and has it stand still (Ctrl-S), or closes it.
import t, { type Test } from 'tap'
import { bundledProgram } from '../helpers/built.js'
import { freePort } from '../helpers/free-port.js'
import { shortFolder } from '../helpers/short-folder.js'
import { onTerminal, type OnTerminal } from '../helpers/terminal.js'
import { needs } from '../helpers/tools.js'
import { until } from '../helpers/until.js'

const strangers = Array.from({ length: 20 }, (_, n) => `52:54:00:00:00:${(n + 16).toString(16)}`)

async function serve (t: Test): Promise<{ readonly terminal: OnTerminal, readonly ask: (mac: string) => Promise<number> }> {
  const folder = t.testdir({ data: {} })
  const port = await freePort()
  const terminal = onTerminal(t, ['exec', process.execPath, bundledProgram(), 'serve', ...[
    `data_path=${folder}/data`, 'assets_path=', `state_path=${folder}/state`, `control_socket=${shortFolder(t)}/c`, `http.address=127.0.0.1:${port}`, 'tftp.address=', 'rpc.address='
  ].flatMap(value => ['--set', value])].join(' '))
  await terminal.line(/appliance\.ready/, 60_000)
  return { terminal, ask: async mac => (await fetch(`http://127.0.0.1:${port}/ipxe?mac=${mac}`, { signal: AbortSignal.timeout(60_000) })).status }
}

t.test('it stands still: machines are answered, and what was said is there when it goes on', async t => {
  if (!needs(t, 'script')) return
  const { terminal, ask } = await serve(t)
  await terminal.standStill()
  for (const mac of strangers) t.equal(await ask(mac), 404, mac)
  t.notMatch(terminal.output(), 'http.unmatched', 'nothing is shown')
  terminal.goOn()
  await terminal.line(new RegExp(`http\\.unmatched .*${strangers.at(-1)}`), 60_000)
  for (const mac of strangers) t.match(terminal.output(), mac)

  terminal.type('\x03')
  t.equal(await terminal.ended, 0)
  t.match(terminal.output(), /appliance\.end .*orderly=true/)
})

t.test('it is closed: the service ends', async t => {
  if (!needs(t, 'script')) return
  const { terminal, ask } = await serve(t)
  t.equal(await ask(strangers[0]!), 404)
  terminal.child.kill('SIGKILL')
  await terminal.ended
  await until('nobody answers', async () => await ask(strangers[1]!).then(() => false, () => true))
})
