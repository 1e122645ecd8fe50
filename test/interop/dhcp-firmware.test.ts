// QEMU's firmware against the service in ProxyDHCP mode, beside a real dnsmasq that gives the addresses: UEFI that boots from the
// offer, UEFI that asks port 4011, and the iPXE of a network card. Each has to ask for its file; nothing is sent.
import t from 'tap'
import { fileURLToPath } from 'node:url'
import type { ProgramOptions } from '../helpers/dhcp-program.js'
import { NetworkNamespace } from '../helpers/netns.js'
import { canStartMachines, startMachine } from '../helpers/rom-machine.js'
import { needs } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

const program = fileURLToPath(new URL('../helpers/dhcp-program.ts', import.meta.url))

const machines = { direct: '52:54:00:00:01:01', binl: '52:54:00:00:01:02', ipxe: '52:54:00:00:01:03' } as const

t.test('three machines boot through ProxyDHCP beside a dnsmasq', async t => {
  if (!needs(t, 'dnsmasq') || !canStartMachines(t, { uefi: true })) return
  const folder = t.testdir()
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const other = space.client('br0')
  other.ip('address', 'add', '172.30.0.5/24', 'dev', 'eth0')
  const dnsmasq = other.spawn('dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--interface=eth0', '--no-ping',
    '--dhcp-range=172.30.0.200,172.30.0.220,1h', '--leasefile-ro', '--log-facility=-', '--user=root')
  await dnsmasq.line(/DHCP, IP range/)
  const options: ProgramOptions = { interface: 'br0', leases: '', mode: 'proxy', binl: [machines.binl] }
  const server = space.spawn(process.execPath, typescript, program, JSON.stringify(options))
  await server.line(/^ready$/)
  t.ok(startMachine(space, 'br0', { firmware: 'uefi', mac: machines.direct, folder }))
  t.ok(startMachine(space, 'br0', { firmware: 'uefi', mac: machines.binl, folder }))
  const ipxe = startMachine(space, 'br0', { firmware: 'bios', mac: machines.ipxe, folder })

  const minutes = 600_000
  await server.line(new RegExp(`"kind":"sent","type":"OFFER","client":{"mac":"${machines.direct}".*snponly`), minutes)
  await server.line(new RegExp(`"kind":"sent","type":"ACK","client":{"mac":"${machines.binl}".*snponly`), minutes)
  await server.line(/"kind":"tftp","file":"snponly\.efi","from":"172\.30\.0\.\d+"/, minutes)
  const asked = (): number => new Set(server.output().match(/"kind":"tftp","file":"snponly\.efi","from":"[^"]+"/g)).size
  while (asked() < 2) await server.next(minutes)
  t.equal(asked(), 2, 'both styles lead to the loader')
  await ipxe.line(/http:\/\/172\.30\.0\.1:8080\/boot\.ipxe/, minutes)
  t.notMatch(server.output(), new RegExp(`"type":"ACK","client":{"mac":"${machines.direct}"`), 'the first did not ask port 4011')
  t.match(dnsmasq.output(), /DHCPACK.*52:54:00:00:01:01/, 'the addresses are from dnsmasq')
})
