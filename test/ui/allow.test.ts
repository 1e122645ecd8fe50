// Who may look by where he connects from, by real connections to a socket that hears IPv4 and IPv6 alike.
import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { freePort } from '../helpers/free-port.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

const hasIpv6 = Object.values(networkInterfaces()).flat().some(one => one?.address === '::1')

t.test('by prefix, also where IPv4 comes mapped into IPv6', async t => {
  for (const [allow, expected] of [
    ['127.1.0.0/16, 127.2.0.1', { '127.1.2.3': 200, '127.2.0.1': 200, '127.2.0.2': 403, '127.0.0.1': 403, '::1': 403 }],
    ['"::ffff:127.1.0.0/112"', { '127.1.2.3': 200, '127.0.0.1': 403, '::1': 403 }],
    ['"::1/128"', { '127.0.0.1': 403, '::1': 200 }]
  ] as const) {
    const folder = shortFolder(t)
    const port = await freePort()
    writeFileSync(join(folder, 'config.yaml'), `data_path: ${folder}
state_path: ${folder}/state
assets_path: ""
control_socket: ${folder}/c
advertise: 127.0.0.1
http: { address: "127.0.0.1:0" }
tftp: { address: "" }
rpc: { address: "" }
ui: { address: "${hasIpv6 ? '[::]' : '0.0.0.0'}:${port}", allow: [${allow}] }
`)
    const program = new Program(['serve', '--config', join(folder, 'config.yaml')])
    t.teardown(() => program.end('SIGKILL'))
    await program.logged('appliance.ready')
    for (const [from, status] of Object.entries(expected)) {
      if (from === '::1' && !hasIpv6) continue
      const answer = await new Promise<{ readonly status: number | undefined, readonly text: string }>((resolve, reject) => {
        get({ host: from === '::1' ? '::1' : '127.0.0.1', port, path: '/ui/', localAddress: from, agent: false }, message => {
          let text = ''
          message.setEncoding('utf8').on('data', (part: string) => { text += part }).on('end', () => { resolve({ status: message.statusCode, text }) })
        }).on('error', reject)
      })
      t.equal(answer.status, status, `${from} where ${allow} may`)
      if (status === 403) t.equal(answer.text, `${from} may not look at this page (ui.allow)\n`, 'who it is, as he would write it himself')
    }
    await program.end('SIGTERM')
  }
})
