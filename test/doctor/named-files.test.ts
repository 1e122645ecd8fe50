// Every key that names a file or a folder, and what may stand there instead: check, doctor and serve say the same of it in one line, with
// its place; nothing waits for a pipe, and nothing large is read. Which keys there are is the schema's to say.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { stringify } from 'yaml'
import { startAppliance } from '../../src/appliance.js'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { configSchema, pathSchemas } from '../../src/config/schema.js'
import { runCommand } from '../helpers/command.js'
import { logLines } from '../helpers/log-lines.js'
import { makePki } from '../helpers/pki.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needsRoot } from '../helpers/tools.js'

const pki = makePki()
const fingerprint = 'F88CFEDEFF29A5B4D9523864E25D9AED0593B34A'

type Instead = 'absent' | 'empty' | 'garbage' | 'folder' | 'denied' | 'pipe' | 'huge' | 'through'

interface Row {
  /** The rest of its section, where it needs one: what is good. */
  readonly beside: (good: Good, path: string) => object
  /** Where it stands in that. */
  readonly at: string
  readonly kind: 'file' | 'folder' | 'socket'
  /** Nothing keeps a machine from booting. */
  readonly warns?: true
  /** What is no fault of it. */
  readonly fine?: readonly Instead[]
  /** serve starts, and this is what it says. */
  readonly serves?: 'in its log' | 'not ready' | 'at the next sync'
  /** What it says of what can be read and means nothing. */
  readonly wrong?: RegExp
}

type Good = Readonly<Record<'ca' | 'cert' | 'key', string>>

const rpc = (good: Good, more: object): object => ({ rpc: { address: '127.0.0.1:0', ca_file: good.ca, cert_file: good.cert, key_file: good.key, ...more } })
const https = (good: Good, more: object): object => ({ http: { https: { address: '127.0.0.1:0', cert_file: good.cert, key_file: good.key, ...more } } })
const etcd = (more: object): object => ({ cluster: { name: 'one', etcd: { endpoints: ['https://127.0.0.1:1'], ...more } } })
const images = (more: object): object => ({ images: { sources: [{ os: 'flatcar' }], interval: '0', ...more } })
const noCertificate = /holds no certificate/
const noFolder = { kind: 'folder', fine: ['absent', 'folder'] } as const

/** By the path in the schema; a list's own number is 0. */
const rows: Readonly<Record<string, Row>> = {
  data_path: { ...noFolder, fine: ['folder'], serves: 'not ready', at: 'data_path', beside: (_, path) => ({ data_path: path }) },
  assets_path: { ...noFolder, warns: true, serves: 'in its log', at: 'assets_path', beside: (_, path) => ({ assets_path: path }) },
  state_path: { ...noFolder, at: 'state_path', beside: (_, path) => ({ state_path: path }) },
  control_socket: { kind: 'socket', fine: ['absent'], at: 'control_socket', beside: (_, path) => ({ control_socket: path }) },
  'http.https.cert_file': { kind: 'file', wrong: noCertificate, at: 'http.https.cert_file', beside: (good, path) => https(good, { cert_file: path }) },
  'http.https.key_file': { kind: 'file', wrong: /./, at: 'http.https.key_file', beside: (good, path) => https(good, { key_file: path }) },
  'rpc.ca_file': { kind: 'file', wrong: noCertificate, at: 'rpc.ca_file', beside: (good, path) => rpc(good, { ca_file: path }) },
  'rpc.cert_file': { kind: 'file', wrong: noCertificate, at: 'rpc.cert_file', beside: (good, path) => rpc(good, { cert_file: path }) },
  'rpc.key_file': { kind: 'file', wrong: /./, at: 'rpc.key_file', beside: (good, path) => rpc(good, { key_file: path }) },
  'rpc.crl_file': { kind: 'file', wrong: /./, at: 'rpc.crl_file', beside: (good, path) => rpc(good, { crl_file: path }) },
  'signing.key_ring_path': { kind: 'file', wrong: /is empty|is not an OpenPGP key ring|holds no private key/, at: 'signing.key_ring_path', beside: (_, path) => ({ signing: { key_ring_path: path } }) },
  'tftp.root': { ...noFolder, warns: true, serves: 'in its log', at: 'tftp.root', beside: (_, path) => ({ tftp: { address: '127.0.0.1:0', root: path } }) },
  'images.keys.file': { kind: 'file', warns: true, serves: 'at the next sync', wrong: /is not an OpenPGP public key|holds no OpenPGP public key/, at: 'images.keys.0.file', beside: (_, path) => images({ keys: [{ file: path, fingerprint }] }) },
  'images.ca_file': { kind: 'file', warns: true, serves: 'at the next sync', wrong: /holds no certificate/, at: 'images.ca_file', beside: (_, path) => images({ ca_file: path }) },
  'ui.users_file': { kind: 'file', wrong: /names nobody|expected NAME:/, at: 'ui.users_file', beside: (_, path) => ({ ui: { address: '127.0.0.1:0', users_file: path } }) },
  'cluster.etcd.ca_file': { kind: 'file', wrong: noCertificate, at: 'cluster.etcd.ca_file', beside: (_, path) => etcd({ ca_file: path }) },
  'cluster.etcd.cert_file': { kind: 'file', wrong: /cannot be used/, at: 'cluster.etcd.cert_file', beside: (good, path) => etcd({ ca_file: good.ca, cert_file: path, key_file: good.key }) },
  'cluster.etcd.key_file': { kind: 'file', wrong: /cannot be used/, at: 'cluster.etcd.key_file', beside: (good, path) => etcd({ ca_file: good.ca, cert_file: good.cert, key_file: path }) },
  'cluster.etcd.password_file': { kind: 'file', fine: ['garbage', 'empty'], serves: 'not ready', at: 'cluster.etcd.password_file', beside: (_, path) => etcd({ user: 'one', password_file: path }) },
  'webhooks.secret_file': { kind: 'file', fine: ['garbage'], wrong: /holds no secret/, at: 'webhooks.0.secret_file', beside: (_, path) => ({ webhooks: [{ url: 'http://127.0.0.1:9/', secret_file: path }] }) }
}

