// Looks while nobody comes, against the kernel's own ARP in a network namespace: what is asked on the wire, and whom it spares the wait.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { fileURLToPath } from 'node:url'
import { idleEvery } from '../../src/dhcp/idle-looks.js'
import { lookCounts } from '../../src/dhcp/looks-ahead.js'
import { bundledProgram } from '../helpers/built.js'
import type { ProgramOptions } from '../helpers/dhcp-program.js'
import { namespaceProblem, NetworkNamespace, type Running } from '../helpers/netns.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able, needs } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

const program = fileURLToPath(new URL('../helpers/dhcp-program.ts', import.meta.url))
const address = (n: number): string => `172.30.0.${100 + n}`
const pattern = (kind: string, ip: string): RegExp => new RegExp(`"kind":"${kind}","ip":"${ip.replaceAll('.', '\\.')}"`)

interface Printed { readonly kind: string, readonly type?: string, readonly ip?: string }

/** The events in the order in which they were printed. */
const printed = ({ output }: Running): readonly Printed[] => output().split('\n').filter(line => line.startsWith('{"kind"')).map(line => JSON.parse(line) as Printed)

/** A server whose time is wound by hand, with a bridge that has a port. */
async function stage (t: Test): Promise<{ space: NetworkNamespace, client: NetworkNamespace, start: () => Promise<Running> }> {
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const client = space.client('br0', '52:54:00:00:00:01')
  const start = async (): Promise<Running> => {
    const given: ProgramOptions = {
      interface: 'br0', leases: join(t.testdir(), 'leases.jsonl'), range: `${address(0)}-${address(99)}`, unknownClients: 'allow', byHand: true
    }
    const server = space.spawn(process.execPath, typescript, program, JSON.stringify(given))
    await server.line(/^ready$/)
    return server
  }
  return { space, client, start }
}

t.test('the first machine is offered an address that was looked at, without a look; one that somebody uses is set aside before', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'udhcpc')) return
  const { space, client, start } = await stage(t)
  const host = space.client('br0', '02:00:00:00:00:09')
  host.ip('address', 'add', `${address(2)}/24`, 'dev', 'eth0')
  const server = await start()
  for (let n = 0; n < 4; n++) {
    server.child.stdin?.write(`${idleEvery}\n`)
    await server.line(pattern('heard', address(n)))
  }
  await server.line(/"change":"conflict".*172\.30\.0\.102/)
  const before = printed(server).length
  const taking = client.spawn('udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-s', '/bin/true', '-t', '5', '-T', '1')
  t.equal(await taking.ended, 0, taking.output())
  t.match(taking.output(), /lease of 172\.30\.0\.100 obtained/)
  await server.line(/"type":"ACK"/)
  const since = printed(server).slice(before)
  const offer = since.findIndex(({ type }) => type === 'OFFER')
  t.ok(offer > 0)
  t.same(since.slice(0, offer).filter(({ kind }) => kind === 'heard'), [], 'nothing had been heard since it came')
  t.notOk(since.some(({ kind, ip }) => kind === 'asked' && (ip === address(0) || ip === address(1))), 'nor was it asked again what is known')
  t.ok(since.some(({ kind, ip }) => kind === 'asked' && ip === address(50)), 'and what the next machines get was asked after')
})

t.test('a host that came since its address was found free: the machine that is offered it is sent on to another one', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'udhcpc')) return
  const { space, client, start } = await stage(t)
  const server = await start()
  for (let n = 0; n < 2; n++) {
    server.child.stdin?.write(`${idleEvery}\n`)
    await server.line(pattern('heard', address(n)))
  }
  // The kernel asks for three seconds, once a second, and not anew for another look meanwhile.
  while (!space.exec('ip', 'neigh', 'show', address(0)).includes('FAILED')) await new Promise(resolve => { setImmediate(resolve) })
  const host = space.client('br0', '02:00:00:00:00:09')
  host.ip('address', 'add', `${address(0)}/24`, 'dev', 'eth0')
  server.child.stdin?.write(`${lookCounts}\n`)
  // Its own look (-a) finds the host where the server was not told of it before the REQUEST.
  const taking = client.spawn('udhcpc', '-i', 'eth0', '-a', '-n', '-q', '-f', '-s', '/bin/true', '-t', '5', '-T', '1', '-A', '1')
  t.equal(await taking.ended, 0, taking.output())
  t.match(taking.output(), /select for 172\.30\.0\.100[^]*lease of 172\.30\.0\.101 obtained/)
  await server.line(/"change":"(conflict|declined)".*172\.30\.0\.100/)
})

t.test('on the wire: one address every half a second, no other, and each as often as the kernel asks', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'tcpdump')) return
  const { client, start } = await stage(t)
  const wire = client.spawn('tcpdump', '-l', '-n', '-i', 'eth0', 'arp')
  await wire.line(/listening on/)
  const server = await start()
  const looks = 20
  for (let n = 0; n < looks; n++) {
    server.child.stdin?.write(`${idleEvery - 1}\n1\n`)
    await server.line(pattern('heard', address(n)))
    t.same(printed(server).filter(({ kind }) => kind === 'asked').map(({ ip }) => ip), Array.from({ length: n + 1 }, (_, m) => address(m)), 'one more')
    await wire.line(new RegExp(`who-has ${address(n).replaceAll('.', '\\.')} tell 172\\.30\\.0\\.1`))
  }
  const asked = [...wire.output().matchAll(/who-has (172\.30\.0\.1\d\d) tell 172\.30\.0\.1,/g)].map(([, ip]) => ip)
  t.same([...new Set(asked)], Array.from({ length: looks }, (_, n) => address(n)))
  t.ok(asked.length <= 3 * looks, `${asked.length} for ${looks} looks`)
})

t.test('a link that goes and comes: what was heard before does not count, in the program as it ships', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'tcpdump')) return
  const { space } = await stage(t)
  const folder = t.testdir({ data: {} })
  const config = join(folder, 'config.json')
  writeFileSync(config, JSON.stringify({
    data_path: join(folder, 'data'),
    assets_path: '',
    state_path: join(folder, 'state'),
    control_socket: join(shortFolder(t), 'c'),
    rpc: { address: '' },
    dhcp: {
      mode: 'server', interface: 'br0', unknown_clients: 'allow', allow_other_servers: true, subnets: [{ subnet: '172.30.0.0/24', range: `${address(0)}-${address(99)}` }]
    }
  }))
  const wire = space.spawn('tcpdump', '-l', '-n', '-i', 'br0', 'arp')
  await wire.line(/listening on/)
  const appliance = space.spawn(process.execPath, bundledProgram(), 'serve', '--config', config)
  // When the third is asked for, the kernel is done with the first.
  for (let n = 0; n < 3; n++) await wire.line(new RegExp(`who-has ${address(n).replaceAll('.', '\\.')} `))
  space.ip('link', 'set', 'port0', 'down')
  await appliance.line(/"msg":"dhcp\.link_down"/)
  const before = wire.output().length
  space.ip('link', 'set', 'port0', 'up')
  await appliance.line(/"msg":"dhcp\.link_up"/)
  // If it counted, the tenth would be asked for before the first again. The fourth tells nothing: it may have been begun before it was seen
  // that the link is down, and the kernel repeats its question.
  const asked = (): string | undefined => /who-has (172\.30\.0\.10[09]) /.exec(wire.output().slice(before))?.[1]
  while (asked() === undefined) await wire.next()
  t.equal(asked(), address(0))
})
