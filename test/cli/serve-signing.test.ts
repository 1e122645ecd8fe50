// serve and check with a key ring, as an existing Matchbox unit file starts them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { freePort } from '../helpers/free-port.js'
import { Gpg } from '../helpers/gpg.js'
import { Program } from '../helpers/program.js'
import { needs } from '../helpers/tools.js'

const signing = join(import.meta.dirname, '../fixtures/matchbox/signing')
const ring = join(signing, 'secring.gpg')
const passphrase = readFileSync(join(signing, 'passphrase.txt'), 'utf8').trim()

t.test('signatures over HTTP', async t => {
  const folder = t.testdir({
    groups: { 'all.json': '{"id":"all","profile":"node","selector":{"a":"b"}}' },
    profiles: { 'node.json': '{"id":"node","boot":{"kernel":"/assets/vmlinuz"}}' },
    vmlinuz: '',
    'config.yaml': ''
  })
  const port = await freePort()
  const args = ['--config', join(folder, 'config.yaml'), '--set', `state_path=${folder}/state`, '--set', `control_socket=${folder}/socket`, '--set', 'tftp.address=']
  const env = {
    MATCHBOX_ADDRESS: `127.0.0.1:${port}`,
    MATCHBOX_DATA_PATH: folder,
    MATCHBOX_ASSETS_PATH: folder,
    MATCHBOX_RPC_ADDRESS: '',
    MATCHBOX_KEY_RING_PATH: ring,
    MATCHBOX_PASSPHRASE: passphrase
  }

  const program = new Program(['serve', ...args], { env })
  t.teardown(() => program.child.kill('SIGKILL'))
  t.match(await program.logged('appliance.ready'), { signingKey: '1E255B11F25D966D' })
  const get = async (path: string): Promise<Buffer> => Buffer.from(await (await fetch(`http://127.0.0.1:${port}${path}`)).arrayBuffer())
  const [script, signature, armoured] = [await get('/ipxe?a=b'), await get('/ipxe.sig?a=b'), await get('/ipxe.asc?a=b')]
  t.match(script.toString(), '#!ipxe\nkernel /assets/vmlinuz')
  if (needs(t, 'gpg', 'gpgconf')) {
    const gpg = new Gpg(t)
    await gpg.run(['--import', join(signing, 'pubring.gpg')])
    t.ok(await gpg.verifies(signature, script))
    t.ok(await gpg.verifies(armoured, script))
    t.notOk(await gpg.verifies(signature, Buffer.from('#!ipxe\nkernel /assets/other')))
  }
  const { status, stdout, stderr } = await program.end('SIGTERM')
  t.equal(status, 0)
  t.notMatch(stdout + stderr, passphrase, 'the passphrase is never logged')

  t.match(await new Program(['check', ...args], { env }).end(), { status: 0, stdout: /key ring +\S+secring\.gpg +signs as 1E255B11F25D966D/ })

  const wrong = { ...env, MATCHBOX_PASSPHRASE: 'nope' }
  for (const command of ['serve', 'check']) {
    const ended = await new Program([command, ...args], { env: wrong }).end()
    t.equal(ended.status, 1, command)
    t.match(ended.stderr, /^\S.*MATCHBOX_KEY_RING_PATH: signing\.key_ring_path: .*secring\.gpg: MATCHBOX_PASSPHRASE is not the passphrase of its private key\n$/)
    t.equal(ended.stderr.trim().split('\n').length, 1, 'one line')
    t.notMatch(ended.stdout + ended.stderr, 'nope')
  }
})
