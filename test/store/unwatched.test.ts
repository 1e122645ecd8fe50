// The kernel has no watch left for the folders of the store, as where other programs have them all: edits are seen all the same.
import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bundledProgram } from '../helpers/built.js'
import { freePort } from '../helpers/free-port.js'
import { watch } from '../helpers/netns.js'
import { surroundings } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able } from '../helpers/tools.js'
import { until } from '../helpers/until.js'

/** A user namespace has bounds of its own, below those of the machine. */
const within = (bound: string): string[] => ['--user', '--map-root-user', 'sh', '-c', `echo 0 > /proc/sys/user/${bound} && unset NODE_OPTIONS && exec "$@"`, 'sh']
const tried = spawnSync('unshare', [...within('max_inotify_watches'), 'true'], { encoding: 'utf8' })

for (const [bound, told] of [['max_inotify_instances', 'EMFILE: .*; fs\\.inotify\\.max_user_instances'], ['max_inotify_watches', 'ENOSPC: .*; fs\\.inotify\\.max_user_watches']] as const) {
  t.test(bound, async t => {
    if (!able(t, tried.status === 0 ? undefined : `no user namespace: ${tried.stderr}`)) return
    const folder = t.testdir({ data: { groups: { racks: {}, 'g.json': '{"id":"g","profile":"p"}' }, profiles: {}, ignition: {} } })
    const port = await freePort()
    const settings = [`data_path=${folder}/data`, 'assets_path=', `state_path=${folder}/state`, `control_socket=${shortFolder(t)}/c`, `http.address=127.0.0.1:${port}`, 'tftp.address=', 'rpc.address=']
    const program = watch(spawn('unshare', [...within(bound), process.execPath, bundledProgram(), 'serve', ...settings.flatMap(value => ['--set', value])], { env: surroundings() }))
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
    t.match(lines[0], new RegExp(`"warn".*what is edited is seen by the next look, and not at once: ${told}`))
  })
}
