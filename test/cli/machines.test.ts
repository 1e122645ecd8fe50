// The machines command beside a running appliance: who is shown, waited for and adopted, also over a restart.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { askAny, events, type ServerEvent } from '../../src/cli/control-client.js'
import { freePort } from '../helpers/free-port.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

const [node, other, named] = ['52:54:00:00:00:01', '52:54:00:00:00:02', '52:54:00:00:00:03']

async function start (t: Test) {
  const folder = t.testdir({
    data: {
      groups: { 'g.json': JSON.stringify({ id: 'g', profile: 'p', selector: { mac: node }, metadata: { hostname: 'node-1' } }), 'h.json': JSON.stringify({ id: 'h', profile: 'p', selector: { mac: named } }) },
      profiles: { 'p.json': '{"id":"p","boot":{"kernel":"/assets/k"}}' }
    },
    assets: { k: 'kernel' }
  })
  const [config, port] = [join(folder, 'config.yaml'), await freePort()]
  writeFileSync(config, `data_path: ${folder}/data\nassets_path: ${folder}/assets\nstate_path: ${folder}/state\ncontrol_socket: ${shortFolder(t)}/c\n` +
    `http: { address: "127.0.0.1:${port}" }\ntftp: { address: "" }\nrpc: { address: "" }\n`)
  const serve = async (): Promise<Program> => {
    const program = new Program(['serve', '--config', config])
    t.teardown(() => program.child.kill('SIGKILL'))
    await program.logged('appliance.ready')
    return program
  }
  const machines = (...args: readonly string[]): Program => {
    const program = new Program(['machines', ...args, '--config', config])
    t.teardown(() => program.child.kill('SIGKILL'))
    return program
  }
  const ask = async (path: string): Promise<string> => await (await fetch(`http://127.0.0.1:${port}${path}`)).text()
  return { folder, serve, machines, ask, end: async (...args: readonly string[]) => await machines(...args).end() }
}

const printed = async (program: Program, pattern: RegExp, stream: 'stdout' | 'stderr' = 'stdout'): Promise<void> => {
  while (!pattern.test(program[stream])) {
    if (program.child.exitCode !== null) throw new Error(`ended before ${String(pattern)}: ${program.stdout}${program.stderr}`)
    await new Promise(resolve => program.child[stream]?.once('data', resolve) ?? resolve(undefined))
  }
}

t.test('show, adopt, set and reset', async t => {
  const { folder, serve, ask, end } = await start(t)
  await serve()
  await ask(`/ipxe?mac=${node}&uuid=4c4c4544-0000-0000-0000-000000000001&serial=S1&hostname=node-1`)
  await ask(`/ipxe?mac=${other}&hostname=${encodeURIComponent('<b>\u001b[2J\u202ex')}`)
  for (const who of [node, 'node-1', 'g']) t.match(await end('show', who), { status: 0, stdout: new RegExp(`${node} +node-1 +configured +script.*[^]*serial: S1`) }, who)
  t.match(await end('show', '127.0.0.1'), { status: 0, stdout: new RegExp(other) }, 'who was seen there last')
  t.match(await end('show', 'nobody'), { status: 1, stderr: /"nobody" is not a hardware address, and no machine of that name/ })
  t.match(await end('show'), { status: 2, stderr: /show takes a machine/ })
  for (const words of [['updates', 'list'], ['updates', 'pause', 'workers'], ['updates', 'approve', 'workers', '1.2.3'], ['reboots', 'list'], ['reboots', 'release', 'x']]) {
    t.match(await new Program([...words, '--config', join(folder, 'config.yaml')]).end(), { status: 1, stderr: /no groups are configured \(updates\.groups\)/ }, words.join(' '))
  }
  t.match(await end('list', '--stage', 'script'), { status: 2, stderr: /list takes no --stage/ })

  for (const how of [[], ['--csv'], ['--json']]) {
    const { stdout } = await end('list', ...how)
    t.match(stdout, other)
    t.notOk(['\u001b', '\u202e'].some(letter => stdout.includes(letter)), `a terminal obeys no machine: ${how.join()}`)
  }
  t.match((await end('list', '--unknown')).stdout, new RegExp(`${other}.*no group matches`))

  t.match(await end('adopt', other, '--name', '../x', '--profile', 'p'), { status: 1, stderr: /is not a host name/ })
  t.match(await end('adopt', other, '--name', 'g', '--profile', 'p'), { status: 1, stderr: /is the name of another machine or group/ })
  t.match(await end('adopt', other, '--name', 'node-2', '--profile', 'q'), { status: 1, stderr: /no profile "q"/ })
  t.match(await end('adopt', node, '--name', 'node-2', '--profile', 'p'), { status: 1, stderr: /group g names 52:54:00:00:00:01 already/ })
  t.notOk(existsSync(join(folder, 'data/groups/node-2.json')))
  t.match(await end('adopt', other, '--name', 'node-2', '--ip', '10.0.0.2', '--profile', 'p'), { status: 0, stdout: /has the group node-2/ })
  t.same(JSON.parse(readFileSync(join(folder, 'data/groups/node-2.json'), 'utf8')),
    { id: 'node-2', name: 'node-2', profile: 'p', selector: { mac: other }, metadata: { hostname: 'node-2', ip: '10.0.0.2' } })
  t.match(await ask(`/ipxe?mac=${other}`), /kernel \/assets\/k/)
  t.match((await end('show', 'node-2')).stdout, new RegExp(`${other} +node-2`))
  t.match(await end('adopt', '52:54:00:00:00:99', '--name', 'node-9', '--ip', '10.0.0.2', '--profile', 'p'), { status: 1, stderr: /group node-2 has it/ })

  t.match(await end('set', 'node-2', '--state', 'installed'), { status: 0 })
  t.match(JSON.parse((await end('show', 'node-2', '--json')).stdout), { state: 'installed' })
  t.match(await end('set', 'node-2', '--state', 'running'), { status: 1, stderr: /state takes configured/ })
  t.match(await end('set', 'node-2', '--state', 'configured'), { status: 0 })
  t.match(JSON.parse((await end('show', 'node-2', '--json')).stdout), { state: 'configured', timeline: [] })
  t.match(await end('reset', 'h'), { status: 1, stderr: /no machine 52:54:00:00:00:03 has been seen/ })
})

