// The built program with 256 descriptors, and strangers with a hundred addresses on each of its TCP listeners and at its control socket,
// who say nothing, or half of what they began: who comes after them is answered.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { bundledProgram } from '../helpers/built.js'
import { freePort } from '../helpers/free-port.js'
import { rawClient, tlsCredentials } from '../helpers/grpc-appliance.js'
import { watch } from '../helpers/netns.js'
import { makePki } from '../helpers/pki.js'
import { surroundings } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

const strangers = 100
/** The first octets of a TLS hello of 128 KiB, and of a request. */
const hello = Buffer.from([22, 3, 1, 0, 8, 1, 1, 255, 255, 3, 3, 0, 0])
const head = Buffer.from('GET /?')

t.test('strangers with a hundred addresses on every listener', async t => {
  // A socket's path may have 107 bytes, which t.testdir() has already.
  const folder = shortFolder(t)
  mkdirSync(join(folder, 'data'))
  const pki = makePki()
  for (const name of ['ca', 'server', 'client'] as const) {
    writeFileSync(join(folder, `${name}.crt`), pki[name].cert)
    writeFileSync(join(folder, `${name}.key`), pki[name].key)
  }
  const ports = { http: await freePort(), https: await freePort(), grpc: await freePort(), ui: await freePort() }
  const control = join(folder, 'c')
  writeFileSync(join(folder, 'config.yaml'), `data_path: ${folder}/data
assets_path: ""
state_path: ${folder}/state
control_socket: ${control}
http: { address: "127.0.0.1:${ports.http}", https: { address: "127.0.0.1:${ports.https}", cert_file: ${folder}/server.crt, key_file: ${folder}/server.key } }
rpc: { address: "127.0.0.1:${ports.grpc}", ca_file: ${folder}/ca.crt, cert_file: ${folder}/server.crt, key_file: ${folder}/server.key }
ui: { address: "127.0.0.1:${ports.ui}" }
tftp: { address: "" }
`)
  const command = `unset NODE_OPTIONS; ulimit -n 256; exec "$@" serve --config ${folder}/config.yaml`
  const program = watch(spawn('/bin/sh', ['-c', command, 'sh', process.execPath, bundledProgram()], { env: surroundings() }))
  t.teardown(async () => {
    program.child.kill('SIGKILL')
    await program.ended
  })
  await program.line(/"msg":"appliance\.ready"/)

  const sockets: Socket[] = []
  t.teardown(() => { for (const socket of sockets) socket.destroy() })
  const come = async (to: (n: number) => NetConnectOpts, begin: Buffer): Promise<void> => {
    for (let n = 0; n < strangers; n++) {
      const socket = connect(to(n)).on('error', () => {})
      sockets.push(socket)
      await once(socket, 'connect')
      if (n % 2 === 0) socket.write(begin)
    }
  }
  const from = (port: number) => (n: number): NetConnectOpts => ({ port, host: '127.0.0.1', localAddress: `127.4.0.${1 + n}` })
  await come(from(ports.http), head)
  await come(from(ports.https), hello)
  await come(from(ports.grpc), hello)
  await come(from(ports.ui), head)
  await come(() => ({ path: control }), head)

  const status = async (request: ReturnType<typeof requestHttp>): Promise<number | undefined> => {
    request.end()
    const [response] = await once(request, 'response') as [{ statusCode?: number, resume: () => void }]
    response.resume()
    return response.statusCode
  }
  const options = { host: '127.0.0.1', agent: false } as const
  t.equal(await status(requestHttp({ ...options, port: ports.http, path: '/healthz' })), 200, 'HTTP')
  t.equal(await status(requestHttps({ ...options, port: ports.https, path: '/healthz', ca: pki.ca.cert, servername: 'localhost' })), 200, 'HTTPS')
  t.equal(await status(requestHttp({ ...options, port: ports.ui, path: '/ui/' })), 200, 'the page')
  t.equal(await status(requestHttp({ socketPath: control, agent: false, path: '/v1/leases' })), 200, 'the control socket')
  const client = rawClient(`127.0.0.1:${ports.grpc}`, tlsCredentials(pki, pki.client))
  t.ok('response' in await client.call('GroupList', {}), 'gRPC')
  client.close()
  const descriptors = Number(execFileSync('sh', ['-c', `ls /proc/${program.child.pid}/fd | wc -l`]))
  t.ok(descriptors < 200, `${descriptors} descriptors`)
  t.equal(await status(requestHttp({ ...options, port: ports.http, path: '/readyz' })), 200)

  program.child.kill('SIGTERM')
  t.equal(await program.ended, 0)
  t.same(program.output().split('\n').filter(line => line !== '' && (!line.startsWith('{') || /"level":"(?:error|fatal)"/.test(line))), [])
})
