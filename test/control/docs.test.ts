// The pages about /v1 and the metrics say what the program does: routes, stages, fields and metrics, each looked for in both.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stages } from '../../src/machines/machine.js'
import { projectRoot } from '../helpers/project.js'
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

t.test('the dashboard loads, and shows what there is', t => {
  const { panels, templating, title, uid, schemaVersion } = JSON.parse(page('grafana-dashboard.json')) as {
    title: string,
    uid: string,
    schemaVersion: number
    templating: { list: Array<{ name: string, type: string }> }
    panels: Array<{ id: number, type: string, title: string, gridPos: Record<'h' | 'w' | 'x' | 'y', number>, targets: Array<{ refId: string, expr: string, datasource: { uid: string } }> }>
  }
  for (const text of [title, uid]) t.ok(text)
  t.type(schemaVersion, 'number')
  t.match(templating.list, [{ name: 'datasource', type: 'datasource' }])
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  t.equal(new Set(panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size, panels.length, 'none over another')
  const words = new Set(['sum', 'by', 'rate', 'increase', 'histogram_quantile', 'le'])
  for (const { title, type, gridPos: { w, x }, targets } of panels) {
    t.match(type, /^(?:timeseries|stat)$/, title)
    t.ok(x + w <= 24 && targets.length > 0, title)
    for (const { expr, datasource } of targets) {
      t.equal(datasource.uid, '${datasource}') // eslint-disable-line no-template-curly-in-string -- Grafana's
      const named = matches(expr.replaceAll(/\[\w+\]|"[^"]*"/g, ''), /([a-z_]+(?:[a-z_]))/g).filter(word => word.includes('_') && !words.has(word))
      t.ok(named.length > 0, expr)
      for (const name of named) t.ok(documented.has(name) || documented.has(name.replace(/_(?:bucket|sum|count)$/, '')), name)
      for (const labels of matches(expr, /by \(([^)]*)\)/g)) for (const label of labels.split(', ')) t.match(page('metrics.md'), new RegExp(`\\|[^|]*\\b${label}\\b[^|]*\\||le`), label)
    }
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
