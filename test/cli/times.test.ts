// Times as a person at a terminal reads them: how long ago, in every table; elsewhere as they are.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { runCommand } from '../helpers/command.js'
import { bundledProgram } from '../helpers/built.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needs, runTool } from '../helpers/tools.js'

const mac = '52:54:00:00:00:01'

t.test('every table that tells a time', async t => {
  if (!needs(t, 'script')) return
  // Half an hour more, so that no load makes it another hour until it is read.
  const at = (hours: number): string => new Date(Date.now() - (hours + 0.5) * 3_600_000).toISOString()
  const machine = { mac, known: true, timeline: [{ ms: 0, stage: 'script', at: at(5) }], history: [{ at: at(20), ms: 10, stage: 'script' }], lastSeen: at(4) }
  const answers: Readonly<Record<string, unknown>> = {
    '/v1/machines': [machine],
    [`/v1/machines/${encodeURIComponent(mac)}`]: machine,
    '/v1/leases': [{ ip: '192.0.2.1', mac, state: 'bound', since: at(3), expires: at(-30) }],
    '/v1/reboots': [{ group: 'workers', slots: 1, id: 'x', address: '192.0.2.1', since: at(6), seconds: 1 }],
    '/v1/updates': { groups: [], machines: [{ id: 'x', group: 'workers', address: '192.0.2.1', version: '1', status: 'installed', since: at(7), lastSeen: at(7) }] }
  }
  const socket = join(shortFolder(t), 'c')
  const server = createServer(({ url = '' }, response) => { response.end(JSON.stringify(answers[url])) }).listen(socket)
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  for (const [command, ...told] of [['machines list', '4 h ago'], [`machines show ${mac}`, '4 h ago', '20 h ago'], ['leases list', '3 h ago', 'in 29 h'],
    ['reboots list', '6 h ago'], ['updates list', '7 h ago']] as const) {
    const args = [...command.split(' '), '--set', `control_socket=${socket}`]
    const { stdout } = await runTool('script', ['-qec', `env -u NODE_OPTIONS ${process.execPath} ${bundledProgram()} ${args.join(' ')}`, '/dev/null'])
    const shown = stdout.toString()
    for (const time of told) t.match(shown, new RegExp(time), command)
    t.notMatch(shown, /\d{4}-\d\d-\d\dT/, command)
    t.match((await runCommand(args)).stdout, /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/, `${command}, to a file`)
  }
})
