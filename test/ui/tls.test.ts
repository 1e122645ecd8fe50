// The page over TLS: who has a certificate of the gRPC API's authority, who has one of elsewhere, for servers, or taken back, and who
// has a password in its place.
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freePort } from '../helpers/free-port.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

interface Answer { readonly status: number | undefined, readonly body: string }

async function site (t: Test, more = '') {
  const folder = shortFolder(t)
  const certificates = join(folder, 'certificates')
  const made = await new Program(['certs', 'init', '--dir', certificates, '--san', 'IP:127.0.0.1']).end()
  t.equal(made.status, 0, made.stderr)
  const crl = join(certificates, 'crl.pem')
  const port = await freePort()
  const config = join(folder, 'config.yaml')
  const write = (crlFile: string): void => {
    writeFileSync(config, `data_path: ${folder}
state_path: ${folder}/state
assets_path: ""
control_socket: ${folder}/c
http: { address: "127.0.0.1:0" }
tftp: { address: "" }
rpc: { address: "", ca_file: ${certificates}/ca.crt, cert_file: ${certificates}/server.crt, key_file: ${certificates}/server.key${crlFile} }
ui: { address: "127.0.0.1:${port}", client_certificates: true${more} }
`)
  }
  const file = (name: string): string => readFileSync(join(certificates, name), 'utf8')
  const ask = async (who?: string, headers: Record<string, string> = {}, folderOf = certificates, localAddress = '127.0.0.1'): Promise<Answer> => await new Promise((resolve, reject) => {
    const identity = who === undefined ? {} : { cert: readFileSync(join(folderOf, `${who}.crt`)), key: readFileSync(join(folderOf, `${who}.key`)) }
    request({ host: '127.0.0.1', port, path: '/ui/', ca: file('ca.crt'), agent: false, headers, localAddress, ...identity }, answer => {
      let body = ''
      answer.setEncoding('utf8').on('data', (text: string) => { body += text }).on('end', () => { resolve({ status: answer.statusCode, body }) })
    }).on('error', reject).end()
  })
  const start = async (): Promise<Program> => {
    const program = new Program(['serve', '--config', config])
    t.teardown(() => program.end('SIGKILL'))
    await program.logged('appliance.ready')
    return program
  }
  return { folder, certificates, crl, write, ask, start, config, port }
}

t.test('by certificate', async t => {
  const { folder, write, ask, start, port } = await site(t)
  const other = join(folder, 'other')
  await new Program(['certs', 'init', '--dir', other]).end()
  write('')
  await start()
  const anna = await ask('client')
  t.equal(anna.status, 200)
  t.match(anna.body, '<h1>Boots</h1>')
  const nobody = await ask()
  t.equal(nobody.status, 403)
  t.match(nobody.body, 'wants a client certificate of the authority of the gRPC API')
  t.equal((await ask('client', {}, other)).status, 403, 'of another authority')
  t.equal((await ask('server')).status, 403, 'for servers')
  await t.rejects(fetch(`http://127.0.0.1:${port}/ui/`), 'not in the clear')
})

t.test('who may not look gets no handshake, whatever he has', async t => {
  const { write, ask, start } = await site(t, ', allow: [127.9.0.0/16]')
  write('')
  await start()
  await t.rejects(ask('client'))
  t.equal((await ask('client', {}, undefined, '127.9.0.1')).status, 200)
})

t.test('a certificate that was taken back', async t => {
  const { certificates, crl, write, ask, start } = await site(t)
  const revoked = await new Program(['certs', 'revoke', join(certificates, 'client.crt'), '--dir', certificates]).end()
  t.equal(revoked.status, 0, revoked.stderr)
  t.match(readFileSync(crl, 'utf8'), 'X509 CRL')
  write(`, crl_file: ${crl}`)
  await start()
  t.equal((await ask('client')).status, 403)
})

t.test('or by password', async t => {
  const users = join(shortFolder(t), 'users')
  writeFileSync(users, (await new Program(['ui', 'password', 'anna'], { input: 'correct horse\n' }).end()).stdout)
  const { write, ask, start } = await site(t, `, users_file: ${users}`)
  write('')
  await start()
  const basic = (password: string): Record<string, string> => ({ authorization: `Basic ${Buffer.from(`anna:${password}`).toString('base64')}` })
  t.equal((await ask('client')).status, 200)
  t.equal((await ask()).status, 401)
  t.equal((await ask(undefined, basic('wrong'))).status, 401)
  t.equal((await ask(undefined, basic('correct horse'))).status, 200)
})

t.test('without certificates it says which line asks for them', async t => {
  const { write, certificates, config } = await site(t)
  write('')
  writeFileSync(config, readFileSync(config, 'utf8').replace(`${certificates}/ca.crt`, '/nowhere/ca.crt'))
  const ended = await new Program(['serve', '--config', config]).end()
  t.not(ended.status, 0)
  t.match(ended.stderr, /config\.yaml:\d+:\d+: rpc\.ca_file: cannot read .*\/nowhere\/ca\.crt.*certs init.*\(ui\.client_certificates needs it\)/)
})
