// The built program with few descriptors: what a stranger holds of them must not be what a boot needs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { freePort } from '../helpers/free-port.js'

/** tap has its children run its own loader, which the built program is to do without. */
const bare = 'unset NODE_OPTIONS; ulimit -n 256; exec "$@"'
const root = join(import.meta.dirname, '../..')

const ask = (port: number, path: string): Promise<{ status: number, bytes: number }> => new Promise((resolve, reject) => {
  get({ host: '127.0.0.1', port, path, agent: false }, answer => {
    let bytes = 0
    answer.on('data', (data: Buffer) => { bytes += data.length }).on('end', () => { resolve({ status: answer.statusCode ?? 0, bytes }) }).on('error', reject)
  }).on('error', reject)
})

// Three hundred that are idle, and four that never read.
t.test('256 descriptors', async t => {
  const folder = t.testdir({ data: { groups: {}, profiles: {} }, assets: {} })
  writeFileSync(join(folder, 'assets/image'), Buffer.alloc(3_000_000))
  mkdirSync(join(folder, 'state'))
  const port = await freePort()
  const config = join(folder, 'config.yaml')
  writeFileSync(config, JSON.stringify({
    data_path: join(folder, 'data'),
    assets_path: join(folder, 'assets'),
    state_path: join(folder, 'state'),
    control_socket: join(folder, 'c.sock'),
    advertise: '127.0.0.1',
    http: { address: `127.0.0.1:${port}` },
    rpc: { address: '' },
    tftp: { address: `0.0.0.0:${await freePort()}` }
  }))
  const command = ['-c', bare, 'sh', process.execPath, 'bin/core-provisioner', 'serve', '--config', config]
  const program = spawn('/bin/sh', command, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] } })
  const ended = once(program, 'close')
  t.teardown(() => program.kill('SIGKILL'))
  let said = ''
  program.stderr.setEncoding('utf8').on('data', (text: string) => { said += text })
  program.stdout.setEncoding('utf8').on('data', (text: string) => { said += text })
  while (!said.includes('appliance.ready') && program.exitCode === null) await Promise.race([once(program.stdout, 'data'), ended])
  t.match(said, /appliance\.ready/)

  const sockets = Array.from({ length: 304 }, (_, i) => {
    const socket = connect(port, '127.0.0.1').on('error', () => {}).pause()
    t.teardown(() => socket.destroy())
    if (i >= 300) socket.write('GET /assets/image HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3000))
    return socket
  })
  await Promise.all(sockets.map(async socket => { if (socket.connecting) await Promise.race([once(socket, 'connect'), once(socket, 'close')]) }))
  // Longer than the addresses of TFTP are looked at again.
  t.equal((await ask(port, '/v1/machines/52:54:00:00:00:01?wait=ack&timeout=6')).status, 408)
  t.same(await ask(port, '/assets/image'), { status: 200, bytes: 3_000_000 })
  t.equal((await ask(port, '/readyz')).status, 200)
  program.kill('SIGTERM')
  await ended
  t.equal(program.exitCode, 0, said)
  t.notMatch(said, /Error|warning/i)
})
