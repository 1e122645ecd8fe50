// The questions of an installation in a pseudo-terminal of 40 columns: who goes away in the middle has changed nothing.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { builtProgram } from '../helpers/built.js'
import { onTerminal } from '../helpers/terminal.js'
import { needs } from '../helpers/tools.js'

const first = /^DHCP: server here, proxy beside the server of another machine, or off \(server, proxy, off\) \[server\]: $/

t.test('Ctrl-C, the end of input, and no', async t => {
  if (!needs(t, 'script')) return
  for (const [name, status, why, dialogue] of [
    ['Ctrl-C', 130, 'ended by SIGINT before anything was changed', [[first, 'srever\n'], [/there is no mode srever: server, proxy or off/, '\x03']]],
    ['the end of input', 1, 'nothing was changed: there is nobody to answer', [[first, '\x04']]],
    ['no', 1, 'nothing was changed', [[first, 'off\n'], [/Install with this configuration \(yes, no\) \[yes\]: $/, 'nay\n'], [/yes or no, not nay/, 'N\n']]]
  ] as const) {
    const folder = t.testdir({ bundle: { SHA256SUMS: 'sums\n' }, to: {} })
    const words = [process.execPath, builtProgram(), 'setup', 'plan', '--ask', '--dry-run', '--idle', '--no-certs', '--systemd', '252', '--name', 'boot', '--bundle', join(folder, 'bundle'), '--to', join(folder, 'to')]
    const terminal = onTerminal(t, `stty cols 40; exec ${words.join(' ')}`)
    for (const [asked, typed] of dialogue) {
      t.match(await terminal.line(asked, 60_000), asked, name)
      terminal.type(typed)
    }
    t.equal(await terminal.ended, status, name)
    t.match(terminal.output(), new RegExp(`core-provisioner setup: ${why}`), name)
    t.notMatch(terminal.output(), /^\s+at /m, name)
    t.notOk(readdirSync(join(folder, 'to')).includes('settings'), `${name}: install.sh has nothing to go on with`)
  }
})
