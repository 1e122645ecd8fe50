// --json of every command in the table: what goes well is one JSON document (of those that go on, one a line), and what does not is the same
// object of every command: {"error":{"code","message"}}, beside what was found until then. A command or a word of one that is new needs its row.
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { isErrorCode } from '../../src/base/errors.js'
import { commandNames, usage } from '../../src/cli/usage.js'
import { runCommand } from '../helpers/command.js'
import { writeConfig } from '../helpers/mirror-kill.js'
import { Program } from '../helpers/program.js'
import { makeKey, Publisher } from '../helpers/publisher.js'
import { shortFolder } from '../helpers/short-folder.js'

/** Commands whose output is no data, and what it is. */
const without = new Map([['serve', 'a log, which is JSON lines'], ['setup', 'the other half of install.sh']])

interface Call {
  readonly args: readonly string[]
  readonly input?: string
  /** What asks for JSON where that is not `--json`. */
  readonly asJson?: readonly string[]
  /** How it ends where not by 0, and with which code. */
  readonly ends?: readonly [status: number, code: string]
}

const mac = '52:54:00:00:00:01'
const machine = { mac, stage: 'script', known: true, timeline: [], lastSeen: new Date(0).toISOString() }

/** What an appliance answers to what the commands ask, and a status where that is not 200. */
const answers: ReadonlyArray<readonly [path: RegExp, body: unknown, status?: number]> = [
  [/^\/v1\/machines\/away/, { error: 'etcd does not answer', code: 'etcd_away' }, 503],
  [/^\/v1\/\w+\/(?:nobody|192\.0\.2\.9)/, { error: 'there is none' }, 404],
  [/^\/v1\/updates\/none\//, { error: 'no group none is configured (updates.groups)' }, 404],
  [/^\/v1\/machines\/[^/]+\?wait=installed/, { error: 'not yet' }, 408],
  [/^\/v1\/machines\/[^/]+$/, machine],
  [/^\/v1\/machines(?:\?|$)/, [machine]],
  [/^\/v1\/named$/, [{ macs: [mac], name: 'node-1' }]],
  [/^\/v1\/(?:leases|reboots)$/, []],
  [/^\/v1\/updates$/, { groups: [], machines: [] }],
  [/./, { done: true }]
]

/** All that the calls need, with an appliance that answers on the control socket. */
async function site (t: Test) {
  const folder = shortFolder(t)
  const [key, publisher] = [await makeKey('publisher'), await Publisher.start()]
  t.teardown(() => publisher.close())
  await publisher.flatcar('1.0.0', key)
  const config = writeConfig(folder, publisher.url, key)
  const put = (name: string, content: string): string => {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  put('data/groups/g.json', JSON.stringify({ id: 'g', profile: 'p', selector: { mac } }))
  put('data/profiles/p.json', JSON.stringify({ id: 'p', boot: { kernel: '/assets/k' } }))
  put('assets/k', 'kernel')
  const control = createServer((request, response) => {
    const { url = '' } = request
    if (url === '/v1/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const stage of ['discover', 'script']) response.write(`id: a-1\ndata: ${JSON.stringify({ mac, stage, at: 'now' })}\n\n`)
      return
    }
    const [, body, status = 200] = answers.find(([path]) => path.test(url))!
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }).listen(join(folder, 'control.sock'))
  // Of both servers that are compared one answers what the other does not.
  const web = createServer((request, response) => { response.end(request.url?.startsWith('/odd') === true ? 'other' : 'same') }).listen(0, '127.0.0.1')
  await Promise.all([once(control, 'listening'), once(web, 'listening')])
  t.teardown(() => {
    for (const server of [control, web]) {
      server.close()
      server.closeAllConnections()
    }
  })
  const { port } = web.address() as { port: number }
  return { folder, put, config, key, origin: (name: string) => `http://${name}:${port}` }
}

/** Calls of each word, in an order in which they can be made; what ends badly stands beside what does not. */
function callsOf ({ folder, put, config, key, origin }: Awaited<ReturnType<typeof site>>): Readonly<Record<string, readonly Call[]>> {
  const at = (name: string): string => join(folder, name)
  const c = ['--config', config]
  const nowhere = ['--config', at('none.yaml')]
  const hosts = put('hosts.csv', 'mac,ip,hostname\n52:54:00:00:00:07,192.0.2.7,node-7\n')
  const twice = put('twice.csv', 'mac,ip,hostname\n52:54:00:00:00:08,192.0.2.1,a\n52:54:00:00:00:09,192.0.2.1,b\n')
  const dir = ['--dir', at('certs')]
  put('other/groups/g.json', JSON.stringify({ id: 'g', profile: 'other' }))
  const ask = (...words: readonly string[]): Call => ({ args: [...words, ...c] })
  const no = (...words: readonly string[]): Call => ({ args: [...words, ...c], ends: [1, 'refused'] })
  const off = (...words: readonly string[]): Call => ({ args: [...words, ...c, '--set', `control_socket=${at('nobody')}`], ends: [1, 'socket_failed'] })
  return {
    check: [ask('check'), { args: ['check', ...nowhere], ends: [1, 'problems_found'] }, { args: ['check', '--store', at('other')], asJson: ['--format', 'json'], ends: [1, 'problems_found'] },
      { args: ['check', '--store', at('nothing')], asJson: ['--format=json'], ends: [1, 'read_failed'] }, { args: ['check', '--format=jsn'], ends: [2, 'usage'] }],
    doctor: [{ ...ask('doctor', '--files') }, { args: ['doctor', ...nowhere], ends: [1, 'config_invalid'] }, { args: ['doctor', ...c, '--wait', '0'], ends: [1, 'problems_found'] }],
    ...Object.fromEntries(['ipxe', 'grub', 'ignition', 'cloud', 'generic', 'metadata'].map(kind => [`render ${kind}`, [
      { args: ['render', kind, '-l', `mac=${mac}`, ...c], ...['ignition', 'cloud', 'generic'].includes(kind) && { ends: [1, 'config_missing'] as const } },
      { args: ['render', kind, '-l', 'mac=52:54:00:00:00:99', ...c], ends: [1, 'group_unmatched'] as const },
      { args: ['render', kind, '--explain', '-l', 'mac=52:54:00:00:00:99', ...c], ends: [1, 'group_unmatched'] as const }
    ]])),
    transpile: [{ args: ['transpile'], input: 'variant: fcos\nversion: 1.5.0\n' }, { args: ['transpile', at('none.bu')], ends: [1, 'config_missing'] },
      { args: ['transpile', '-'], input: 'variant: [\n', ends: [1, 'ignition_invalid'] }, { args: ['transpile', '--strict'], input: 'variant: fcos\nversion: 1.5.0\nodd: 1\n', ends: [1, 'ignition_invalid'] }],
    'certs init': [{ args: ['certs', 'init', '--san', 'IP:127.0.0.1', ...dir] }, { args: ['certs', 'init', '--san', 'IP:127.0.0.1', ...dir], ends: [1, 'certificate_exists'] }],
    'certs show': [{ args: ['certs', 'show', ...dir] }, { args: ['certs', 'show', '--dir', at('nothing')], ends: [1, 'config_missing'] }],
    'certs renew': [{ args: ['certs', 'renew', ...dir] }, { args: ['certs', 'renew', '--dir', at('nothing')], ends: [1, 'config_missing'] }],
    'certs client': [{ args: ['certs', 'client', 'ci', ...dir] }, { args: ['certs', 'client', 'ci', ...dir], ends: [1, 'certificate_exists'] }],
    'certs revoke': [{ args: ['certs', 'revoke', 'ci', ...dir] }, { args: ['certs', 'revoke', 'nobody', ...dir], ends: [1, 'config_missing'] }],
    'certs export': [{ args: ['certs', 'export', '--client', '--out', at('c.tar.gz'), ...dir] }, { args: ['certs', 'export', '--client', '--out', at('c.tar.gz'), ...dir], ends: [1, 'certificate_exists'] }],
    'hosts import': [ask('hosts', 'import', hosts), { args: ['hosts', 'import', twice, ...c], ends: [1, 'list_conflict'] }, { args: ['hosts', 'import', at('none.csv'), ...c], ends: [1, 'read_failed'] }],
    'hosts export': [ask('hosts', 'export', '--format', 'csv'), { args: ['hosts', 'export', '--format', 'csv', '--group', 'none', ...c], ends: [1, 'list_invalid'] }],
    'hosts list': [ask('hosts', 'list'), { args: ['hosts', 'list', ...nowhere], ends: [1, 'config_invalid'] }],
    'store backup': [ask('store', 'backup', at('b.tar.gz')), { args: ['store', 'backup', hosts, ...c], ends: [1, 'store_differs'] }],
    'store restore': [ask('store', 'restore', at('b.tar.gz')), { args: ['store', 'restore', hosts, ...c], ends: [1, 'archive_invalid'] }],
    'store export': [ask('store', 'export', at('exported')), { args: ['store', 'export', at('other'), ...c], ends: [1, 'store_differs'] }],
    'store import': [ask('store', 'import', at('exported')), { args: ['store', 'import', at('other'), ...c], ends: [1, 'store_differs'] }],
    'updates list': [ask('updates', 'list'), off('updates', 'list')],
    ...Object.fromEntries(['pause', 'resume'].map(word => [`updates ${word}`, [ask('updates', word, 'workers'), no('updates', word, 'none')]])),
    'updates approve': [ask('updates', 'approve', 'workers', '1.2.3'), no('updates', 'approve', 'none', '1.2.3')],
    'reboots list': [ask('reboots', 'list'), off('reboots', 'list')],
    'reboots release': [ask('reboots', 'release', 'x'), no('reboots', 'release', 'nobody')],
    'ui password': [{ args: ['ui', 'password', 'anna'], input: 'a long password\n' }, { args: ['ui', 'password', 'anna'], input: 'short\n', ends: [1, 'refused'] }],
    'machines list': [ask('machines', 'list'), off('machines', 'list')],
    'machines show': [ask('machines', 'show', mac), no('machines', 'show', 'nobody'), { args: ['machines', 'show', 'away', ...c], ends: [1, 'etcd_away'] }],
    'machines watch': [off('machines', 'watch')],
    'machines wait': [ask('machines', 'wait', mac, '--stage', 'script'), no('machines', 'wait', mac, '--timeout', '0s'), no('machines', 'wait', '--all', '--timeout', '0s')],
    'machines reset': [ask('machines', 'reset', mac), no('machines', 'reset', 'nobody')],
    'machines adopt': [ask('machines', 'adopt', mac, '--name', 'n', '--profile', 'p'), no('machines', 'adopt', 'nobody', '--name', 'n', '--profile', 'p')],
    'machines set': [ask('machines', 'set', mac, '--state', 'installed'), no('machines', 'set', 'nobody', '--state', 'installed')],
    'leases list': [ask('leases', 'list'), off('leases', 'list')],
    'leases release': [ask('leases', 'release', '192.0.2.1'), no('leases', 'release', '192.0.2.9')],
    'images sync': [ask('images', 'sync'), { args: ['images', 'sync', 'flatcr', ...c], ends: [2, 'usage'] },
      { args: ['images', 'sync', ...c, '--set', 'images.sources=[{ os: flatcar, base_url: "http://127.0.0.1:1" }]'], ends: [1, 'image_download_failed'] }],
    'images list': [ask('images', 'list'), { args: ['images', 'list', ...nowhere], ends: [1, 'config_invalid'] }],
    'images verify': [ask('images', 'verify'), { args: ['images', 'verify', ...c, '--set', 'images.keys=[]'], ends: [1, 'images_damaged'] }],
    'images prune': [ask('images', 'prune', '--dry-run'), { args: ['images', 'prune', ...c, '--set', `data_path=${at('nothing')}`], ends: [1, 'read_failed'] }],
    'images keys': [ask('images', 'keys', 'list'), ask('images', 'keys', 'add', at('key.asc'), '--fingerprint', key.fingerprint), ask('images', 'keys', 'remove', key.fingerprint),
      { args: ['images', 'keys', 'list', ...c, '--set', `images.keys=[{ file: ${hosts}, fingerprint: ${key.fingerprint} }]`], ends: [1, 'key_invalid'] },
      { args: ['images', 'keys', 'add', at('key.asc'), '--fingerprint', '0'.repeat(40), ...c], ends: [1, 'key_invalid'] }],
    compare: [ask('compare', '--matchbox', origin('127.0.0.1'), '--with', origin('localhost')), { args: ['compare', '--matchbox', `${origin('127.0.0.1')}`, '--with', 'http://127.0.0.1:1', ...c], ends: [1, 'read_failed'] }],
    takeover: [{ args: ['takeover'], input: 'Environment=MATCHBOX_LOG_LEVEL=info\nExecStart={ path=/m ; argv[]=/m ; ignore_errors=no }\n' }, { args: ['takeover'], ends: [1, 'read_failed'] }, { args: ['takeover'], input: 'LoadState=not-found\nEnvironment=\n', ends: [1, 'read_failed'] }],
    try: [{ args: ['try', '--interface', 'none-0', '--kernel', 'k'], ends: [1, 'interface_missing'] }],
    ...Object.fromEntries(['bash', 'zsh', 'fish'].map(shell => [`completion ${shell}`, [{ args: ['completion', shell] }]])),
    help: [{ args: ['help'] }, { args: ['help', 'check'] }, { args: ['help', '--man'] }, { args: ['help', 'chek'], ends: [2, 'usage'] }]
  }
}

/** All words of the table, and commands that have none. */
const everyWord = commandNames.filter(name => !without.has(name)).flatMap(name => usage[name].words?.map(word => `${name} ${word}`) ?? [name])

interface Failed { readonly error?: { readonly code: string, readonly message: string } }

t.test('every command and every word of one', async t => {
  const calls = callsOf(await site(t))
  t.same(Object.keys(calls).sort(), [...everyWord].sort(), 'each has its calls')
  for (const [word, made] of Object.entries(calls)) {
    for (const { args, input, asJson = ['--json'], ends: [status, code] = [0, undefined] } of made) {
      const ended = await runCommand([...args, ...asJson], input === undefined ? {} : { input })
      t.equal(ended.status, status, `${word}: ${args.join(' ')}: ${ended.stderr}`)
      const { error } = t.doesNotThrow(() => JSON.parse(ended.stdout), `${word}: ${ended.stdout}`) ? JSON.parse(ended.stdout) as Failed : {}
      t.equal(error?.code, code, `${word}: ${JSON.stringify(error)}`)
      if (error === undefined) continue
      t.same(Object.keys(error), ['code', 'message'])
      t.ok(isErrorCode(error.code), error.code)
      t.ok(error.message !== '' && !/^\s+at /m.test(error.message), error.message)
    }
  }
})

t.test('every error has a code of the table', async t => {
  for (const name of commandNames) {
    t.equal('json' in usage[name].flags, !without.has(name), name)
    for (const args of [[name, '--nonsense', '--json'], [name, 'nonsense', 'of', 'many', 'words', ...Array.from({ length: 10 }, String), '--json']]) {
      if (args[1] === 'nonsense' && ['hosts', 'images', 'updates', 'reboots', 'leases'].includes(name)) args.push('--set', 'data_path=/nonexistent')
      const { status, stdout } = await runCommand(args)
      const { error } = JSON.parse(stdout) as Failed
      t.equal(status, 2, args.join(' '))
      t.equal(error?.code, 'usage', args.join(' '))
    }
  }
  for (const args of [['nonsense'], ['--json', 'check'], ['machines', 'shwo'], ['machines', 'set', mac, '--state', 'instaled']]) {
    t.match(JSON.parse((await runCommand([...args, '--json'])).stdout), { error: { code: 'usage' } })
  }
  t.match(JSON.parse((await runCommand(['--version', '--json'])).stdout), { version: String })
  t.match(JSON.parse((await runCommand(['check', '--help', '--json'])).stdout), { flags: { strict: {} } })
  t.notMatch((await runCommand(['transpile', '--', '--json'])).stdout, /./, 'an operand')
})

t.test('what goes on gives a line each, from a process that is interrupted', async t => {
  const { config } = await site(t)
  const program = new Program(['machines', 'watch', '--json', '--config', config])
  while (program.stdout.split('\n').length < 3) await once(program.child.stdout!, 'data')
  const { status, stdout } = await program.end('SIGINT')
  t.equal(status, 0)
  t.same(stdout.trimEnd().split('\n').map(line => (JSON.parse(line) as { stage: string }).stage), ['discover', 'script'])
})

t.test('a process that fails prints the error as JSON, and in words beside it', async t => {
  t.match(await new Program(['leases', 'list', '--json', '--set', 'control_socket=/nonexistent/socket']).end(), {
    status: 1,
    stdout: /^\{"error":\{"code":"socket_failed","message":"nobody answers on \/nonexistent\/socket .*"\}\}\n$/,
    stderr: /^core-provisioner leases: nobody answers on \/nonexistent\/socket .*\n$/
  })
})