/** Keys whose value has one of the schemas for paths. */
function pathKeys (schema: object, at: readonly string[] = []): readonly string[] {
  const { wrapped, entries, item } = schema as { readonly wrapped?: object, readonly entries?: Readonly<Record<string, object>>, readonly item?: object }
  if (pathSchemas.some(one => one === schema)) return [at.join('.')]
  return [
    ...wrapped === undefined ? [] : pathKeys(wrapped, at),
    ...item === undefined ? [] : pathKeys(item, at),
    ...Object.entries(entries ?? {}).flatMap(([name, value]) => pathKeys(value, [...at, name]))
  ]
}

/** Names of keys that sound as if they named a file and do not: a loader below tftp.root. */
const noPaths: readonly string[] = ['boot.overrides.file']

function soundsLikePath (schema: object, at: readonly string[] = []): readonly string[] {
  const { wrapped, entries, item } = schema as { readonly wrapped?: object, readonly entries?: Readonly<Record<string, object>>, readonly item?: object }
  return [
    ...wrapped === undefined ? [] : soundsLikePath(wrapped, at),
    ...item === undefined ? [] : soundsLikePath(item, at),
    ...Object.entries(entries ?? {}).flatMap(([name, value]) => /(?:^|_)(?:file|path|socket|root|folder|dir)$/.test(name) ? [[...at, name].join('.')] : soundsLikePath(value, [...at, name]))
  ]
}

t.test('each key of the schema that names a file or a folder has its row', t => {
  t.same([...pathKeys(configSchema)].sort(), Object.keys(rows).sort())
  t.same([...soundsLikePath(configSchema)].sort(), [...Object.keys(rows), ...noPaths].sort(), 'a key that sounds like a path has a schema for paths')
  t.end()
})

/** What stands where a path leads, each in a folder of its own. */
function standing (folder: string): Readonly<Record<Instead, string>> {
  const at = (name: string): string => join(folder, name)
  writeFileSync(at('empty'), '')
  writeFileSync(at('garbage'), Buffer.from('\xffgarbage\0 and more of it\n'.repeat(2), 'latin1'))
  writeFileSync(at('huge'), '')
  truncateSync(at('huge'), 100 * 2 ** 20)
  mkdirSync(at('folder'))
  writeFileSync(at('denied'), 'the secret of somebody else\n', { mode: 0o600 })
  mkdirSync(at('denied-folder'), { mode: 0o700 })
  execFileSync('mkfifo', [at('pipe')])
  return { absent: at('absent'), empty: at('empty'), garbage: at('garbage'), folder: at('folder'), denied: at('denied'), pipe: at('pipe'), huge: at('huge'), through: join(at('garbage'), 'below') }
}

