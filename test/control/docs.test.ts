// The pages about /v1 and the metrics say what the program does: routes, stages, fields and metrics, each looked for in both.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stages } from '../../src/machines/machine.js'
import { projectRoot } from '../helpers/bundle.js'
import { freePort } from '../helpers/free-port.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

const page = (name: string): string => readFileSync(join(projectRoot, 'docs', name), 'utf8')
const sources = readdirSync(join(projectRoot, 'src'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
  .map(name => readFileSync(join(projectRoot, 'src', name), 'utf8')).join('\n')
const matches = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found = '']) => found)

const documented = new Map([...page('metrics.md').matchAll(/^\| `(\w+)` \| [^|]* \| (.*) \|$/gm)].map(([, name = '', help = '']) => [name, help]))
const api = page('api.md')

t.test('routes and stages', t => {
  t.same(new Set(matches(api, /^\| `\w+ (\/v1\/[^`]+)`/gm)), new Set(matches(sources, /'(\/v1\/[^'?]+)'/g)), 'every path, and no other')
  t.same(matches(/Stages, in their order: ([^.]+)\./s.exec(api)?.[1] ?? '', /`(\w+)`/g), stages)
  t.end()
})

t.test('no metric that there is not', t => {
  t.ok(documented.size > 30, `${documented.size} metrics`)
  for (const name of documented.keys()) {
    t.ok(sources.includes(`'${name}'`) || sources.includes(`}${name.slice(name.indexOf('_'))}\``), name)
  }
  t.end()
})

t.test('what a running program answers', async t => {
  const [folder, port] = [t.testdir({ data: { groups: { 'a.json': '{"id":"a","profile":"p"}' }, profiles: { 'p.json': '{"id":"p","boot":{"kernel":"/assets/k","initrd":[],"args":[]}}' } }, assets: {} }), await freePort()]
  const file = join(folder, 'config.yaml')
  writeFileSync(file, `data_path: ${folder}/data\nassets_path: ${folder}/assets\nstate_path: ${folder}/state\ncontrol_socket: ${shortFolder(t)}/c\n` +
    `http: { address: "127.0.0.1:${port}" }\ntftp: { address: "" }\nrpc: { address: "" }\n`)
  const program = new Program(['serve', '--config', file])
  t.teardown(() => program.child.kill('SIGKILL'))
  await program.logged('appliance.ready')
  const url = `http://127.0.0.1:${port}`
  await (await fetch(`${url}/ipxe?mac=52:54:00:00:00:01`)).text()
  const machine = await (await fetch(`${url}/v1/machines/52:54:00:00:00:01?wait=script&timeout=600`)).json() as Record<string, unknown>
  const [, fields = '', lines = ''] = /Of a machine there are (.*?) and `timeline`.*?: (.*?) since/s.exec(api) ?? []
  for (const field of matches(fields, /`(\w+)`/g)) t.type(machine[field], 'string', field)
  for (const field of matches(lines, /`(\w+)`/g)) t.ok(field in (machine['timeline'] as object[])[0]!, field)
  t.equal((await fetch(`${url}/v1/machines`)).status, 200)
  t.equal((await fetch(`${url}/v1/installed?mac=52:54:00:00:00:02`)).status, 403)

  const told = [...(await (await fetch(`${url}/metrics`)).text()).matchAll(/^# HELP (\w+) (.*)$/gm)].filter(([, name = '']) => !/^(?:nodejs|process)_/.test(name))
  t.ok(told.length > 20)
  for (const [, name = '', help = ''] of told) t.equal(documented.get(name), help, name)
  t.equal((await program.end('SIGTERM')).status, 0)
})
