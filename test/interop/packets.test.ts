// A machine's last packets through the whole program: a real DHCP client and a real TFTP client in a namespace, and the file that the
// page gives read by tcpdump.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { namespaceProblem } from '../helpers/netns.js'
import { askForAddress, networkSite } from '../helpers/network-site.js'
import { able, needs } from '../helpers/tools.js'

const card = '52:54:00:00:01:07'

t.test('what was said on the wire, in words and for Wireshark', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'udhcpc', 'curl', 'tcpdump')) return
  const { folder, space, start } = networkSite(t, { data: { groups: {}, profiles: {} }, tftp: { 'hello.txt': `password ${'x'.repeat(1000)}` } }, folder => `tftp: { root: ${folder}/tftp }
ui: { address: "127.0.0.1:8082" }
dhcp:
  mode: server
  interface: br0
  subnets: [{ subnet: 172.30.0.0/24, options: { 224: plain, 191: hunter2 } }]
  reservations: [{ mac: "${card}", ip: 172.30.0.21, hostname: core-7 }]`)
  await start()
  const machine = space.client('br0', card)
  await askForAddress(machine)
  machine.ip('address', 'add', '172.30.0.21/24', 'dev', 'eth0')
  t.match(machine.exec('curl', '-s', 'tftp://172.30.0.1/hello.txt'), 'password')
  const missing = machine.spawn('curl', '-s', 'tftp://172.30.0.1/nothing%3Fguard%3Dabc123')
  t.not(await missing.ended, 0)

  const look = (path: string): string => space.exec('curl', '-s', `http://127.0.0.1:8082/ui/machines/${card}${path}`)
  const page = look('')
  for (const words of [
    'looks for a DHCP server', 'is offered 172.30.0.21', 'has 172.30.0.21', 'asks for the file hello.txt', 'has block 1', 'is sent block 1, ',
    'asks for the file nothing?guard=xxxxxx', 'is told error 1: file not found', '172.30.0.1:67</td><td>255.255.255.255:68'
  ]) t.match(page, words)
  t.notMatch(page, /hunter2|abc123/)
  const saved = look('?save')
  const [, inside = ''] = /href="data:application\/vnd\.tcpdump\.pcap;base64,([^"]+)"/.exec(saved) ?? []
  const file = join(folder, 'machine.pcap')
  writeFileSync(file, Buffer.from(inside, 'base64'))
  const read = space.exec('tcpdump', '-Z', 'root', '-n', '-v', '-r', file)
  t.match(read, /DHCP-Message \(53\), length 1: Discover/)
  t.match(read, /Your-IP 172\.30\.0\.21/)
  t.match(read, /RRQ "hello\.txt" octet/)
  t.notMatch(read, 'bad cksum')
  const octets = Buffer.from(inside, 'base64').toString('latin1')
  t.match(octets, 'plain', 'an option of the configuration')
  t.notMatch(octets, /hunter2|abc123|password/, 'no secret option, token or content of a file')
  const directly = space.exec('curl', '-s', '-D', '-', '-o', join(folder, 'page.pcap'), `http://127.0.0.1:8082/ui/machines/${card}/packets.pcap`)
  t.match(directly, 'content-type: application/vnd.tcpdump.pcap')
  t.equal(space.exec('tcpdump', '-Z', 'root', '-n', '-r', join(folder, 'page.pcap')).split('\n').length, space.exec('tcpdump', '-Z', 'root', '-n', '-r', file).split('\n').length)
  t.match(look('/packets.pcap/no'), 'there is no such page')
})