/** What is said of what stands there. */
function told ({ kind, wrong = /./ }: Row, instead: Instead): RegExp {
  if (kind === 'socket') return /is no socket, and stays as it is/
  if (instead === 'denied') return /EACCES/
  if (instead === 'absent') return /there is no|ENOENT/
  if (instead === 'through') return /garbage is no folder/
  if (kind === 'folder') return /is no folder/
  if (instead === 'folder') return /EISDIR: it is a folder/
  if (instead === 'pipe') return /it is no file but a pipe, a socket or a device/
  return instead === 'huge' ? /it is larger than \d+ MiB/ : wrong
}

interface Site { readonly file: string, readonly path: string, readonly place: string }

/** A configuration where this key alone names what can't be. */
function site (t: Test, row: Row, instead: Instead): Site {
  const { file, paths: [path = ''], places: [place = ''] } = siteOf(t, [row], instead)
  return { file, path, place }
}

/** One where each of these keys, which are of different sections, does. */
function siteOf (t: Test, rows: readonly Row[], instead: Instead): { readonly file: string, readonly paths: readonly string[], readonly places: readonly string[] } {
  const folder = shortFolder(t)
  for (const name of ['store/groups', 'store/profiles', 'assets', 'state', 'run']) mkdirSync(join(folder, name), { recursive: true })
  const good = { ca: join(folder, 'ca.crt'), cert: join(folder, 'server.crt'), key: join(folder, 'server.key') }
  writeFileSync(good.ca, pki.ca.cert)
  writeFileSync(good.cert, pki.server.cert)
  writeFileSync(good.key, pki.server.key, { mode: 0o600 })
  const all = standing(folder)
  const paths = rows.map(({ kind }) => instead === 'denied' && kind === 'folder' ? join(folder, 'denied-folder') : all[instead])
  const { http, ...more } = Object.assign({}, ...rows.map((row, i) => row.beside(good, paths[i]!))) as { readonly http?: object }
  const text = stringify({
    data_path: join(folder, 'store'),
    assets_path: join(folder, 'assets'),
    state_path: join(folder, 'state'),
    control_socket: join(folder, 'run/s'),
    http: { address: '127.0.0.1:0', ...http },
    rpc: { address: '' },
    tftp: { address: '' },
    ...more
  })
  const file = join(folder, 'config.yaml')
  writeFileSync(file, text)
  return { file, paths, places: rows.map(({ at }, i) => placeOf(text, file, at, paths[i]!)) }
}

/** In as few configurations as can hold them: those of a section hide one another, and a cluster is asked where all else is well. */
function apart (keys: readonly string[]): ReadonlyArray<readonly string[]> {
  const groups: string[][] = []
  const section = (key: string): string => key.split('.')[0]!
  for (const key of keys) {
    const group = section(key) === 'cluster' ? undefined : groups.find(group => group.every(other => ![section(key), 'cluster'].includes(section(other))))
    if (group === undefined) groups.push([key])
    else group.push(key)
  }
  return groups
}

/** The line that the value stands on, and the column where its key begins. */
function placeOf (text: string, file: string, at: string, path: string): string {
  const key = at.split('.').at(-1)!
  const lines = text.split('\n')
  const line = lines.findIndex(text => text.trimStart().replace(/^- /, '').startsWith(`${key}: ${path}`))
  return `${file}:${line + 1}:${lines[line]!.indexOf(key) + 1}`
}

const insteads: readonly Instead[] = ['absent', 'empty', 'garbage', 'folder', 'pipe', 'huge']
/** What else is told of these sites, and has nothing to do with what stands there. */
const others = /has no key|one member|in none of|is missing: \/assets/

