// The kernel has no watch left for the folders of the store, as where other programs of the user have them all: edits are seen all the same.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { bundledProgram } from '../helpers/built.js'
import { freePort } from '../helpers/free-port.js'
import { type Running, watch } from '../helpers/netns.js'
import { surroundings } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needs, needsRoot } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'
import { until } from '../helpers/until.js'

/** Nobody else's: the bound is each user's own. What the files here belong to it may read all the same. */
const user = 64_000 + process.pid % 1000
const asUser = (...command: string[]): Running => watch(spawn('setpriv', [
  `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--inh-caps=+dac_override', '--ambient-caps=+dac_override', ...command
], { env: surroundings(), stdio: ['pipe', 'pipe', 'pipe'] }))

t.test('edits are seen by the next look, and that it is so is told once, with what bounds it', async t => {
  if (!needsRoot(t) || !needs(t, 'setpriv')) return
  // Where the user may have more than a process may have descriptors, another one takes the rest.
  for (let taken = ''; taken !== '0 instances';) {
    const holder = asUser(process.execPath, typescript, fileURLToPath(new URL('../helpers/inotify-holder.ts', import.meta.url)))
    t.teardown(() => { holder.child.kill('SIGKILL') })
    taken = await holder.line(/^\d+ instances$/, 60_000)
  }

  const folder = t.testdir({ data: { groups: { racks: {}, 'g.json': '{"id":"g","profile":"p"}' }, profiles: {}, ignition: {} } })
  const port = await freePort()
  const settings = [`data_path=${folder}/data`, 'assets_path=', `state_path=${folder}/state`, `control_socket=${shortFolder(t)}/c`, `http.address=127.0.0.1:${port}`, 'tftp.address=', 'rpc.address=']
  const program = asUser(process.execPath, bundledProgram(), 'serve', ...settings.flatMap(value => ['--set', value]))
  t.teardown(() => { program.child.kill('SIGKILL') })
  await program.line(/"appliance\.ready"/, 60_000)
  const script = async (): Promise<string> => await (await fetch(`http://127.0.0.1:${port}/ipxe?mac=52:54:00:00:00:01`)).text()
  for (const kernel of ['/one', '/two']) {
    writeFileSync(join(folder, 'data/profiles/p.json'), JSON.stringify({ id: 'p', boot: { kernel } }))
    await until(kernel, async () => (await script()).includes(kernel))
  }
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 0)
  const lines = program.output().split('\n').filter(line => line.includes('"store.watch"'))
  t.equal(lines.length, 1, 'one line, of so many folders and looks')
  t.match(lines[0], /"warn".*what is edited is seen by the next look, and not at once: EMFILE: .*; fs\.inotify\.max_user_instances/)
})
