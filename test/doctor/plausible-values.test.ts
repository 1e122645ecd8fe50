// Values that are right by themselves and on which nothing could listen, or be read: check, doctor and serve say the same of them, each in a
// line with its place, and end with the same status.
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { stringify } from 'yaml'
import { startAppliance } from '../../src/appliance.js'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { runCommand } from '../helpers/command.js'
import { logLines } from '../helpers/log-lines.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needsRoot } from '../helpers/tools.js'

const nobody = 65_534

function site (t: Test): string {
  const folder = shortFolder(t)
  const put = (name: string, content: string): void => {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  put('data/groups/g.json', JSON.stringify({ id: 'g', profile: 'p', selector: { mac: '52:54:00:00:00:01' } }))
  put('data/profiles/p.json', JSON.stringify({ id: 'p', boot: { kernel: '/assets/k', initrd: ['/assets/i'] } }))
  for (const name of ['assets/k', 'assets/i', 'shut/assets/k', 'shut/assets/i', 'shut/tftp/undionly.kpxe']) put(name, 'x')
  mkdirSync(join(folder, 'state'))
  put('config.yaml', stringify({
    data_path: join(folder, 'data'),
    assets_path: join(folder, 'assets'),
    state_path: join(folder, 'state'),
    control_socket: join(folder, 'c'),
    http: { address: '127.0.0.1:0' },
    rpc: { address: '' },
    tftp: { address: '' }
  }))
  return folder
}

/** TEST-NET-3, which no machine has; FOLDER is the site's. */
const rows: ReadonlyArray<readonly [set: string, line: RegExp, serve?: RegExp]> = [
  ['http.address=203.0.113.9:8080', /--set http\.address: (?:error: )?http\.address: cannot listen on 203\.0\.113\.9:8080\/tcp: no interface has that address/, /no interface has that address/],
  ['http.address=nowhere.invalid:8080', /http\.address: cannot listen on nowhere\.invalid:8080\/tcp: that name does not resolve here \(E/, /that name does not resolve here/],
  ['ui.address=203.0.113.9:8082', /ui\.address: cannot listen on 203\.0\.113\.9:8082\/tcp: no interface/, /no interface has that address/],
  ['tftp.address=203.0.113.9:69', /tftp\.address: cannot listen on 203\.0\.113\.9:69\/udp: no interface/, /no interface has that address/],
  ['control_socket=FOLDER/data/groups/g.json/c', /control_socket: \S+g\.json is no folder/, /cannot listen on \S+g\.json\/c/]
]

t.test('an address that is not this machine\'s, and a folder where no socket can be', async t => {
  for (const [set, line, serve] of rows) {
    const folder = site(t)
    const given = set.replace('FOLDER', folder)
    const args = ['--config', join(folder, 'config.yaml'), '--set', given]
    for (const command of ['check', 'doctor']) {
      const { status, stdout, stderr } = await runCommand([command, ...args])
      t.match(stdout + stderr, line, `${command} ${given}`)
      t.equal(status, 1, `${command} ${given}`)
    }
    const log = createLog({ level: 'info', pretty: false, destination: logLines().stream })
    const loaded = loadConfig({ file: join(folder, 'config.yaml'), set: [given], env: {} })
    if (serve !== undefined) await t.rejects(startAppliance(loaded, { log }), { message: serve }, given)
  }
})

t.test('what another user keeps shut: doctor tells all, and loaders come from elsewhere', async t => {
  if (!needsRoot(t)) return
  const folder = site(t)
  chmodSync(folder, 0o755)
  chownSync(join(folder, 'state'), nobody, nobody)
  chmodSync(join(folder, 'shut'), 0o700)
  const args = ['--config', join(folder, 'config.yaml'), '--set', `assets_path=${folder}/shut/assets`, '--set', 'tftp.address=127.0.0.1:0', '--set', `tftp.root=${folder}/shut/tftp`,
    '--set', 'boot.bios=undionly.kpxe', '--set', 'boot.uefi_x64=none.efi', '--set', `control_socket=${folder}/shut/below/c`]
  for (const command of ['check', 'doctor']) {
    const { status, stdout, stderr } = await new Program([command, '--as', 'nobody', ...args]).end()
    t.equal(status, 1, command)
    t.match(stdout + stderr, /control_socket: no socket can be made in \S+shut\/below \(EACCES\); \S+shut belongs to root, and this runs as nobody: /, command)
    t.match(stdout + stderr, /assets_path: \S+ cannot be read \(EACCES\)/, command)
    t.notMatch(stdout, /shut\/assets is missing/, command)
    t.match(stdout + stderr, /tftp\.root: \S+ cannot be read \(EACCES\)[^\n]*: loaders come from /, command)
    t.notMatch(stdout + stderr, /undionly\.kpxe: EACCES/, 'it is looked for among the others')
    t.notMatch(stderr, /core-provisioner doctor: /, 'what can be told is told')
  }
})

t.test('assets that are a file', async t => {
  const folder = site(t)
  const { status, stdout, stderr } = await runCommand(['doctor', '--config', join(folder, 'config.yaml'), '--set', `assets_path=${folder}/config.yaml`])
  t.equal(status, 1)
  t.match(stdout, /assets_path: \S+config\.yaml is no folder/)
  t.match(stdout, /PROBLEM {2}store: \S+p\.json:\S+ boots \/assets\/i, which is not there/)
  t.equal(stderr, '')
})

t.test('folders that are others than was meant, and a loader that is nowhere', async t => {
  for (const [set, line, ends] of [
    ['data_path=FOLDER', /data_path: \S+ is no store: there is none of groups, profiles, /, 1],
    ['data_path=FOLDER/data/groups', /data_path: \S+groups is no store: /, 1],
    ['data_path=FOLDER/state', undefined, 0],
    ['assets_path=FOLDER/nowhere', /assets_path: there is no \S+nowhere, and 1 profile boots from below it: machines get 404/, 1],
    ['boot.bios=nowhere.kpxe', /boot loader nowhere\.kpxe is in none of /, 0],
    ['boot.overrides=[{ arch: bios, file: nowhere.kpxe }]', /boot loader nowhere\.kpxe is in none of /, 0]
  ] as const) {
    const folder = site(t)
    const given = set.replace('FOLDER', folder)
    for (const command of ['check', 'doctor']) {
      const { status, stdout, stderr } = await runCommand([command, '--config', join(folder, 'config.yaml'), '--set', 'tftp.address=127.0.0.1:0', '--set', given])
      const told = (stdout + stderr).split('\n').filter(one => (line ?? /no store/).test(one))
      t.equal(told.length, line === undefined ? 0 : 1, `${command} ${given}: ${stdout}${stderr}`)
      if (line !== undefined) t.match(told[0], ends === 1 ? /error:|^PROBLEM/ : /warning/)
      t.equal(status, ends, `${command} ${given}`)
    }
  }
})

t.test('a source of images that cannot be is told once', async t => {
  const folder = site(t)
  for (const [sources, line] of [
    ['[{ os: flatcar, channel: edge }]', /images\.sources\.0: expected channel to be one of/],
    ['[{ os: flatcar }, { os: flatcar }]', /images\.sources\.1: .* is there already/],
    ['[{ os: custom, name: a, files: [f] }]', /images\.sources\.0: /]
  ] as const) {
    for (const command of ['check', 'doctor']) {
      const { status, stdout, stderr } = await runCommand([command, '--config', join(folder, 'config.yaml'), '--set', `images.sources=${sources}`])
      t.equal(status, 1, `${command} ${sources}`)
      t.equal((stdout + stderr).split('\n').filter(one => line.test(one)).length, 1, `${command} ${sources}: ${stdout}${stderr}`)
    }
  }
})
