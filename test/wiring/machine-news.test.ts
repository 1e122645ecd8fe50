// Webhooks of the whole program: told, signed, kept over a kill, and never in the way of a boot.
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Metrics } from '../../src/base/metrics.js'
import { loadConfig } from '../../src/config/load.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { parseGroup } from '../../src/matchbox/group.js'
import { parseMac } from '../../src/net/mac.js'
import { homesOf } from '../../src/wiring/homes.js'
import { openMachineNews } from '../../src/wiring/machine-news.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { freePort } from '../helpers/free-port.js'
import { quiet } from '../helpers/grpc-appliance.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

const machine = '52:54:00:00:00:01'
/** What a firmware may call itself. */
const hostile = '"<b>\u001b'
const secret = Buffer.alloc(24, 7)
const secretText = `whsec_${secret.toString('base64')}`

interface Told { readonly headers: IncomingHttpHeaders, readonly text: string, readonly body: Record<string, unknown> & { readonly data: Record<string, unknown> } }

/** What listens on a port, and what it was told. */
async function receiver (t: Test, port: number, answer: 'ok' | 'never'): Promise<{ readonly told: Told[], readonly next: () => Promise<void>, readonly until: (count: number) => Promise<void>, readonly port: number }> {
  const told: Told[] = []
  const server: Server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).once('end', () => {
      told.push({ headers: request.headers, text, body: JSON.parse(text) as Told['body'] })
      if (answer === 'ok') response.writeHead(204).end()
      server.emit('told')
    })
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const until = async (count: number): Promise<void> => { while (told.length < count) await once(server, 'told') }
  return { told, next: () => until(1), until, port: (server.address() as AddressInfo).port }
}

async function configured (t: Test, webhooks: string): Promise<{ readonly folder: string, readonly url: string, readonly config: string, readonly serve: () => Promise<Program> }> {
  const folder = t.testdir({
    secret: `${secretText}\n`,
    data: { groups: { 'g.json': JSON.stringify({ id: 'g', profile: 'p', selector: { mac: machine } }) }, profiles: { 'p.json': '{"id":"p","boot":{"kernel":"/assets/k"}}' } }
  })
  const [config, port] = [join(folder, 'config.yaml'), await freePort()]
  writeFileSync(config, `data_path: ${folder}/data\nassets_path: ""\nstate_path: ${folder}/state\ncontrol_socket: ${shortFolder(t)}/c\n` +
    `http: { address: "127.0.0.1:${port}" }\ntftp: { address: "" }\nrpc: { address: "" }\nwebhooks: ${webhooks.replaceAll('FOLDER', folder)}\n`)
  const serve = async (): Promise<Program> => {
    const program = new Program(['serve', '--config', config])
    t.teardown(() => program.child.kill('SIGKILL'))
    await program.logged('appliance.ready')
    return program
  }
  return { folder, url: `http://127.0.0.1:${port}`, config, serve }
}

