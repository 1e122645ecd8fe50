// What the user of a command may not read: each command says what is left out, and ends 1, rather than answer as if it were not there.
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { runCommand } from '../helpers/command.js'
import { shortFolder } from '../helpers/short-folder.js'

const nobody = 65_534
const mac = '52:54:00:00:00:01'

function site (t: Test) {
  const folder = shortFolder(t)
  chmodSync(folder, 0o755)
  chownSync(folder, nobody, nobody)
  const at = (name: string): string => join(folder, name)
  const put = (name: string, content: string): void => {
    mkdirSync(join(at(name), '..'), { recursive: true })
    writeFileSync(at(name), content)
  }
  put('data/groups/g.json', JSON.stringify({ id: 'g', profile: 'p', selector: { mac } }))
  put('data/profiles/p.json', JSON.stringify({ id: 'p', boot: { kernel: '/assets/k' }, ignition_id: 'i.ign' }))
  put('data/ignition/i.ign', '{"ignition":{"version":"3.3.0"}}')
  put('assets/k', 'kernel')
  mkdirSync(at('state'))
  put('config.yaml', `data_path: ${folder}/data\nassets_path: ${folder}/assets\nstate_path: ${folder}/state\ncontrol_socket: ${folder}/c\n` +
    'http: { address: "127.0.0.1:0" }\ntftp: { address: "" }\nrpc: { address: "" }\n')
  return { folder, at, config: ['--config', at('config.yaml')] }
}

/** A place that is shut, and commands with what each says of it; `not` is what none of them may say. */
const shut: ReadonlyArray<readonly [place: string, said: ReadonlyArray<readonly [command: string, output: RegExp]>, not?: RegExp]> = [
  ['config.yaml', ['check', 'doctor', 'render ipxe', 'machines list', 'store backup STATE/b', 'hosts list', 'images list', 'compare --matchbox http://127.0.0.1:1']
    .map(command => [command, /cannot read the configuration file \S+config\.yaml: EACCES/] as const)],
  ['data/groups/g.json', [
    ['check', /groups\/g\.json: error: EACCES/], ['check --store DATA', /groups\/g\.json: error: EACCES/], ['doctor --files', /store/],
    ['render ipxe', /left out: groups\/g\.json: EACCES[^\n]*\n.*no group matches/], ['store backup STATE/b', /groups\/g\.json: EACCES/],
    ['hosts list', /groups\/g\.json: EACCES/], ['hosts export --format csv', /left out: groups\/g\.json: EACCES/],
    ['compare --matchbox http://127.0.0.1:1 --with http://127.0.0.1:2', /left out: groups\/g\.json: EACCES/], ['images prune', /nothing is removed: groups\/g\.json can't be read/]
  ]],
  ['data/groups', [
    ['check', /listens[^]*groups: error: the folder cannot be read: EACCES/], ['check --store DATA', /groups: error: the folder cannot be read: EACCES/],
    ['render ipxe', /left out: groups: the folder cannot be read/], ['hosts list', /groups: the folder cannot be read/], ['hosts export --format csv', /groups: the folder cannot/],
    ['compare --matchbox http://127.0.0.1:1 --with http://127.0.0.1:2', /left out: groups: the folder/], ['images prune', /nothing is removed/], ['store export STATE/e', /groups: the folder/]
  ]],
  ['data/profiles/p.json', [['check', /profiles\/p\.json: error: EACCES/], ['check --store DATA', /profiles\/p\.json: error: EACCES/]], /which is not there/],
  ['data/ignition/i.ign', [['check --store DATA', /ignition\/i\.ign: error: EACCES/]], /which is not there/],
  ['data/ignition', [['check --store DATA', /ignition: error: the folder cannot be read/]], /which is not there/],
  ['data', ['check', 'check --store DATA', 'render ipxe', 'store backup STATE/b', 'hosts list', 'images prune'].map(command => [command, /cannot be read: EACCES/] as const), /is no store/],
  ['assets', [['images list', /EACCES.*assets' \(this needs root/], ['images prune --dry-run', /EACCES.*assets'/], ['images verify', /EACCES.*assets'/], ['check --strict', /assets_path: \S+ cannot be read \(EACCES\)/]]],
  ['state', [['images list', /EACCES.*state'/], ['images keys list', /EACCES.*state'/], ['hosts list', /hosts\.d: EACCES/], ['check', /state_path: \S+ cannot be written \(EACCES\)/]]]
]

t.test('by a user who is not root', { skip: process.getuid?.() === 0 ? false : 'needs root' }, async t => {
  for (const [place, said, not] of shut) {
    const { at, config } = site(t)
    const calls = said.map(([command, output]) => {
      const words = command.replace('DATA', at('data')).replace('STATE', at('state')).split(' ')
      return { args: [...words, ...words[0] === 'render' ? ['-l', `mac=${mac}`] : [], ...words.includes('--store') ? [] : config], output }
    })
    // What they load is loaded as root.
    for (const { args } of calls) await runCommand(args)
    if (place !== 'state') chownSync(at('state'), nobody, nobody)
    chmodSync(at(place), place.includes('.') ? 0o600 : 0o700)
    for (const { args, output } of calls) {
      process.seteuid?.(nobody)
      const { status, stdout, stderr } = await runCommand(args).finally(() => { process.seteuid?.(0) })
      const shown = `${place}: ${args.join(' ')}: ${stdout}${stderr}`
      t.equal(status, 1, shown)
      t.match(stdout + stderr, output, shown)
      t.notMatch(stdout + stderr, /^\s+at /m, 'no stack')
      if (not !== undefined) t.notMatch(stdout + stderr, not, shown)
    }
  }
})
