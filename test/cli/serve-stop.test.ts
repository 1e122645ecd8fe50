// The end of serve while somebody reads and does not go on.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import t from 'tap'
import { freePort } from '../helpers/free-port.js'
import { makePki } from '../helpers/pki.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

const pki = makePki()

t.test('a stalled reader each on TFTP, HTTPS and HTTP: the end is orderly, and what was seen is on disk', async t => {
  const folder = t.testdir({
    data: {
      groups: { 'a.json': '{"id":"a","profile":"p"}' },
      profiles: { 'p.json': '{"id":"p","boot":{"kernel":"/k"}}' }
    },
    assets: {},
    boot: {},
    'server.crt': pki.server.cert
  })
  writeFileSync(join(folder, 'server.key'), pki.server.key, { mode: 0o600 })
  writeFileSync(join(folder, 'assets/initrd'), Buffer.alloc(64 * 2 ** 20))
  writeFileSync(join(folder, 'boot/loader'), Buffer.alloc(2 ** 20))
  const [http, https, tftp] = [await freePort(), await freePort(), await freePort()]
  const file = join(folder, 'config.yaml')
  writeFileSync(file, `data_path: ${folder}/data
assets_path: ${folder}/assets
state_path: ${folder}/state
control_socket: ${shortFolder(t)}/c
http:
  address: 127.0.0.1:${http}
  https: { address: "127.0.0.1:${https}", cert_file: ${folder}/server.crt, key_file: ${folder}/server.key }
tftp: { address: "127.0.0.1:${tftp}", root: ${folder}/boot }
rpc: { address: "" }
`)
  const program = new Program(['serve', '--config', file])
  t.teardown(() => program.child.kill('SIGKILL'))
  await program.logged('appliance.ready')

  const stall = async (socket: Socket): Promise<void> => {
    t.teardown(() => socket.destroy())
    socket.on('error', () => {})
    socket.write('GET /assets/initrd HTTP/1.1\r\nHost: a\r\n\r\n')
    // The beginning has come, and nobody reads it.
    await once(socket, 'readable')
  }
  await stall(connectTcp(http, '127.0.0.1'))
  const encrypted = connectTls({ port: https, host: '127.0.0.1', ca: pki.ca.cert })
  await once(encrypted, 'secureConnect')
  await stall(encrypted)
  const client = createSocket('udp4')
  t.teardown(() => { client.close() })
  client.send(Buffer.from('\0\x01loader\0octet\0', 'latin1'), tftp, '127.0.0.1')
  await once(client, 'message')
  t.equal((await fetch(`http://127.0.0.1:${http}/ipxe?mac=52:54:00:00:00:07`)).status, 200)

  const { status, stdout } = await program.end('SIGTERM')
  t.equal(status, 0)
  t.match(JSON.parse(stdout.trimEnd().split('\n').at(-1)!), { msg: 'appliance.end', orderly: true })
  t.notMatch(stdout, /appliance\.close/)
  t.match(readFileSync(join(folder, 'state/machines.jsonl'), 'utf8'), '"mac":"52:54:00:00:00:07"')
})

t.test('an end with nothing left to do runs what Node runs at the end, such as writing a profile', async t => {
  const folder = t.testdir({ data: { groups: {}, profiles: {} }, assets: {} })
  const file = join(folder, 'config.yaml')
  writeFileSync(file, `data_path: ${folder}/data
assets_path: ${folder}/assets
state_path: ${folder}/state
control_socket: ${shortFolder(t)}/c
http: { address: "127.0.0.1:${await freePort()}" }
tftp: { address: "" }
rpc: { address: "" }
`)
  const program = new Program(['serve', '--config', file], { env: { NODE_V8_COVERAGE: join(folder, 'written') } })
  t.teardown(() => program.child.kill('SIGKILL'))
  await program.logged('appliance.ready')
  t.match(await program.end('SIGTERM'), { status: 0, stdout: /"orderly":true/ })
  const own = readdirSync(join(folder, 'written')).filter(name => name.startsWith(`coverage-${program.child.pid}-`) && name.endsWith('-0.json'))
  t.equal(own.length, 1)
})

t.test('SIGHUP while it starts ends nothing', async t => {
  const folder = t.testdir({ data: {} })
  const program = new Program(['serve', ...[
    `data_path=${folder}/data`, 'assets_path=', `state_path=${folder}/state`, `control_socket=${shortFolder(t)}/c`, `http.address=127.0.0.1:${await freePort()}`,
    'tftp.address=', 'rpc.address='
  ].flatMap(value => ['--set', value])])
  t.teardown(() => program.child.kill('SIGKILL'))
  await program.logged('store.open')
  program.child.kill('SIGHUP')
  await program.logged('appliance.ready')
  const exit = once(program.child, 'exit')
  program.child.kill('SIGTERM')
  t.equal((await exit)[0], 0)
})
