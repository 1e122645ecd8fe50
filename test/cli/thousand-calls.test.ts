// A thousand calls of each front of the built program: as many descriptors are open afterwards as before, and memory has not grown with
// them. What leaks one thing a call is seen here, whichever it is.
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, get, type IncomingMessage, type RequestOptions } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { kernelUdp } from '../../src/net/udp.js'
import { freePort } from '../helpers/free-port.js'
import { rawClient, tlsCredentials } from '../helpers/grpc-appliance.js'
import { makePki } from '../helpers/pki.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { readFile } from '../helpers/tftp-client.js'
import { until } from '../helpers/until.js'

const [calls, warm, atOnce] = [1000, 200, 10]
/** What a leak of 48 KiB a call would take. */
const growth = 48 * 1024 * calls
const mac = '52:54:00:00:00:01'

async function site (t: Test) {
  const folder = shortFolder(t)
  const pki = makePki()
  for (const name of ['ca', 'server'] as const) for (const kind of ['cert', 'key'] as const) writeFileSync(join(folder, `${name}.${kind}`), pki[name][kind])
  const put = (path: string, content: string | Buffer): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  put('data/groups/g.json', JSON.stringify({ id: 'g', profile: 'p', selector: { mac } }))
  put('data/profiles/p.json', JSON.stringify({ id: 'p', ignition_id: 'i.ign', boot: { kernel: '/assets/folder/image' } }))
  put('data/ignition/i.ign', '{"ignition":{"version":"3.3.0"}}')
  put('assets/folder/image', Buffer.alloc(300_000, 1))
  put('tftp/loader', Buffer.alloc(2000, 1))
  const [http, ui, tftp] = [await freePort(), await freePort(), await freePort()]
  const config = {
    data_path: join(folder, 'data'),
    assets_path: join(folder, 'assets'),
    state_path: join(folder, 'state'),
    control_socket: join(folder, 'c'),
    advertise: '127.0.0.1',
    http: { address: `127.0.0.1:${http}` },
    ui: { address: `127.0.0.1:${ui}` },
    tftp: { address: `127.0.0.1:${tftp}`, root: join(folder, 'tftp') },
    rpc: { address: '127.0.0.1:0', ca_file: join(folder, 'ca.cert'), cert_file: join(folder, 'server.cert'), key_file: join(folder, 'server.key') }
  }
  put('config.yaml', JSON.stringify(config))
  const program = new Program(['serve', '--config', join(folder, 'config.yaml')])
  t.teardown(() => program.end('SIGKILL'))
  const address = String((await program.logged('grpc.listen'))['address'])
  await program.logged('appliance.ready')
  return { program, http, ui, tftp, socketPath: config.control_socket, client: rawClient(address, tlsCredentials(pki, pki.client)) }
}

/** Reads an answer whole. */
async function read (options: RequestOptions): Promise<number | undefined> {
  const [answer] = await once(get(options), 'response') as [IncomingMessage]
  answer.resume()
  await once(answer, 'end')
  return answer.statusCode
}

t.test('a thousand calls of each front', async t => {
  const { program, http, ui, tftp, socketPath, client } = await site(t)
  const pid = program.child.pid ?? 0
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const paths = ['/assets/', '/assets/folder/', '/assets/folder/image', `/ipxe?mac=${mac}`, `/ignition?mac=${mac}`, `/boot.ipxe?mac=${mac}`, '/readyz', '/metrics']
  const open = (): string[] => readdirSync(`/proc/${pid}/fd`)
  const memory = (): number => 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  const fronts: ReadonlyArray<readonly [name: string, call: (n: number) => Promise<unknown>, answer: unknown]> = [
    ['HTTP', n => read({ port: http, path: paths[n % paths.length], agent }), 200],
    ['HTTP, a connection each', n => read({ port: http, path: paths[n % paths.length], agent: false }), 200],
    ['the page', n => read({ port: ui, path: ['/ui/', '/ui/store', '/ui/network', `/ui/machines/${mac}`][n % 4], agent: false }), 200],
    ['the control socket', n => read({ socketPath, path: ['/v1/machines', '/v1/leases'][n % 2], agent: false }), 200],
    ['/v1/events', async () => {
      const request = get({ port: http, path: '/v1/events', agent: false }).on('error', () => {})
      const [answer] = await once(request, 'response') as [IncomingMessage]
      answer.on('error', () => {}).destroy()
      return answer.statusCode
    }, 200],
    ['gRPC', async n => {
      const id = `x${n % 20}`
      const call = [
        ['GroupPut', { group: { id, profile: 'p', selector: { id } } }], ['GroupGet', { id: 'g' }], ['GroupList', {}], ['GenericPut', { name: id, config: Buffer.from(String(n)) }]
      ][n % 4] as [string, object]
      return 'response' in await client.call(...call)
    }, true],
    ['TFTP', async n => {
      const file = n % 4 === 3 ? 'none' : 'loader'
      return await readFile(kernelUdp, { server: { address: '127.0.0.1', port: tftp }, file, clock: systemClock, address: '127.0.0.1' }).then(({ content }) => content.length, () => 2000)
    }, 2000]
  ]
  const run = async (count: number): Promise<void> => {
    for (const [name, call, wanted] of fronts) {
      let [next, wrong] = [0, 0]
      await Promise.all(Array.from({ length: atOnce }, async () => { while (next < count) if (await call(next++) !== wanted) wrong++ }))
      t.equal(wrong, 0, `${count} of ${name}`)
    }
  }
  await run(warm)
  const settled = async (most: number): Promise<void> => { await until(`no more than ${most} descriptors`, () => open().length <= most) }
  // Connections that are closed at this end go at the other a moment later: the fewest of half a second are those that stay.
  let [idle, looks] = [Infinity, 0]
  await until('half a second', () => {
    idle = Math.min(idle, open().length)
    return ++looks > 25
  })
  const before = memory()
  await run(calls)
  await settled(idle)
  const grown = memory() - before
  t.comment(`${idle} descriptors before, ${open().length} after ${calls * fronts.length} calls; ${Math.round(grown / 2 ** 20)} MiB more`)
  t.ok(grown < growth, `${grown} octets`)
  agent.destroy()
  client.close()
  t.match(await program.end('SIGTERM'), { status: 0 })
})
