// Who did what, and taking a certificate away, by the whole program: certificates that its own command made, real clients, its log.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type GrpcClient, openGrpcClient } from '../../src/grpc/client.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needs } from '../helpers/tools.js'

t.test('a certificate for each, named in the log, and taken away by itself', async t => {
  const folder = shortFolder(t)
  const certs = async (...args: string[]) => await new Program(['certs', ...args, '--dir', folder]).end()
  t.equal((await certs('init', '--san', 'IP:127.0.0.1')).status, 0)
  const made = await certs('client', 'ci')
  t.match(made, { status: 0, stdout: /ci\.crt and \.key: CN=ci, serial [0-9a-f]+, good until/ })
  const serial = /serial ([0-9a-f]+)/.exec(made.stdout)?.[1] ?? ''
  t.match(await certs('client', 'ci'), { status: 1, stderr: /is there already/ })
  t.match(await certs('client', '../x'), { status: 2, stderr: /is no name for a client/ })
  t.match(await certs('revoke'), { status: 0, stdout: /crl\.pem takes away none/ })

  const config = join(folder, 'config.yaml')
  writeFileSync(config, `data_path: ${folder}/data
assets_path: ""
state_path: ${folder}/state
control_socket: ${folder}/control.sock
http: { address: "127.0.0.1:0" }
tftp: { address: "" }
rpc: { address: "127.0.0.1:0", ca_file: ${folder}/ca.crt, cert_file: ${folder}/server.crt, key_file: ${folder}/server.key, crl_file: ${folder}/crl.pem }
`)
  const program = new Program(['serve', '--config', config])
  t.teardown(async () => { await program.end('SIGTERM') })
  const address = String((await program.logged('grpc.listen'))['address'])
  const open = async (name: string): Promise<GrpcClient> => {
    const text = (file: string): string => readFileSync(join(folder, file), 'utf8')
    const client = await openGrpcClient({ address, ca: text('ca.crt'), cert: text(`${name}.crt`), key: text(`${name}.key`) })
    t.teardown(() => { client.close() })
    return client
  }
  const [ci, other] = [await open('ci'), await open('client')]
  const put = async (client: GrpcClient, profile: string): Promise<object> => await client.call('GroupPut', { group: { id: 'a', profile, selector: { x: 'y' } } })
  await put(ci, 'p')
  await put(ci, 'q')
  await put(other, 'q')
  await ci.call('IgnitionPut', { name: 'n.ign', config: Buffer.from('{}') })
  await ci.call('IgnitionPut', { name: 'n.ign', config: Buffer.from('{"a":1}') })
  await ci.call('GroupDelete', { id: 'a' })
  await ci.call('GroupDelete', { id: 'a' })
  t.match(await program.loggedTimes('grpc.call', 7), [
    { client: 'CN=ci', serial, object: 'group a', change: 'created' }, { client: 'CN=ci', object: 'group a', change: 'profile' },
    { client: 'CN=client', object: 'group a', change: 'unchanged' }, { client: 'CN=ci', object: 'ignition n.ign', change: 'created' },
    { object: 'ignition n.ign', change: '2 -> 7 bytes' }, { object: 'group a', change: 'deleted' }, { object: 'group a', change: 'was not there' }
  ])

  t.match(await certs('revoke', 'ci'), { status: 0, stdout: new RegExp(`takes away ${serial};`) })
  await program.logged('tls.reloaded')
  await t.rejects(put(ci, 'p'), { code: 16, message: /revoked/ }, 'on the connection that it has')
  const again = await open('ci')
  await t.rejects(again.call('GroupList', {}, { timeout: 5000 }), 'on a new one')
  t.match(await program.logged('grpc.handshake'), { reason: 'revoked' })
  await put(other, 'p')
  await (await open('client')).call('GroupList', {})
  // The list is added to, also by serial number.
  t.match(JSON.parse((await certs('revoke', 'abcdef0123456789', '--json')).stdout), [{ serial }, { serial: 'abcdef0123456789' }])
  if (!needs(t, 'openssl')) return
  const text = execFileSync('openssl', ['crl', '-in', join(folder, 'crl.pem'), '-CAfile', join(folder, 'ca.crt'), '-noout', '-text'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  t.match(text, /Serial Number: ABCDEF0123456789/)
  t.match(text, new RegExp(`Serial Number: ${serial.toUpperCase()}`))
  t.match(execFileSync('sh', ['-c', `openssl crl -in ${folder}/crl.pem -CAfile ${folder}/ca.crt -noout 2>&1`], { encoding: 'utf8' }), /verify OK/)
})
