// What is loaded: by each command what it needs, by the service what its configuration turns on. V8 tells, in the coverage that it
// writes at the end, of every script that there was, packages and threads included.
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freePort } from '../helpers/free-port.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

interface Coverage { readonly result: ReadonlyArray<{ readonly url: string }> }

interface Loaded {
  /** Ours, below dist/, without extension. */
  readonly own: readonly string[]
  readonly packages: readonly string[]
}

function loadedAs (folder: string): Loaded {
  const urls = readdirSync(folder).flatMap(file => (JSON.parse(readFileSync(join(folder, file), 'utf8')) as Coverage).result.map(({ url }) => url))
  const named = (pattern: RegExp): string[] => [...new Set(urls.flatMap(url => pattern.exec(url)?.[1] ?? []))].sort()
  return { own: named(/\/dist\/(?!node\/)(?!.*node_modules)([\w/-]+)\.js$/), packages: named(/.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//) }
}

async function loadedBy (t: Test, args: readonly string[], until?: (program: Program) => Promise<unknown>): Promise<Loaded> {
  const folder = mkdtempSync(join(t.testdirName, 'coverage-'))
  const program = new Program(args, { env: { NODE_V8_COVERAGE: folder }, input: '', unbundled: true })
  t.teardown(() => program.child.kill('SIGKILL'))
  await until?.(program)
  const { status, stderr } = await program.end(until === undefined ? undefined : 'SIGTERM')
  t.ok(status !== null, `${args[0]} ended: ${stderr}`)
  return loadedAs(folder)
}

const rooms = (own: readonly string[]): readonly string[] => [...new Set(own.map(file => file.includes('/') ? file.split('/')[0]! : file))]

t.test('what tells of the program itself loads the command line and nothing else', async t => {
  t.testdir({})
  for (const args of [['--version'], ['help'], ['help', 'serve'], ['machines', '--help'], ['completion', 'bash'], ['nonsense']]) {
    const { own, packages } = await loadedBy(t, args)
    t.same(packages, [], args.join(' '))
    t.same(rooms(own).filter(room => !['main', 'base', 'cli'].includes(room)), [], args.join(' '))
    t.ok(own.length < 20, `${args.join(' ')} loads ${own.length} files`)
  }
})

t.test('a command loads no other command, and no server that it does not ask', async t => {
  t.testdir({ 'config.yaml': 'control_socket: /nowhere/at/all\n', 'node.bu': 'variant: flatcar\nversion: 1.0.0\n' })
  const config = ['--config', join(t.testdirName, 'config.yaml')]
  const configured = ['valibot', 'yaml']
  const cases = [
    { args: ['machines', 'list', ...config], packages: configured },
    { args: ['leases', 'list', ...config], packages: configured },
    { args: ['updates', 'list', ...config], packages: configured },
    { args: ['reboots', 'list', ...config], packages: configured },
    { args: ['transpile', join(t.testdirName, 'node.bu')], packages: [] },
    { args: ['takeover'], packages: [] }
  ]
  for (const { args, packages } of cases) {
    const loaded = await loadedBy(t, args)
    t.same(loaded.packages, packages, args.join(' '))
    t.ok(loaded.own.includes(`cli/${args[0]}`), 'itself')
    t.notOk(loaded.own.some(file => /^(?:appliance|listeners|http|grpc|dhcp|tftp|mirror|control|store)\b/.test(file)), args.join(' '))
  }
})

/** Serves until it is ready, with nothing on but HTTP and what `more` turns on. */
async function served (t: Test, more: string): Promise<Loaded> {
  const file = join(t.testdirName, `config-${more.length}.yaml`)
  writeFileSync(file, `data_path: ${t.testdirName}/data
state_path: ${t.testdirName}/state
control_socket: ${shortFolder(t)}/c
http: { address: "127.0.0.1:${await freePort()}" }
${more}`)
  return await loadedBy(t, ['serve', '--config', file], async program => await program.logged('appliance.ready'))
}

const off = 'assets_path: ""\nrpc: { address: "" }\ntftp: { address: "" }\n'

t.test('a service loads what its configuration turns on', async t => {
  t.testdir({ data: { groups: {}, profiles: {}, ignition: {} }, assets: {} })
  const { own, packages } = await served(t, off)
  const unwanted = ['@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs', 'node-forge', 'openpgp', 'sax', 'csv-parse']
  t.same(packages.filter(name => unwanted.includes(name)), [])
  t.ok(packages.includes('fastify'), 'what it serves HTTP with')
  const parts = {
    grpc: /^grpc\//,
    tls: /^tls\//,
    openpgp: /^openpgp\/key-ring/,
    tftp: /^tftp\/tftp-server/,
    dhcp: /^dhcp\/(?:dhcp-server|proxy-server|other-servers)/,
    ui: /^ui\/ui-app/,
    images: /^mirror\/(?:mirror|catalog|remote-mirror)$/,
    updates: /^updates\/omaha/,
    doctor: /^doctor\/(?!finding)/,
    commands: /^cli\/(?!arguments|command|run|serve|service-config|slips|usage)/
  }
  for (const [part, files] of Object.entries(parts)) t.same(own.filter(file => files.test(file)), [], part)

  // Every one of them would be seen: the same with the part on.
  const on = await served(t, `assets_path: ${t.testdirName}/assets
rpc: { address: "" }
tftp: { address: "127.0.0.1:0" }
ui: { address: "127.0.0.1:${await freePort()}" }
updates: { groups: [{ name: all, os: flatcar, version: 4230.2.2 }] }
`)
  t.ok(on.packages.includes('sax'))
  for (const part of ['tftp', 'ui', 'images', 'updates'] as const) t.ok(on.own.some(file => parts[part].test(file)), `${part} is seen when it is on`)
})
