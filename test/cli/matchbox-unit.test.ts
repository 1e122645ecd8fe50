// The program in Matchbox's place: nothing but the variables of its unit, its data and its certificates.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { defaultConfigFile } from '../../src/config/load.js'
import { freePort } from '../helpers/free-port.js'
import { handedSocket } from '../helpers/handed-sockets.js'
import { differences, exchange, layOutVariant, recording, requestOf } from '../helpers/matchbox-fixture.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able } from '../helpers/tools.js'

/** Where this program answers otherwise (test/http/recorded.test.ts says why). */
const otherwise: ReadonlySet<string> = new Set(['ignition-i-butane-fcos', 'ignition-i-butane-flatcar', 'path-08', 'proto-lf-only'])

t.test('takes over', async t => {
  if (!able(t, existsSync(defaultConfigFile) ? `${defaultConfigFile} would be read` : undefined)) return
  const folder = t.testdir({})
  const [variant = ''] = Object.keys(recording.variants)
  const { dataPath, assetsPath } = layOutVariant(variant, folder)
  const certificates = join(folder, 'certs')
  t.equal((await new Program(['certs', 'init', '--dir', certificates, '--san', 'DNS:localhost']).end()).status, 0)
  // Its machines load from another program's TFTP; where only root may have the port there is nobody to be in the way.
  const dnsmasq = process.getuid?.() === 0 ? handedSocket('udp', { port: 69 }) : undefined
  t.teardown(() => dnsmasq?.close())
  const port = await freePort()
  const env = {
    MATCHBOX_ADDRESS: `127.0.0.1:${port}`,
    MATCHBOX_RPC_ADDRESS: '127.0.0.1:0',
    MATCHBOX_DATA_PATH: dataPath,
    MATCHBOX_ASSETS_PATH: assetsPath,
    MATCHBOX_CA_FILE: join(certificates, 'ca.crt'),
    MATCHBOX_CERT_FILE: join(certificates, 'server.crt'),
    MATCHBOX_KEY_FILE: join(certificates, 'server.key'),
    MATCHBOX_LOG_LEVEL: 'debug'
  }
  const program = new Program(['serve', '--set', `state_path=${folder}/state`, '--set', `control_socket=${shortFolder(t)}/c`], { env })
  t.teardown(() => program.child.kill('SIGKILL'))
  t.match(await program.logged('appliance.ready'), { configuration: [...Object.keys(env).map(() => /^MATCHBOX_/), '--set'] })
  t.match(await program.logged('tftp.off'), { level: 'warn', reason: /^cannot listen on 127\.0\.0\.1:69\/udp: / }, 'nobody asked for TFTP')
  t.match(await program.logged('grpc.listen'), { address: /^127\.0\.0\.1:\d+$/ })
  const cases = recording.cases.filter(recorded => recorded.variant === variant && recorded.sort_unstable !== true && !otherwise.has(recorded.name))
  t.ok(cases.length > 50, `${cases.length} recorded requests`)
  for (const recorded of cases) t.same(differences(recorded, await exchange(port, requestOf(recorded))), [], recorded.name)
  t.equal((await program.end('SIGTERM')).status, 0)
})
