// The kernel does not send what it is given: a firewall of this machine refuses it, or a neighbour that is not there holds it up.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { builtProgram } from '../helpers/built.js'
import { NetworkNamespace, namespaceProblem, type Running } from '../helpers/netns.js'
import { layOutBootSite } from '../helpers/boot-site.js'
import { ip, mac, request } from '../helpers/dhcp.js'
import { PipeClient } from '../helpers/pipe-client.js'
import { able, needs } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'
import { until } from '../helpers/until.js'

const program = builtProgram()
const helper = (name: string): string => fileURLToPath(new URL(`../helpers/${name}.ts`, import.meta.url))
const macs = Array.from({ length: 10 }, (_, n) => `52:54:00:00:00:${n + 40}`)

interface Site {
  readonly space: NetworkNamespace
  readonly machine: NetworkNamespace
  readonly running: Running
  readonly ask: (path: string) => string
}

async function layOut (t: Test): Promise<Site> {
  const { folder, config, space } = layOutBootSite(t, { kernel: 'image', macs })
  // What a profile boots and nobody has is a warning.
  writeFileSync(join(folder, 'assets/image'), '')
  const machine = space.client('br0', macs[0])
  const running = space.spawn(process.execPath, program, 'serve', '--config', config)
  await running.line(/"msg":"appliance\.ready"/)
  return {
    space,
    machine,
    running,
    ask: path => space.exec('curl', '-s', ...path.startsWith('/v1/') ? ['--unix-socket', `${folder}/c`] : [], `http://172.30.0.1:8080${path}`)
  }
}

t.test('a firewall of this machine that drops answers: said in the log and in /readyz, counted, and over when it is', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'nft', 'curl')) return
  const { space, machine, running, ask } = await layOut(t)
  space.exec('nft', 'add table inet out; add chain inet out out { type filter hook output priority 0; policy accept; }; add rule inet out out udp sport 67 drop')
  const booting = machine.spawn(process.execPath, typescript, helper('boot-machine'), 'eth0', macs[0]!)
  t.match(await running.line(/"msg":"dhcp\.refused"/), /"interface":"br0","error":"send EPERM","hint":"a firewall of this machine may drop/)
  t.match(await running.line(/"msg":"dhcp\.drop"/), /"reason":"unsent","detail":"send EPERM to 255\.255\.255\.255"/)
  t.match(ask('/readyz'), /^ok\nwarning: dhcp: br0: the kernel took no answer when one was sent last \(send EPERM\)/)
  t.match(ask('/v1/machines'), /"trouble":{"reason":"asks for an address, and the kernel here does not send the answer: send EPERM/)
  t.match(ask('/metrics'), /^dhcp_dropped_total\{reason="unsent"\} [1-9]/m)
  t.notMatch(ask('/metrics'), /^dhcp_sent_total\{type="OFFER"\} [1-9]/m)
  t.notMatch(running.output(), '"msg":"dhcp.offer"', 'what was not sent is called no offer')
  space.exec('nft', 'delete table inet out')
  t.equal(await booting.ended, 0, booting.output())
  t.match(await running.line(/"msg":"dhcp\.taken"/), /"interface":"br0"/)
  t.equal(ask('/readyz'), 'ok\n')
})

t.test('one that drops what TFTP sends: told once, and the loader comes when it does not', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'nft', 'curl')) return
  const { space, machine, running } = await layOut(t)
  space.exec('nft', 'add table inet out; add chain inet out out { type filter hook output priority 0; policy accept; }; add rule inet out out udp sport > 1023 drop')
  const booting = machine.spawn(process.execPath, typescript, helper('boot-machine'), 'eth0', macs[0]!)
  t.match(await running.line(/"msg":"tftp\.unsent"/), /"level":"warn",.*"ip":"172\.30\.0\.41","file":"snponly\.efi","error":"send EPERM"/)
  space.exec('nft', 'delete table inet out')
  t.equal(await booting.ended, 0, booting.output())
  t.equal(running.output().match(/"msg":"tftp\.unsent"/g)?.length, 1)
})

t.test('relay agents that are not there hold up nobody else', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'curl')) return
  const { machine, ask } = await layOut(t)
  machine.ip('address', 'add', '172.30.250.1/16', 'dev', 'eth0')
  const flood = machine.spawn(process.execPath, typescript, helper('relay-flood'), 'eth0', '172.30.0.1', ...macs)
  t.equal(await flood.ended, 0, flood.output())
  t.equal(flood.output(), 'answered 10 of 10\n')
  t.match(ask('/metrics'), /^dhcp_dropped_total\{reason="unsent"\} [1-9]/m)
})

t.test('nor a relay agent that is there and of which the kernel does not know where', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'curl')) return
  const { space, machine, ask } = await layOut(t)
  machine.ip('address', 'add', '172.30.250.1/16', 'dev', 'eth0')
  const relay = space.client('br0')
  relay.ip('address', 'add', '172.30.251.1/16', 'dev', 'eth0')
  const agent = await PipeClient.start(relay, 'eth0', 67)
  // None of them is known: it goes on for 2,000 messages for each.
  const nobodies = Array.from({ length: 10 }, (_, n) => `52:54:00:00:01:${n + 10}`)
  const flood = machine.spawn(process.execPath, typescript, helper('relay-flood'), 'eth0', '172.30.0.1', macs[0]!, ...nobodies)
  await until('the kernel holds what it may', () => /^dhcp_dropped_total\{reason="unsent"\} [1-9]/m.test(ask('/metrics')))
  for (const from of macs.slice(0, 5)) {
    try { space.ip('neighbour', 'delete', '172.30.251.1', 'dev', 'br0') } catch { /* it knows of none */ }
    const asked = agent.ask(request({ dhcpMessageType: 'DISCOVER' }, { mac: mac(from), giaddr: ip('172.30.251.1') }))
    t.match(await Promise.race([asked, flood.ended]), { giaddr: ip('172.30.251.1') }, from)
  }
})

t.test('nor do machines that ask for files by TFTP and are not there', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'sysctl')) return
  const { space, machine } = await layOut(t)
  machine.ip('address', 'add', '172.30.250.1/16', 'dev', 'eth0')
  const stranger = space.client('br0')
  stranger.exec('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=8')
  const nobodies = Array.from({ length: 100 }, (_, n) => `172.30.60.${n + 1}`)
  for (const nobody of nobodies) stranger.ip('address', 'add', `${nobody}/16`, 'dev', 'eth0')
  const flood = stranger.spawn(process.execPath, typescript, helper('tftp-asker'), '172.30.0.1', '8000', ...nobodies)
  await flood.line(/^sent 2000$/)
  const asker = machine.spawn(process.execPath, typescript, helper('tftp-asker'), '172.30.0.1', '20', '172.30.250.1')
  t.equal(await Promise.race([asker.ended, flood.line(/^sent 8000$/)]), 0, 'all answers came before 6,000 more were asked for')
  t.equal(asker.output(), 'refused 20\n')
})
