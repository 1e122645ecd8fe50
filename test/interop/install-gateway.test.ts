// install.sh --gateway beside real firewalld, whose zones have the interfaces by their names or by no more than the default: a machine behind
// it reaches a server outside, nobody comes in, and firewalld knows nothing of it afterwards. In a container with systemd.
import t from 'tap'
import { canInstall, installSite, machineAddress as own } from '../helpers/install-site.js'

const flags = '--mode server --interface host0 --subnet 192.168.100.0/24 --range 192.168.100.100-192.168.100.150 --unknown-clients allow --yes'

t.setTimeout(1_800_000)
if (canInstall(t, 'curl')) await run()

async function run (): Promise<void> {
  const { network, machine, place } = await installSite(t, ['firewalld'])
  const client = network.client('br0', '52:54:00:c0:7e:01')
  client.ip('address', 'add', '192.168.100.9/24', 'dev', 'eth0')
  const install = async (version: string, ...args: readonly string[]): Promise<{ code: number | null, out: string }> => {
    const { code, stdout, stderr } = await machine.run(`/root/${version}/install.sh ${args.join(' ')}`)
    return { code, out: stdout.toString() + stderr }
  }

  place('0.1.0')
  await t.test('a gateway beside firewalld: by its zones, one to the other, and within one; gone again with its flag', async t => {
    await machine.sh('firewall-cmd --state && firewall-cmd --quiet --permanent --zone=internal --add-interface=host0 && firewall-cmd --quiet --reload')
    network.bridge('br1')
    network.connectProcess(machine.leader, 'br1', 'out0')
    await machine.sh('ip link set out0 up && ip address add 10.9.0.2/24 dev out0')
    const outside = network.client('br1')
    outside.ip('address', 'add', '10.9.0.9/24', 'dev', 'eth0')
    await outside.spawn(process.execPath, '-e', "require('node:http').createServer((request, response) => response.end(request.socket.remoteAddress)).listen(8000, '0.0.0.0', () => console.log('listening'))").line(/listening/)
    client.ip('route', 'add', 'default', 'via', own)
    const reached = async (from: typeof client, address: string): Promise<string> => {
      const asked = from.spawn('curl', '--silent', '--max-time', '5', `http://${address}:8000/`)
      await asked.ended
      return asked.output()
    }
    t.equal(await reached(client, '10.9.0.9'), '', 'before')
    const { code, out } = await install('0.1.0', `${flags} --gateway out0`)
    t.equal(code, 0, out)
    t.match(out, /name out0 to firewalld as one of zone public\n[^]*forward what machines send, through out0\n/)
    t.equal(await reached(client, '10.9.0.9'), '10.9.0.2', 'from the zone internal to an interface that was in the default one by nobody\'s word')
    t.equal(await machine.sh('firewall-cmd --permanent --zone=public --list-interfaces'), 'out0')
    t.match(await machine.sh('firewall-cmd --info-policy=core-provisioner'), /ingress-zones: internal[^]*egress-zones: public/)
    outside.ip('route', 'add', '192.168.100.0/24', 'via', '10.9.0.2')
    await client.spawn(process.execPath, '-e', "require('node:http').createServer((request, response) => response.end('in')).listen(8000, '0.0.0.0', () => console.log('listening'))").line(/listening/)
    t.equal(await reached(outside, '192.168.100.9'), '', 'nobody comes in')
    t.match(await install('0.1.0'), { code: 0, out: /nothing to do/ }, 'it is kept without being named')
    await machine.sh('systemctl restart core-provisioner-gateway')
    t.equal(await reached(client, '10.9.0.9'), '10.9.0.2', 'after a restart of its unit')
    t.match(await install('0.1.0', '--gateway host0'), { code: 1, out: /machines boot from host0/ })
    t.match(await install('0.1.0', '--no-gateway'), { code: 0, out: /take the gateway away/ })
    t.equal(await reached(client, '10.9.0.9'), '', 'gone')
    t.equal(await machine.sh('cat /proc/sys/net/ipv4/conf/host0/forwarding'), '0')
    t.notMatch(await machine.sh('nft list tables; ls /etc/systemd/system'), /core.provisioner.gateway/)
    t.notMatch(await machine.sh('firewall-cmd --get-policies'), /core-provisioner/)
    t.equal(await machine.sh('firewall-cmd --permanent --zone=public --list-interfaces; firewall-cmd --zone=public --list-interfaces'), '', 'nor is out0 named any more')
    // Both in one zone, and that by nobody's word; away with everything (below).
    await machine.sh('firewall-cmd --quiet --permanent --zone=internal --remove-interface=host0 && firewall-cmd --quiet --zone=internal --remove-interface=host0')
    t.equal((await install('0.1.0', '--gateway out0')).code, 0)
    t.equal(await reached(client, '10.9.0.9'), '10.9.0.2', 'within one zone')
    await machine.sh('systemctl restart firewalld && systemctl restart core-provisioner-gateway')
    t.equal(await reached(client, '10.9.0.9'), '10.9.0.2', 'after firewalld was started anew')
    t.equal(await machine.sh('firewall-cmd --permanent --zone=public --list-interfaces'), 'host0 out0')
    t.equal((await machine.run('/opt/core-provisioner/current/install.sh --uninstall')).code, 0)
    t.equal(await machine.sh('firewall-cmd --permanent --zone=public --list-interfaces; firewall-cmd --zone=public --list-interfaces; firewall-cmd --get-policies | grep core || true'), '')
    t.equal(await reached(client, '10.9.0.9'), '', 'gone with everything')
  })
}
