// Each file and folder that check and doctor read, on a disk that does not answer: they say which, tell the rest, and end. The program runs
// as users start it, in a mount namespace of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { stringify } from 'yaml'
import { bundledProgram } from '../helpers/built.js'
import type { Ended } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { mountSilent, silentDiskProblem } from '../helpers/silent-disk.js'
import { able, needs, needsRoot } from '../helpers/tools.js'

interface Site { readonly folder: string, readonly config: string }

/** A configuration where each key names something in a folder of its own, and in its store and its certificates something is amiss. */
function layOut (t: Test): Site {
  const folder = shortFolder(t)
  for (const name of ['data/groups', 'data/profiles', 'far', 'assets', 'state/hosts.d', 'tftp', 'tls', 'ui', 'run', 'etc']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'data/profiles/broken.json'), '{')
  const config = join(folder, 'etc/config.yaml')
  writeFileSync(config, stringify({
    data_path: join(folder, 'data'),
    assets_path: join(folder, 'assets'),
    state_path: join(folder, 'state'),
    control_socket: join(folder, 'run/c'),
    tftp: { address: '127.0.0.1:0', root: join(folder, 'tftp') },
    http: { address: '127.0.0.1:0' },
    rpc: { address: '127.0.0.1:0', ca_file: join(folder, 'tls/ca.crt'), cert_file: join(folder, 'tls/server.crt'), key_file: join(folder, 'tls/server.key') },
    ui: { address: '127.0.0.1:0', users_file: join(folder, 'ui/users') }
  }))
  return { folder, config }
}

/** Runs it with nothing but silence at these folders. */
async function run (silent: readonly string[], ...args: readonly string[]): Promise<Ended> {
  const mounts = silent.map((folder, i) => mountSilent(folder, 3 + i)).join('')
  const child = spawn('unshare', ['--mount', 'sh', '-c', `unset NODE_OPTIONS; export UV_THREADPOOL_SIZE=24; ${mounts}exec "$@"`, 'sh', process.execPath, bundledProgram(), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text })
  const [status, signal] = await once(child, 'close') as [number | null, string | null]
  return { status, signal, stdout, stderr }
}

const canRun = (t: Test): boolean => needsRoot(t) && able(t, silentDiskProblem()) && needs(t, 'unshare')

interface Case { readonly silent: string, readonly key: string, readonly hides: 'the store' | 'the users' | 'neither' }

const cases: readonly Case[] = [
  { silent: 'data', key: 'data_path', hides: 'the store' },
  { silent: 'data/groups', key: 'data_path', hides: 'the store' },
  { silent: 'assets', key: 'assets_path', hides: 'neither' },
  { silent: 'state', key: 'state_path', hides: 'neither' },
  { silent: 'state/hosts.d', key: 'state_path', hides: 'neither' },
  { silent: 'tftp', key: 'tftp.root', hides: 'neither' },
  { silent: 'tls', key: 'rpc.cert_file', hides: 'neither' },
  { silent: 'ui', key: 'ui.users_file', hides: 'the users' },
  { silent: 'run', key: 'control_socket', hides: 'neither' }
]

for (const command of ['check', 'doctor']) {
  t.test(`${command} says what does not answer, and all else, and ends`, async t => {
    if (!canRun(t)) return
    await Promise.all(cases.map(async ({ silent, key, hides }) => {
      const { folder, config } = layOut(t)
      const { status, stdout, stderr } = await run([join(folder, silent)], command, '--config', config)
      const told = `${stdout}${stderr}`
      t.equal(status, 1, silent)
      t.match(told, new RegExp(`config\\.yaml:\\d+:\\d+:.* ${key.replace('.', '\\.')}: ${join(folder, silent)}[^ ]* does not answer: is the disk or the server behind it there\\?.*umount -f -l ${join(folder, silent)}\\n`), silent)
      t.notMatch(told, 'core-provisioner-silent', silent)
      if (hides !== 'the store') t.match(told, /profiles\/broken\.json/, `${silent}: the store is looked at`)
      if (hides !== 'the users') t.match(told, /ui\.users_file: .*ENOENT|ui\/users/, `${silent}: the users are looked at`)
    }))
  })
}

t.test('a link below assets_path that leads to what does not answer is found too, and one of several disks at once', async t => {
  if (!canRun(t)) return
  const { folder, config } = layOut(t)
  symlinkSync(join(folder, 'far'), join(folder, 'assets/flatcar'))
  const { status, stderr } = await run([join(folder, 'far'), join(folder, 'state'), join(folder, 'tftp')], 'check', '--config', config)
  t.equal(status, 1)
  t.match(stderr, /assets_path: \S+\/assets\/flatcar does not answer/)
  t.match(stderr, /state_path: \S+\/state does not answer/)
  t.match(stderr, /tftp\.root: \S+\/tftp does not answer/)
})

t.test('the configuration file itself, and a store that no configuration names', async t => {
  if (!canRun(t)) return
  const { folder, config } = layOut(t)
  const [checked, diagnosed, served, linted] = await Promise.all([
    run([join(folder, 'etc')], 'check', '--config', config),
    run([join(folder, 'etc')], 'doctor', '--config', config),
    run([join(folder, 'etc')], 'serve', '--config', config),
    run([join(folder, 'data')], 'check', '--store', join(folder, 'data'))
  ])
  for (const { status, stderr } of [checked, diagnosed, served]) {
    t.equal(status, 1)
    t.match(stderr, /cannot read the configuration: \S+\/etc\/config\.yaml does not answer: is the disk or the server behind it there\?/)
  }
  t.equal(linted.status, 1)
  t.match(linted.stderr, /\/data does not answer: is the disk or the server behind it there\?; silent \(fuse\) is mounted on \S+\/data/)
})