t.test('who has seen nothing yet misses nothing over a restart either, and is told when it is told again', async t => {
  const socket = join(shortFolder(t), 'c')
  const asked: Array<string | undefined> = []
  const server = createServer(({ headers }, response) => {
    asked.push(headers['last-event-id'] as string | undefined)
    response.writeHead(asked.length === 2 ? 503 : 200, { 'content-type': 'application/json' })
    if (asked.length === 1) response.end(': machines\n\nid: a-7\n\n')
    else if (asked.length === 2) response.end('{"error":"too many listen already"}')
    else response.write(`: machines\n\nevent: gap\ndata: {"reason":"of another run"}\n\nid: b-1\ndata: ${JSON.stringify({ at: 'now', mac: node, stage: 'script' })}\n\nid: b-1\n\n`)
  }).listen(socket)
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const watching = new Program(['machines', 'watch', '--set', `control_socket=${socket}`])
  t.teardown(() => watching.child.kill('SIGKILL'))
  await printed(watching, /the appliance is back/, 'stderr')
  t.same(asked, [undefined, 'a-7', 'a-7'])
  const { status, stdout, stderr } = await watching.end('SIGINT')
  t.equal(status, 0)
  t.match(stdout, new RegExp(`now  ${node} `))
  t.same(stderr.trimEnd().split('\n').map(line => line.replace('core-provisioner: ', '')), [
    'the appliance ended; waiting until it is back', 'too many listen already; waiting until it is back', 'some events were missed: of another run', 'the appliance is back'
  ])
})

t.test('an appliance that does not say anything any more', async t => {
  const socket = join(shortFolder(t), 'c')
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': machines\n\nid: a-0\n\n')
  }).listen(socket)
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const never = new Promise<unknown>(() => {})
  const heard: ServerEvent[] = []
  await t.rejects(async () => { for await (const event of events(socket, '/v1/events', never, { patience: 50 })) heard.push(event) },
    { code: 'socket_failed', message: /has said nothing for 0\.05 s: it is stopped, or stuck/ })
  t.same(heard, [{ id: 'a-0', event: 'open', data: undefined }])
  const stopped = createServer(() => {}).listen(`${socket}2`)
  await once(stopped, 'listening')
  t.teardown(() => {
    stopped.close()
    stopped.closeAllConnections()
  })
  await t.rejects(askAny(`${socket}2`, { method: 'GET', path: '/', patience: 50 }), { code: 'socket_failed', message: /has said nothing/ })
  for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143]] as const) {
    const asking = new Program(['leases', 'list', '--json', '--set', `control_socket=${socket}2`])
    await once(stopped, 'connection')
    const ended = await asking.end(signal)
    t.match(ended, { status, stderr: `core-provisioner leases: ended by ${signal} before it was done\n` })
    t.match(JSON.parse(ended.stdout), { error: { code: 'interrupted' } })
  }
})

t.test('watch and wait go on over a restart', async t => {
  const { serve, machines, ask, end } = await start(t)
  t.match(await end('watch'), { status: 1, stderr: /no appliance is running/ })
  let appliance = await serve()
  const watching = machines('watch')
  const [waiting, all] = [machines('wait', 'node-1', '--stage', 'kernel', '--timeout', '10m'), machines('wait', '--all', '--stage', 'script', '--timeout', '10m')]
  // Only what is new is told, and only while it listens.
  for (let i = 0; i < 2000 && !/script/.test(watching.stdout); i++) await ask(`/${i % 2 === 0 ? 'ipxe' : 'grub'}?mac=${node}`)
  await printed(all, /node-1 \(52:54:00:00:00:01\): script/)
  appliance.child.kill('SIGKILL')
  await appliance.end()
  await printed(watching, /waiting until it is back/, 'stderr')
  appliance = await serve()
  for (let i = 0; i < 5000 && !/kernel/.test(watching.stdout); i++) await ask(i % 2 === 0 ? `/ipxe?mac=${node}` : '/assets/k')
  await printed(watching, /back\n(?:.*\n)*.*some events were missed: the events before this were of another run.*\n.*the appliance is back\n/, 'stderr')
  t.match(await waiting.end(), { status: 0, stdout: 'node-1: kernel\n' })
  await ask(`/ipxe?mac=${named}`)
  t.match(await all.end(), { status: 0, stdout: /h \(52:54:00:00:00:03\): script/ })
  const late = await end('wait', '--all', '--stage', 'installed', '--timeout', '10ms')
  t.match(late, { status: 1, stderr: /2 of 2 machines are not installed after 10ms: h \(52:54:00:00:00:03\): script; node-1 \(52:54:00:00:00:01\): kernel\n$/ })
  t.match(JSON.parse((await end('wait', node, 'nobody', '--stage', 'kernel', '--timeout', '10ms', '--json')).stdout), { reached: [node], late: ['nobody: not seen'] })
  t.match(await end('wait', node, '--stage', 'lunch'), { status: 1, stderr: /wait takes one of discover/ })
  for (const wrong of [['wait'], ['wait', node, '--all'], ['wait', node, '--timeout', 'soon']]) t.equal((await end(...wrong)).status, 2, wrong.join(' '))
  t.match(await watching.end('SIGINT'), { status: 0 })
})
