// What an installation meets in the field, a row each: a firewall, another DHCP server, a second address, Matchbox's unit, two at once,
// kills at the wrong moment, files that the service may not read. In a container with systemd, firewalld, keepalived and dnsmasq as
// Debian has them, and clients on the same bridge.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { canInstall, installSite, machineAddress as own } from '../helpers/install-site.js'

const flags = '--mode server --interface host0 --subnet 192.168.100.0/24 --range 192.168.100.100-192.168.100.150 --unknown-clients allow --yes'

/** With fewer seconds to wait for a version that will never be ready. */
const impatient = (script: string): string => script.replace(/^patience=30$/m, 'patience=2')

t.setTimeout(1_800_000)
if (canInstall(t, 'curl', 'udhcpc', 'dnsmasq')) await run()

async function run (): Promise<void> {
  const { folder, network, machine, root, place } = await installSite(t, ['firewalld', 'keepalived'])
  const client = network.client('br0', '52:54:00:c0:7e:01')
  client.ip('address', 'add', '192.168.100.9/24', 'dev', 'eth0')

  /** What an install.sh says, and how it ended. */
  const install = async (version: string, ...args: readonly string[]): Promise<{ code: number | null, out: string }> => {
    const { code, stdout, stderr } = await machine.run(`/root/${version}/install.sh ${args.join(' ')}`)
    return { code, out: stdout.toString() + stderr }
  }
  const runs = async (): Promise<string> => await machine.sh('readlink /proc/$(systemctl show --property=MainPID --value core-provisioner)/exe')
  const served = async (t: Test, what: string): Promise<void> => {
    const line = await client.spawn('udhcpc', '-f', '-n', '-q', '-i', 'eth0', '-s', '/bin/true').line(/lease of \S+ obtained/)
    t.match(line, /lease of 192\.168\.100\.1\d\d obtained/, what)
  }
  /** The status, 000 when nobody answers. */
  const http = async (port: number): Promise<string> => {
    const asked = client.spawn('curl', '--silent', '--max-time', '5', '--output', '/dev/null', '--write-out', '%{http_code}', `http://${own}:${port}/healthz`)
    await asked.ended
    return asked.output()
  }

  place('0.1.0')
  await t.test('firewalld runs, and has the interface in a zone that is not its default', async () => {
    await machine.sh('firewall-cmd --state && firewall-cmd --quiet --permanent --zone=internal --add-interface=host0 && firewall-cmd --quiet --reload')
  })

  await t.test('another DHCP server, behind the firewall of this machine: nothing is changed', async t => {
    const other = network.client('br0')
    other.ip('address', 'add', '192.168.100.66/24', 'dev', 'eth0')
    const dnsmasq = other.spawn('dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--interface=eth0', '--user=root', '--dhcp-authoritative',
      '--dhcp-range=192.168.100.200,192.168.100.210', `--dhcp-leasefile=${join(folder, 'leases')}`)
    await dnsmasq.line(/DHCP, IP range/)
    const { code, out } = await install('0.1.0', flags)
    t.equal(code, 1)
    t.match(out, /another DHCP server answers on host0 \(192\.168\.100\.66\)[^]*nothing was changed/)
    t.notOk(existsSync(join(root, 'opt/core-provisioner')))
    t.equal(await machine.sh('firewall-cmd --zone=internal --list-ports'), '', 'the firewall is as it was')
    dnsmasq.child.kill('SIGKILL')
    await dnsmasq.ended
  })

  await t.test('settings of Matchbox, as systemd has them', async t => {
    writeFileSync(join(root, 'etc/matchbox.1.env'), "MATCHBOX_LOG_LEVEL=warning\nMATCHBOX_WEB_SSL=0\nRING=it's -data-path=/not\n")
    mkdirSync(join(root, 'etc/systemd/system/matchbox.service.d'))
    writeFileSync(join(root, 'etc/systemd/system/matchbox.service'),
      '[Service]\nEnvironment=MATCHBOX_ADDRESS=1.2.3.4:1\nEnvironmentFile=-/etc/matchbox.*.env\nEnvironmentFile=-/etc/missing\nExecStart=/bin/true -address=1.1.1.1:1\n')
    writeFileSync(join(root, 'etc/systemd/system/matchbox.service.d/10-own.conf'),
      // eslint-disable-next-line no-template-curly-in-string -- systemd's own variable
      '[Service]\nEnvironment=\nEnvironment="MATCHBOX_PASSPHRASE=two words" ADDRESS=0.0.0.0:8080\nExecStart=\nExecStart=-@/bin/true matchbox -address=${ADDRESS} \\\n  # how\n  "-assets-path=/srv/as  sets"\n')
    await machine.sh('systemctl daemon-reload')
    // As cron has it: without the folders where useradd is.
    const { code, stdout, stderr } = await machine.run(`PATH=/usr/bin:/bin /root/0.1.0/install.sh ${flags}`)
    const out = stdout.toString() + stderr
    t.equal(code, 0, out)
    t.match(out, /0\.1\.0 is ready/)
    const environment = await machine.sh('cat /etc/core-provisioner/environment')
    t.match(environment, /^MATCHBOX_PASSPHRASE="two words"$/m)
    t.equal(environment, 'MATCHBOX_PASSPHRASE="two words"\nMATCHBOX_LOG_LEVEL=warning\nMATCHBOX_ADDRESS=0.0.0.0:8080\nMATCHBOX_ASSETS_PATH="/srv/as  sets"')
    // The rest is about the defaults.
    await machine.sh("sed -i '/ADDRESS\\|ASSETS/d' /etc/core-provisioner/environment && systemctl restart core-provisioner")
    await machine.sh('rm -r /etc/systemd/system/matchbox.service* && systemctl daemon-reload')
  })

  await t.test('real firewalld lets machines in, in the zone of the interface, by the ports of the configuration', async t => {
    const services = (await machine.sh('firewall-cmd --zone=internal --list-services')).split(' ')
    for (const name of ['core-provisioner', 'core-provisioner-rpc']) t.ok(services.includes(name), name)
    await served(t, 'DHCP')
    t.ok(client.exec('curl', '--silent', '--fail', '--max-time', '10', `tftp://${own}/snponly.efi`, '--output', '-').startsWith('MZ'), 'TFTP')
    t.equal(await http(8080), '200', 'HTTP')
    t.notOk((await machine.sh('firewall-cmd --list-services')).includes('core-provisioner'), 'no other zone')
    const config = join(root, 'etc/core-provisioner/config.yaml')
    const before = readFileSync(config, 'utf8')
    writeFileSync(config, `${before}http: { address: '0.0.0.0:9090' }\n`)
    t.match(await install('0.1.0'), { code: 0, out: /0\.1\.0 is ready/ })
    t.equal(await http(9090), '200', 'another port is opened')
    writeFileSync(config, before)
    t.match(await install('0.1.0'), { code: 0, out: /0\.1\.0 is ready/ })
    t.equal(await http(9090), '000', 'and closed')
    await machine.sh('firewall-cmd --quiet --zone=internal --remove-service=core-provisioner')
    const shut = await machine.run('core-provisioner doctor --network')
    t.equal(shut.code, 1)
    t.match(shut.stdout.toString(), /PROBLEM {2}dhcp-client: nothing answers a DISCOVER on host0 from here/, 'a firewall that lets nothing in is seen')
    await machine.sh('firewall-cmd --quiet --reload')
  })

  await t.test('a second address with a label, which keepalived sets', async t => {
    writeFileSync(join(root, 'etc/keepalived/keepalived.conf'), `vrrp_instance boot {
  state MASTER
  interface host0
  virtual_router_id 51
  priority 100
  advert_int 1
  virtual_ipaddress {
    192.168.100.250/24 dev host0 label host0:boot
  }
}
`)
    await machine.sh('systemctl restart keepalived')
    const journal = await machine.follow('keepalived', 50)
    await journal.line(/Entering MASTER STATE/)
    // The address is set a moment after it was said.
    await machine.sh('for n in $(seq 300); do ip address show host0 | grep -q host0:boot && exit 0; sleep 0.1; done; exit 1')
    t.match(await install('0.1.0'), { code: 0, out: /nothing to do/ })
    t.match(await machine.sh('systemctl restart core-provisioner && core-provisioner doctor --wait 60 && core-provisioner check'), /host0:67\/udp +as 192\.168\.100\.2,/)
    await served(t, 'with two addresses')
    await machine.sh('systemctl disable --quiet --now keepalived')
  })

  await t.test('two at once: one installs, the other says who', async t => {
    place('0.2.0')
    const both = await Promise.all([install('0.2.0'), install('0.2.0')])
    t.same(both.map(({ code }) => code).sort(), [0, 1])
    t.match(both.find(({ code }) => code === 0)?.out, /0\.2\.0 is ready/)
    t.match(both.find(({ code }) => code === 1)?.out, /another install\.sh runs \(pid \d+\)/)
    t.match(await runs(), /\/0\.2\.0-/)
  })

  await t.test('a DHCP server of this machine that shares the port keeps it from being ready', async t => {
    await machine.sh('systemd-run --quiet --unit=shares dnsmasq --no-daemon --conf-file=/dev/null --port=0 --bind-interfaces --interface=host0 --user=root ' +
      '--dhcp-range=192.168.100.200,192.168.100.210 --dhcp-leasefile=/run/shared-leases')
    await machine.sh("for n in $(seq 300); do ss -Hlnup 'sport = :67' | grep -q dnsmasq && exit 0; sleep 0.1; done; exit 1")
    const { code, stderr } = await machine.run('core-provisioner doctor --wait 1')
    t.equal(code, 1)
    t.match(stderr, /dhcp: 67\/udp is shared with dnsmasq \(pid \d+\)/)
    await machine.sh('systemctl stop shares')
    t.equal((await machine.run('core-provisioner doctor --wait 30')).code, 0)
  })

  await t.test('killed at any moment of the switch: the next one does not take it for done', async t => {
    const moments = [
      ['before anything is stopped', /^ {2}systemctl stop \$\{sockets_changed/m],
      ['with sockets closed, and systemd has not read the units', /^ {2}systemctl daemon-reload\n {2}enable_units$/m],
      ['with the service stopped', /^ {2}systemctl --no-block start \$service$/m],
      ['with the configuration written, and no more', /^ {2}check_files$/m]
    ] as const
    place('0.3.0', change => {
      change('install.sh', script => moments.reduce((text, [what, line], index) => {
        t.match(text, line, what)
        return text.replace(line, found => `  [ "$(cat /root/kill 2>/dev/null)" != ${index} ] || { rm /root/kill; kill -9 $$; }\n${found}`)
      }, script))
    })
    const config = join(root, 'etc/core-provisioner/config.yaml')
    const before = readFileSync(config, 'utf8')
    for (const [index, [what]] of moments.entries()) {
      const port = index % 2 === 0 ? 9090 : 8080
      // The last of them changes nothing that systemd would have to be told.
      const flags = index === moments.length - 1 ? ['--change-config', '--range', '192.168.100.100-192.168.100.140'] : []
      if (flags.length === 0) writeFileSync(config, `${before}http: { address: '0.0.0.0:${port}' }\n`)
      await machine.sh(`echo ${index} >/root/kill`)
      t.equal((await install('0.3.0', ...flags)).code, 137, what)
      const pid = await machine.sh('systemctl show --property=MainPID core-provisioner')
      if (index === 0) t.match(await runs(), /\/0\.2\.0-/, 'the old one runs on')
      t.match(await install('0.3.0'), { code: 0, out: /0\.3\.0 is ready/ }, what)
      t.match(await runs(), /\/0\.3\.0-/, what)
      t.not(await machine.sh('systemctl show --property=MainPID core-provisioner'), pid, what)
      t.equal(await http(flags.length === 0 ? port : 9090), '200', what)
    }
    await served(t, 'after that')
    writeFileSync(config, before)
  })

  await t.test('killed in the middle of a roll-back, at each of its steps', async t => {
    const broken = (main: string): string => `if (process.argv[2] === 'serve') throw new Error('this version is broken')\n${main}`
    const steps = [
      ['before anything', /^ {2}step_link \$current "\$previous"$/m, (line: string) => `  kill -9 $$\n${line}`],
      ['after current was pointed back', /^ {2}rm -rf "\$work\/files"$/m, (line: string) => `  kill -9 $$\n${line}`],
      ['with the old units, unread', /^ {2}if put_in_force; then die/m, (line: string) => `  kill -9 $$\n${line}`]
    ] as const
    for (const [index, [what, pattern, by]] of steps.entries()) {
      const version = `0.4.${index}`
      place(version, change => {
        change('app/main.js', broken)
        change('install.sh', script => impatient(script).replace(pattern, by))
      })
      t.equal((await install(version)).code, 137, what)
      // What an administrator has at hand: the version that worked.
      t.match(await install('0.3.0'), { code: 0, out: /0\.3\.0 (?:is ready|runs)/ }, what)
      t.match(await runs(), /\/0\.3\.0-/, what)
      await served(t, what)
    }
  })

  await t.test('files that the service may not read or does not see keep an upgrade away', async t => {
    place('0.5.0')
    await machine.sh('chmod 000 /var/lib/matchbox/groups')
    const refused = await install('0.5.0')
    t.equal(refused.code, 1)
    t.match(refused.out, /\/var\/lib\/matchbox\/groups[^]*0\.3\.0-\w+ runs on: 0\.5\.0 could not read or write/)
    t.match(await runs(), /\/0\.3\.0-/)
    t.match(await machine.sh('readlink /opt/core-provisioner/current'), /\/0\.3\.0-/)
    await machine.sh('chmod 755 /var/lib/matchbox/groups')
    await machine.sh('mkdir -p /home/store && chown matchbox:matchbox /home/store')
    const hidden = await machine.run("cp /etc/core-provisioner/config.yaml /root/ && echo 'data_path: /home/store' >>/etc/core-provisioner/config.yaml && core-provisioner doctor --files; code=$?; cp /root/config.yaml /etc/core-provisioner/; exit $code")
    t.equal(hidden.code, 1)
    t.match(hidden.stdout.toString(), /PROBLEM {2}store: \/home\/store is hidden from the service/)
    // Of what is off here: nothing else would tell.
    const newer = '/var/lib/core-provisioner/webhooks.jsonl'
    await machine.sh(`echo '{"format":"webhook","version":2}' >${newer}`)
    t.match(await install('0.5.0'), { code: 1, out: /webhooks\.jsonl was written by a newer core-provisioner[^]*0\.3\.0-\w+ runs on: 0\.5\.0 could not read/ })
    await machine.sh('systemctl stop "core-provisioner-*.socket" && systemctl stop core-provisioner')
    t.match(await install('0.5.0'), { code: 1, out: /webhooks\.jsonl was written by a newer core-provisioner[^]*0\.3\.0-\w+ stays in force: 0\.5\.0 could not read/ })
    t.match(await machine.sh('readlink /opt/core-provisioner/current'), /\/0\.3\.0-/)
    await machine.sh(`rm ${newer}`)
    t.match(await install('0.5.0'), { code: 0, out: /0\.5\.0 is ready/ })
  })

  await t.test('a store elsewhere is read-only until install.sh has named it to systemd', async t => {
    await machine.sh("cp /etc/core-provisioner/config.yaml /root/ && cp -a /var/lib/matchbox /srv/store && echo 'data_path: /srv/store' >>/etc/core-provisioner/config.yaml")
    await machine.sh('systemctl restart core-provisioner && for n in $(seq 300); do [ -S /run/core-provisioner/control.sock ] && exit 0; sleep 0.1; done; exit 1')
    const before = await machine.run('core-provisioner doctor --files')
    t.equal(before.code, 1)
    t.match(before.stdout.toString(), /PROBLEM {2}store: \/srv\/store is read-only for the service: run install\.sh again/)
    // By another version too, whose units name it.
    place('0.6.0')
    t.match(await install('0.6.0'), { code: 0, out: /0\.6\.0 is ready/ })
    t.equal((await machine.run('core-provisioner doctor --files')).code, 0)
    await machine.sh('cp /root/config.yaml /etc/core-provisioner/')
    t.match(await install('0.6.0'), { code: 0, out: /0\.6\.0 is ready/ })
  })

  await t.test('what is off although there are certificates is an error in the log', async t => {
    await machine.sh('chown root /etc/matchbox/server.key && chmod 600 /etc/matchbox/server.key && systemctl restart core-provisioner')
    t.match(await machine.sh('for n in $(seq 300); do journalctl --quiet --unit=core-provisioner --priority=err --output=cat | grep grpc.off && exit 0; sleep 0.1; done; exit 1'), /grpc\.off.*server\.key/)
    t.match((await machine.run('core-provisioner doctor')).stdout.toString(), /PROBLEM {2}certificates: gRPC stays off: \S+config\.yaml:1:1: rpc\.key_file: cannot read the server key/)
    await machine.sh('chown root:matchbox /etc/matchbox/server.key && chmod 640 /etc/matchbox/server.key && systemctl restart core-provisioner && core-provisioner doctor --wait 60')
  })

  await t.test('a service that does not start: doctor says why, and whose the ports are', async t => {
    await machine.sh('cp /etc/core-provisioner/config.yaml /root/ && echo "advertise: [1]" >>/etc/core-provisioner/config.yaml')
    await machine.run('systemctl restart core-provisioner')
    const { code, stdout, stderr } = await machine.run('core-provisioner doctor --set advertise=192.168.100.2 --wait 1')
    t.equal(code, 1)
    t.match(stdout.toString() + stderr, /service: core-provisioner\.service does not start.*advertise/)
    await machine.sh('cp /root/config.yaml /etc/core-provisioner/ && systemctl restart core-provisioner')
    t.equal((await machine.run('core-provisioner doctor --wait 60')).code, 0)
  })

  await t.test('purged, with a link and mount points: what is mounted stays, and nothing of ours', async t => {
    await machine.sh('systemctl stop "core-provisioner-*.socket" && systemctl stop core-provisioner && mkdir /srv/room && mv /var/lib/core-provisioner /srv/room/state && ln -s /srv/room/state /var/lib/core-provisioner')
    await machine.sh('mount -t tmpfs tmpfs /var/lib/matchbox/assets && echo image >/var/lib/matchbox/assets/image && systemctl start core-provisioner && core-provisioner doctor --wait 60')
    const { code, stdout, stderr } = await machine.run('/opt/core-provisioner/current/install.sh --uninstall --purge --yes')
    const out = stdout.toString() + stderr
    t.equal(code, 0, out)
    t.match(out, /kept: \/var\/lib\/matchbox, which is a mount point or holds one/)
    t.equal(await machine.sh('cat /var/lib/matchbox/assets/image'), 'image')
    t.equal(await machine.sh('ls -A /srv/room /var/lib/matchbox'), '/srv/room:\n\n/var/lib/matchbox:\nassets')
    t.equal(await machine.sh('ls -d /opt/core-provisioner /etc/core-provisioner /etc/matchbox /var/lib/core-provisioner /usr/local/bin/core-provisioner 2>/dev/null || true'), '')
    t.notMatch(await machine.sh('ls -R /etc/systemd/system /etc/firewalld; nft list ruleset; systemctl list-units --all --plain --no-legend | grep -v "^var-lib-matchbox-assets"; cat /etc/passwd /etc/group'), /core.provisioner|matchbox/)
    t.equal(await machine.sh('systemctl --failed --plain --no-legend'), '')
    t.notMatch(await machine.sh('ss -Hlntu'), /:(?:67|68|69|8080|8081) /)
  })
}
