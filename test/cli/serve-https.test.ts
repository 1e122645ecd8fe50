// The second listener, over TLS, and machines known by their address, as a person configures them.
import { once } from 'node:events'
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { request, type RequestOptions } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { makeCertificate, makePki } from '../helpers/pki.js'
import { runCommand } from '../helpers/command.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

const pki = makePki()
const names = [{ dns: 'localhost' }, { ip: '127.0.0.1' }]
const store = {
  groups: { 'core-1.json': '{"id":"core-1","profile":"node","selector":{"mac":"52:54:00:00:00:01"},"metadata":{"ip":"127.0.0.1"}}' },
  profiles: { 'node.json': '{"id":"node","boot":{"kernel":"/assets/vmlinuz","args":["quiet"]}}' }
}

function configured (t: Test): { folder: string, file: string } {
  const folder = t.testdir({ data: store, 'server.crt': pki.server.cert, 'server.key': pki.server.key })
  chmodSync(join(folder, 'server.key'), 0o600)
  const file = join(folder, 'config.yaml')
  writeFileSync(file, `data_path: ${folder}/data
state_path: ${folder}/state
control_socket: ${shortFolder(t)}/c
http:
  address: "127.0.0.1:0"
  identify_by_ip: true
  https:
    address: "127.0.0.1:0"
    cert_file: ${folder}/server.crt
    key_file: ${folder}/server.key
tftp: { address: "" }
rpc: { address: "" }
`)
  return { folder, file }
}

async function read (url: string, options: RequestOptions = {}): Promise<{ status: number | undefined, text: string }> {
  const asked = request(url, { ca: pki.ca.cert, agent: false, ...options })
  asked.end()
  const [answer] = await once(asked, 'response') as [import('node:http').IncomingMessage]
  let text = ''
  for await (const piece of answer.setEncoding('utf8')) text += String(piece)
  return { status: answer.statusCode, text }
}

t.test('https', async t => {
  const { folder, file } = configured(t)
  const program = new Program(['serve', '--config', file])
  t.teardown(() => program.child.kill('SIGKILL'))
  await program.logged('appliance.ready')
  const url = String((await program.logged('https.listen'))['url'])
  const port = Number(new URL(url).port)
  t.match(await read(`${url}/ipxe?mac=52-54-00-00-00-01`), { status: 200, text: /^#!ipxe\nkernel \/assets\/vmlinuz quiet/ })
  t.match(await read(`${url}/readyz`), { status: 200, text: 'ok\n' })
  t.match(await read(`${url}/ipxe`), { status: 200, text: /quiet/ }, 'the reservation of 127.0.0.1 says who asks')
  t.match(await program.logged('http.ipxe'), { mac: '52:54:00:00:00:01', ip: '127.0.0.1', group: 'core-1' })
  await t.rejects(read(`${url}/ipxe`, { ca: pki.otherCa.cert }), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
  await t.rejects(read(`${url}/ipxe`, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }), 'old versions of TLS are refused')

  // What Node's parser does not take is read once more, here too; and what is no TLS at all ends nothing.
  const raw = connect({ port, host: '127.0.0.1', ca: pki.ca.cert })
  raw.write('ODD /ipxe?x=é HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  let answer = ''
  for await (const piece of raw.setEncoding('latin1')) answer += String(piece)
  t.match(answer, /^HTTP\/1\.1 404 /)
  await t.rejects(fetch(`http://127.0.0.1:${port}/`), 'plain HTTP on the TLS port')

  const next = makeCertificate(pki.ca, { cn: 'next', use: 'serverAuth', names })
  for (const [name, text] of [['server.crt', next.cert], ['server.key', next.key]] as const) {
    writeFileSync(join(folder, `${name}.new`), text, { mode: 0o644 })
    renameSync(join(folder, `${name}.new`), join(folder, name))
  }
  program.child.kill('SIGHUP')
  t.match(await program.logged('tls.reloaded'), { listener: 'https', subject: 'CN=next' })
  t.match(await program.logged('tls.certificate'), { warning: /server\.key can be read by everybody/ })
  const renewed = connect({ port, host: '127.0.0.1', ca: pki.ca.cert })
  await once(renewed, 'secureConnect')
  t.equal(renewed.getPeerCertificate().subject.CN, 'next')
  renewed.destroy()
  t.match(await read(`${url}/healthz`), { status: 200 })
  t.match((await read(`${url}/readyz`)).text, /^ok\nwarning: \S+server\.key can be read by everybody on this machine: chmod 600 it\n$/)
  writeFileSync(join(folder, 'server.crt'), next.cert.slice(0, 300))
  program.child.kill('SIGHUP')
  t.match(await program.logged('tls.kept'), { listener: 'https', reason: /server\.crt holds no certificate: it is cut off/ })
  t.match(await read(`${url}/readyz`), { status: 200, text: /^warning: \S+server\.crt holds no certificate: it is cut off, .*: what was read before stays in force$/m })
  chmodSync(join(folder, 'server.key'), 0o600)
  writeFileSync(join(folder, 'server.crt'), next.cert)
  program.child.kill('SIGHUP')
  t.match(await program.logged('tls.reloaded'), { subject: 'CN=next' })
  t.match((await read(`${url}/readyz`)).text, 'ok\n')
  t.equal((await program.end('SIGTERM')).status, 0)
})

t.test('what is wrong with it is told with the key and its line', async t => {
  const { folder, file } = configured(t)
  const check = await new Program(['check', '--config', file]).end()
  t.equal(check.status, 0)
  t.match(check.stdout, /https +127\.0\.0\.1:0\/tcp.*server\.crt/)
  t.match((await new Program(['doctor', '--config', file]).end()).stdout, /^ok {7}certificates: .*server\.crt is CN=localhost for .*, signed by CN=test ca, good until \d{4}-\d\d-\d\d$/m)

  writeFileSync(join(folder, 'server.crt'), makeCertificate(pki.ca, { cn: 'localhost', use: 'serverAuth' }).cert)
  t.match(await runCommand(['check', '--config', file]), { status: 1, stderr: /server\.key does not belong to the certificate/ })
  const nameless = makeCertificate(pki.ca, { cn: 'localhost', use: 'serverAuth' })
  writeFileSync(join(folder, 'server.crt'), nameless.cert)
  writeFileSync(join(folder, 'server.key'), nameless.key)
  t.match(await runCommand(['check', '--config', file]), { status: 0, stderr: /^warning: the server certificate in \S+ has no subject alternative names, so clients refuse it/m }, 'a CN is no name any more')
  t.equal((await runCommand(['check', '--strict', '--config', file])).status, 1)

  writeFileSync(join(folder, 'server.key'), pki.client.key)
  t.match(await new Program(['serve', '--config', file]).end(), { status: 1, stderr: /config\.yaml:10:5: http\.https\.key_file: .*server\.key does not belong to the certificate/ })
  rmSync(join(folder, 'server.key'))
  const missing = /config\.yaml:10:5: (?:error: )?http\.https\.key_file: cannot read the server key from .*server\.key: there is no such file .*; http\.https\.address: "" turns https off/
  t.match(await new Program(['serve', '--config', file]).end(), { status: 1, stderr: missing })
  t.match(await runCommand(['check', '--config', file]), { status: 1, stderr: missing })
  t.match(await runCommand(['check', '--config', file, '--set', 'http.https.key_file=""']),
    { status: 1, stderr: /--set http\.https\.key_file: http\.https\.key_file: expected a PEM file/ })
})
