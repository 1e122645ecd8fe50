// State that a newer version wrote: an older one says so before it takes its place, and touches nothing when it is started all the same.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { fetchedFormat, lineFormats, mirrorFormat } from '../../src/disk/state-formats.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

/** Of nobody's: who is to answer there ends before. */
const dhcpPort = 16767
const folderFile = `${mirrorFormat.folder}/flatcar.json`

/** What each file has when the next version has written it. */
const newer = new Map([
  ...Object.entries(lineFormats).map(([format, { file, version }]) => [file, `${JSON.stringify({ format, version: version + 1 })}\n{"what":"only a newer one knows"}\n`] as const),
  [fetchedFormat.file, JSON.stringify({ version: fetchedFormat.version + 1, fetched: 'otherwise' })],
  [folderFile, JSON.stringify({ version: mirrorFormat.version + 1, sources: 'otherwise' })]
])
const files = [...newer.keys()]

/** A folder with these files as a newer version has written them, and settings without any of what they are for. */
function site (t: Test, written: readonly string[], settings: readonly string[] = []): { state: string, set: readonly string[] } {
  const folder = shortFolder(t)
  const state = join(folder, 'state')
  for (const name of ['store/groups', 'store/profiles', 'assets']) mkdirSync(join(folder, name), { recursive: true })
  for (const file of written) {
    mkdirSync(dirname(join(state, file)), { recursive: true })
    writeFileSync(join(state, file), newer.get(file)!)
  }
  const given = [`data_path=${folder}/store`, `state_path=${state}`, `control_socket=${folder}/s`, `assets_path=${folder}/assets`,
    'http.address=127.0.0.1:0', 'rpc.address=', 'tftp.address=', ...settings]
  return { state, set: given.flatMap(pair => ['--set', pair]) }
}

t.test('doctor names each, also where what it is for is off', async t => {
  const { state, set } = site(t, files)
  writeFileSync(join(state, 'of-a-later-day.jsonl'), '{"format":"unheard","version":7}\n')
  writeFileSync(join(state, 'leases.aside.jsonl'), newer.get('leases.jsonl')!)
  writeFileSync(join(state, mirrorFormat.folder, 'torn.json'), '{"version": 2, "sour')
  for (const args of [['doctor', '--files'], ['doctor']]) {
    const { stdout, status } = await new Program([...args, ...set]).end()
    t.equal(status, 1, args.join(' '))
    const named = [...stdout.matchAll(/^PROBLEM {2}state: (\S+) was written by a newer core-provisioner \(format 2; this one knows 1\): run that one again, or move the file away and /gm)]
    t.same(named.map(([, path]) => path).sort(), files.map(file => join(state, file)).sort(), args.join(' '))
  }
  for (const [file, content] of newer) t.equal(readFileSync(join(state, file), 'utf8'), content, file)
})

t.test('doctor has nothing to say of what this version wrote, of files without a version, and of none', async t => {
  const { state, set } = site(t, files)
  for (const [format, { file, version }] of Object.entries(lineFormats)) writeFileSync(join(state, file), `${JSON.stringify({ format, version })}\n`)
  writeFileSync(join(state, 'leases.jsonl'), '{"mac":"52:54:00:00:00:01"}\n')
  writeFileSync(join(state, fetchedFormat.file), JSON.stringify({ version: fetchedFormat.version }))
  writeFileSync(join(state, folderFile), JSON.stringify({ version: mirrorFormat.version }))
  t.notMatch((await new Program(['doctor', '--files', ...set]).end()).stdout, / state: /)
  t.notMatch((await new Program(['doctor', '--files', ...site(t, []).set]).end()).stdout, / state: /)
})

const uses: ReadonlyArray<readonly [keyof typeof lineFormats, ...string[]]> = [
  ['lease', 'dhcp.mode=server', 'dhcp.interface=lo', `dhcp.port=${dhcpPort}`, 'dhcp.subnets=[{ subnet: 127.0.0.0/8 }]'],
  ['machine'],
  ['webhook', 'webhooks=[{ url: "http://127.0.0.1:9/" }]'],
  ['update', 'updates.groups=[{ name: workers, os: flatcar, channel: stable }]'],
  ['discovery'],
  ['guard_use']
]

for (const [kind, ...settings] of uses) {
  const { file } = lineFormats[kind]
  t.test(`serve ends before it writes to ${file}`, async t => {
    const { state, set } = site(t, [file], settings)
    const { stdout, stderr, status } = await new Program(['serve', ...set]).end()
    t.equal(status, 1)
    t.match(stderr + stdout, `${file} was written by a newer core-provisioner`)
    t.equal(readFileSync(join(state, file), 'utf8'), newer.get(file))
  })
}

t.test('serve leaves alone what it has no use for, and what only images need', async t => {
  const always: readonly string[] = [lineFormats.machine.file, lineFormats.discovery.file, lineFormats.guard_use.file]
  const unused = files.filter(file => !always.includes(file))
  const { state, set } = site(t, unused)
  const program = new Program(['serve', ...set])
  t.teardown(() => program.child.kill('SIGKILL'))
  await program.logged('appliance.ready')
  t.equal((await program.end('SIGTERM')).status, 0)
  for (const file of unused) t.equal(readFileSync(join(state, file), 'utf8'), newer.get(file), file)
})

t.test('a folder in the place of a file is named before serve refuses it', async t => {
  const { state, set } = site(t, [])
  mkdirSync(join(state, lineFormats.machine.file), { recursive: true })
  t.match((await new Program(['doctor', '--files', ...set]).end()).stdout, /^PROBLEM {2}state: .*machines\.jsonl is no file/m)
  const { status, stderr } = await new Program(['serve', ...set]).end()
  t.equal(status, 1)
  t.match(stderr, /machines\.jsonl: EISDIR/)
})