for (const [key, row] of Object.entries(rows)) {
  t.test(key, async t => {
    for (const instead of [...insteads, ...row.kind === 'folder' ? ['through'] as const : []]) {
      const { file, place } = site(t, row, instead)
      const isFine = row.fine?.includes(instead) === true
      const lines = (text: string): readonly string[] => text.split('\n').filter(line => line !== '' && !others.test(line))
      const check = await runCommand(['check', '--config', file])
      // What is right is no place to look further: for a password that is another question, of etcd.
      if (isFine && key.startsWith('cluster')) continue
      const said = lines(check.stderr)
      t.equal(said.length, isFine ? 0 : 1, `check: ${instead}: ${check.stderr}`)
      t.equal(check.status, isFine || row.warns === true ? 0 : 1, `check: ${instead}`)
      if (isFine) continue
      const text = said[0]!.replace(/: (?:error|warning): /, ': ')
      t.equal(text.slice(0, `${place}: ${row.at}: `.length), `${place}: ${row.at}: `, `check: ${instead}`)
      t.match(text, told(row, instead), `check: ${instead}`)
      t.match(said[0], row.warns === true ? /: warning: / : /: error: /)
      const doctor = await runCommand(['doctor', '--files', '--config', file])
      const found = doctor.stdout.split('\n').filter(line => /^(?:PROBLEM|warning) /.test(line) && !others.test(line))
      if (row.serves === 'at the next sync') continue
      t.equal(found.length, 1, `doctor: ${instead}: ${doctor.stdout}`)
      t.equal(found[0]?.includes(text), true, `doctor: ${instead}: ${doctor.stdout}`)
      await serving(t, row, file, text)
    }
  })
}

/** That serve ends with the line, or starts and tells it. */
async function serving (t: Test, row: Row, file: string, text: string): Promise<void> {
  const { stream, entries } = logLines()
  const log = createLog({ level: 'info', pretty: false, destination: stream })
  const start = startAppliance(loadConfig({ file, set: [], env: {} }), { log })
  if (row.serves === undefined) return void await t.rejects(start, { message: text })
  const appliance = await start
  const url = entries().map(({ url }) => url).find(url => typeof url === 'string')
  const ready = await fetch(`${String(url)}/readyz`)
  t.equal(ready.status, row.serves === 'not ready' ? 503 : 200)
  t.match(await ready.text(), text)
  if (row.serves === 'in its log') t.ok(entries().some(({ warning }) => warning === text), text)
  await appliance.close()
}

t.test('what the user of the service may not read is told with what mends it', async t => {
  if (!needsRoot(t)) return
  for (const keys of apart(Object.keys(rows).filter(key => rows[key]!.kind !== 'socket'))) {
    const { file, paths, places } = siteOf(t, keys.map(key => rows[key]!), 'denied')
    chmodSync(join(file, '..'), 0o755)
    chmodSync(join(file, '..', 'server.key'), 0o644)
    execFileSync('chmod', ['-R', 'a+rwX', join(file, '../store'), join(file, '../state'), join(file, '../run')])
    const child = new Program(['check', '--as', 'nobody', '--config', file])
    const { stderr } = await child.end()
    for (const [i, key] of keys.entries()) {
      const row = rows[key]!
      const line = stderr.split('\n').find(line => line.includes(`${places[i]}: `) && line.includes(`: ${row.at}: `))
      t.match(line, /EACCES/, `${key}: ${stderr}`)
      t.match(line, paths[i])
      if (row.serves !== 'at the next sync') t.match(line, /; .* belongs to root, and this runs as nobody: ch/, key)
    }
  }
})

t.test('what the environment names beside images.ca_file', async t => {
  const { file } = site(t, rows['images.ca_file']!, 'absent')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^ +ca_file:.*\n/m, ''))
  const said = async (path: string): Promise<string> => (await runCommand(['check', '--config', file], { env: { SSL_CERT_FILE: path } })).stderr
  t.match(await said('/nowhere/ca.crt'), /warning: SSL_CERT_FILE: cannot read \/nowhere\/ca\.crt: ENOENT.*: its authorities are not trusted/)
  t.match(await said(file), /warning: SSL_CERT_FILE: \S+config\.yaml holds no certificate in PEM: its authorities/)
  t.notMatch(await said(join(file, '../ca.crt')), /SSL_CERT_FILE/)
})

t.test('a control socket takes the place of nothing else', async t => {
  const { file, path } = site(t, rows['control_socket']!, 'garbage')
  const before = readFileSync(path)
  t.equal((await new Program(['serve', '--config', file]).end()).status, 1)
  t.same(readFileSync(path), before)
})