t.test('told and signed; kept over a kill while nobody listens', async t => {
  const port = await freePort()
  const { url, config, serve, folder } = await configured(t, `[{ url: "http://127.0.0.1:${port}/hook?token=abc", secret_file: FOLDER/secret, on: [installed] }]`)
  const first = await serve()
  await (await fetch(`${url}/ipxe?mac=${machine}&serial=S%22%3Cb%3E%1b`)).text()
  t.match(await new Program(['machines', 'set', machine, '--state', 'installed', '--config', config]).end(), { status: 0 })
  const failed = await first.logged('webhook.failed')
  t.match(failed, { url: `http://127.0.0.1:${port}`, reason: /ECONNREFUSED/ })
  t.notMatch(first.stdout, /token=abc|whsec_/, 'paths and secrets are not logged')
  first.child.kill('SIGKILL')
  await first.end()
  t.match(readFileSync(join(folder, 'state/webhooks.jsonl'), 'utf8'), /core-provisioner\.machine\.installed/)

  const { told, next } = await receiver(t, port, 'ok')
  const second = await serve()
  await next()
  const { headers, text, body } = told[0]!
  t.match(body, { specversion: '1.0', type: 'core-provisioner.machine.installed', source: url, subject: machine, id: failed['id'], data: { mac: machine, group: 'g', profile: 'p', serial: 'S"<b>\u001b' } })
  t.match(headers, { 'content-type': /^application\/cloudevents\+json/, 'webhook-id': failed['id'] })
  t.equal(headers['webhook-signature'], `v1,${createHmac('sha256', secret).update(`${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${text}`).digest('base64')}`)
  t.match(await second.end('SIGTERM'), { status: 0 })
  const third = await serve()
  await (await fetch(`${url}/healthz`)).text()
  t.match(await third.end('SIGTERM'), { status: 0 })
  t.equal(told.length, 1, 'once')
})

t.test('a receiver that never answers holds up no boot, and not the end', async t => {
  const { told, next, port } = await receiver(t, 0, 'never')
  const { url, config, serve } = await configured(t, `[{ url: "http://127.0.0.1:${port}/" }]`)
  const program = await serve()
  t.match(await new Program(['machines', 'set', machine, '--state', 'installed', '--config', config]).end(), { status: 1, stderr: /has been seen/ })
  await (await fetch(`${url}/ipxe?mac=${machine}`)).text()
  t.match(await new Program(['machines', 'set', machine, '--state', 'installed', '--config', config]).end(), { status: 0 })
  await next()
  for (let i = 0; i < 50; i++) t.equal((await fetch(`${url}/ipxe?mac=${machine}`)).status, 200)
  t.match(await (await fetch(`${url}/metrics`)).text(), /^webhook_events_waiting 1$/m)
  t.equal(told[0]?.headers['webhook-signature'], undefined, 'there is no secret')
  t.match(await program.end('SIGTERM'), { status: 0 })
})

t.test('each kind reaches a receiver; a conflict is told of once an hour, and of sixty at most', async t => {
  const { told, port, until } = await receiver(t, 0, 'ok')
  const clock = new FakeClock()
  const loaded = loadConfig({
    file: undefined, defaultFile: '/nowhere', env: {}, set: [`state_path=${t.testdir({})}`, 'data_path=/nowhere', `webhooks=[{url: "http://127.0.0.1:${port}/"}]`]
  })
  const registry = new MachineRegistry([], { note: () => {}, kindOf: () => 'known' })
  const ends: Array<() => Promise<void>> = []
  const news = await openMachineNews(
    { loaded, config: loaded.config, clock, log: quiet, homes: homesOf(loaded.config) }, registry, new Metrics(), end => { ends.unshift(end) }
  )
  const group = parseGroup(Buffer.from('{"id":"core-1","profile":"core","metadata":{"ip":"10.0.0.21"}}'))
  registry.record({ mac: parseMac(machine)!, stage: 'script', at: clock.now(), code: 'group_unmatched', failed: 'no group matches the labels', serial: hostile })
  clock.advance(5000)
  await until(1)
  news.enrolled(parseMac(machine)!, group)
  await until(2)
  news.conflict(parseMac(machine)!, '10.0.0.21', 'the address is in use (declined)')
  for (let n = 0; n < 100; n++) news.conflict(parseMac(machine)!, `10.0.1.${n}`, 'the address is in use (declined)')
  await until(62)
  t.match(told.map(({ body }) => [body['type'], body['subject']]).slice(0, 3), [
    ['core-provisioner.machine.stuck', machine], ['core-provisioner.machine.enrolled', machine], ['core-provisioner.machine.conflict', machine]
  ])
  t.match(told[0]?.body.data, { reason: /group/, serial: hostile })
  t.match(told[1]?.body.data, { group: 'core-1', profile: 'core', ip: '10.0.0.21', serial: hostile })
  t.match(told[2]?.body.data, { ip: '10.0.0.21', what: 'the address is in use (declined)' })
  registry.record({ mac: parseMac(machine)!, stage: 'installed', at: clock.now(), failed: 'its disk is full' })
  clock.advance(1000)
  const seenElsewhere = new MachineRegistry([], { note: () => {} }).record({ mac: parseMac('52:54:00:00:00:02')!, stage: 'installed', at: clock.now() })
  registry.take(seenElsewhere)
  registry.record({ mac: parseMac(machine)!, stage: 'installed', at: clock.now() })
  await until(63)
  t.match(told[62]?.body, { type: 'core-provisioner.machine.installed', subject: machine, data: { stage: 'installed' } }, 'not what failed, nor what another provisioner tells')
  for (const end of ends) await end()
  t.equal(told.length, 63)
})

t.test('what can not be a webhook is said at the start', async t => {
  for (const [webhooks, why] of [
    ['[{ url: "ftp://a/" }]', /webhooks\.0\.url: expected an http or https URL/],
    ['[{ url: "http://a/", on: [lunch] }]', /webhooks\.0\.on\.0: expected one of installed, stuck/],
    ['[{ url: "http://a/" }, { url: "http://a/" }]', /webhooks: expected each URL once/],
    ['[{ url: "http://a/", secret_file: FOLDER/none }]', /config\.yaml:8:32: (?:error: )?webhooks\.0\.secret_file: .*none can't be read/],
    ['[{ url: "http://a/", secret_file: FOLDER/config.yaml, secret: x }]', /unknown key/]
  ] as const) {
    const { config } = await configured(t, webhooks)
    t.match(await new Program(['check', '--config', config]).end(), { status: 1, stderr: why }, webhooks)
    t.match(await new Program(['serve', '--config', config]).end(), { status: 1, stderr: why }, webhooks)
  }
})
