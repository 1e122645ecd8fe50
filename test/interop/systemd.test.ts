// The bundle on a Debian that has no Node.js, as an operator installs it: a container booted by systemd-nspawn, on a bridge in
// a namespace without a way out, with DHCP and HTTP clients on the same bridge.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../helpers/project.js'
import { canInstall, installSite, machineAddress } from '../helpers/install-site.js'
import { typescript } from '../helpers/typescript.js'
import { until } from '../helpers/until.js'

const origin = `http://${machineAddress}:8080`
const options = '--mode server --interface host0 --subnet 192.168.100.0/24 --range 192.168.100.100-192.168.100.150 --unknown-clients allow --yes'

// The first time a Debian is made and a bundle packed.
t.setTimeout(900_000)
if (canInstall(t, 'curl', 'udhcpc')) await run()

async function run (): Promise<void> {
  const { network, machine, root, place } = await installSite(t)
  const client = network.client('br0')
  client.ip('address', 'add', '192.168.100.9/24', 'dev', 'eth0')
  const show = async (property: string): Promise<string> => await machine.sh(`systemctl show --property=${property} --value core-provisioner`)
  const fetchText = (path: string): string => client.exec('curl', '--silent', '--show-error', '--fail', '--max-time', '60', `${origin}${path}`)

  const readyStatus = (): string => client.exec('curl', '--silent', '--max-time', '60', '--output', '/dev/null', '--write-out', '%{http_code}', `${origin}/readyz`)

  place('0.1.0')

  await t.test('install.sh on a machine without Node.js', async t => {
    t.not((await machine.run('command -v node')).code, 0)
    t.match(await machine.sh(`/root/0.1.0/install.sh ${options}`), /0\.1\.0 is ready/)
    t.match(await machine.sh('/root/0.1.0/install.sh'), /nothing to do/)
    t.equal(readyStatus(), '200')
    t.match(await show('StatusText'), `DHCP server on host0, 0 leases; ${origin}, 0 groups`)
  })

  await t.test('sockets of systemd, a process that is not root and may nothing', async t => {
    const listening = await machine.sh('ss -Hlntu')
    for (const at of [/udp .*%host0:67 /, /udp .*%host0:68 /, /udp .* 0\.0\.0\.0:69 /, /tcp .* 0\.0\.0\.0:8080 /, /tcp .* 0\.0\.0\.0:8081 /]) t.match(listening, at)
    const status = await machine.sh(`cat /proc/${await show('MainPID')}/status`)
    const uid = await machine.sh('id -u matchbox')
    t.not(uid, '0')
    t.match(status, new RegExp(`^Uid:\\s${uid}\\s${uid}\\s${uid}\\s${uid}$`, 'm'))
    t.match(status, /^CapPrm:\s0+$/m)
    t.match(status, /^CapBnd:\s0+$/m)
    t.match(status, /^NoNewPrivs:\s1$/m)
    t.notMatch(await machine.sh('journalctl --unit=core-provisioner --priority=warning --output=cat --quiet'), /\S/)
  })

  /** The address that a client is given. */
  const lease = async (mac: string): Promise<string> => {
    const booting = network.client('br0', mac)
    const line = await booting.spawn('udhcpc', '-f', '-n', '-q', '-i', 'eth0', '-s', '/bin/true').line(/lease of \S+ obtained/)
    const address = /lease of (\S+) obtained/.exec(line)?.[1] ?? ''
    booting.ip('address', 'add', `${address}/24`, 'dev', 'eth0')
    return address
  }

  const mac = '52:54:00:c0:7e:01'
  let leased = ''
  await t.test('a machine gets its lease and loads as far as its script', async t => {
    writeFileSync(join(root, 'var/lib/matchbox/groups/one.json'), JSON.stringify({ id: 'one', profile: 'node', selector: { mac } }))
    writeFileSync(join(root, 'var/lib/matchbox/profiles/node.json'), JSON.stringify({ id: 'node', boot: { kernel: '/assets/vmlinuz' } }))
    leased = await lease(mac)
    t.match(leased, /^192\.168\.100\.1\d\d$/)
    const loader = client.exec('curl', '--silent', '--fail', '--max-time', '60', '--output', '-', `tftp://${machineAddress}/snponly.efi`)
    t.ok(loader.startsWith('MZ'))
    t.match(fetchText('/boot.ipxe'), /^#!ipxe\nchain ipxe\?/)
    t.match(fetchText(`/ipxe?mac=${mac.replaceAll(':', '-')}`), /^#!ipxe\nkernel \/assets\/vmlinuz/)
  })

  await t.test('a restart refuses none of 20 clients, and makes no machine ask in vain', async t => {
    const pollers = client.spawn(process.execPath, typescript, join(projectRoot, 'test/helpers/http-pollers.ts'), `${origin}/boot.ipxe`, '20')
    await pollers.line(/polling/)
    const journal = await machine.follow('core-provisioner')
    const restarting = machine.sh('systemctl restart core-provisioner')
    await journal.line(/^appliance\.stop/)
    const [address] = await Promise.all([lease('52:54:00:c0:7e:02'), restarting])
    t.match(address, /^192\.168\.100\./)
    t.equal(await lease(mac.replace('01', '03')).then(text => text.startsWith('192.168.100.')), true)
    pollers.child.stdin?.end()
    const { answers, failures } = JSON.parse(await pollers.line(/answers/)) as { answers: number, failures: string[] }
    t.ok(answers > 20, `${answers} answers`)
    t.same(failures, [])
  })

  await t.test('what systemd does for it', async t => {
    const journal = await machine.follow('core-provisioner')
    const before = await show('MainPID')
    await machine.sh('systemctl reload core-provisioner')
    t.equal(await show('MainPID'), before)
    // The service says by itself when it has reloaded; the command does not wait for that.
    await until('it is active again', async () => await show('ActiveState') === 'active')

    await machine.sh(`kill -KILL ${before}`)
    await journal.line(/Failed with result 'signal'/)
    await journal.line(/^appliance\.ready/)
    t.equal(readyStatus(), '200')

    await machine.sh('mkdir -p /run/systemd/system/core-provisioner.service.d')
    writeFileSync(join(root, 'root/impatient.conf'), '[Service]\nWatchdogSec=2\nRestartSec=1\nTimeoutStopSec=2\n')
    await machine.sh('cp /root/impatient.conf /run/systemd/system/core-provisioner.service.d/ && systemctl daemon-reload && systemctl restart core-provisioner')
    const hung = await show('MainPID')
    t.not(hung, before)
    const late = await machine.follow('core-provisioner')
    await machine.sh(`kill -STOP ${hung}`)
    await late.line(/Watchdog timeout/)
    await late.line(/^appliance\.ready/)
    t.not(await show('MainPID'), hung)
    // A machine that is busy with other tests may be too slow for that patience with what comes next.
    await machine.sh('rm -r /run/systemd/system/core-provisioner.service.d && systemctl daemon-reload && systemctl restart core-provisioner')

    // The interface that is not there yet, as at boot: it holds up only itself.
    await machine.sh('systemctl stop "core-provisioner-*.socket" && systemctl stop core-provisioner && ip link set host0 down && ip link set host0 name later0')
    const started = await machine.run('systemctl start core-provisioner || { journalctl --unit=core-provisioner --lines=50 --output=cat; exit 1; }')
    t.equal(started.code, 0, started.stdout.toString())
    const patient = await machine.follow('core-provisioner')
    await machine.sh('ip link set later0 name host0 && ip link set host0 up')
    // It was ready for all else before; the line that counts is the one of the interface.
    await patient.line(/^dhcp\.listen/)
    await until('ready with its interface', () => readyStatus() === '200')
  })

  await t.test('upgrades keep configuration and leases, and one that does not start is taken back', async t => {
    place('0.2.0')
    t.match(await machine.sh('/root/0.2.0/install.sh'), /0\.2\.0 is ready/)
    t.equal(await machine.sh('core-provisioner --version'), '0.2.0')
    t.match(await machine.sh('core-provisioner leases list'), leased)

    place('0.3.0', change => { change('app/main.js', main => `if (process.argv[2] === 'serve') throw new Error('this version is broken')\n${main}`) })
    const { code, stderr } = await machine.run('/root/0.3.0/install.sh')
    t.equal(code, 1)
    t.match(stderr, /this version is broken/)
    t.match(stderr, /0\.2\.0-[0-9a-f]{8} runs again/)
    t.equal(await machine.sh('core-provisioner --version'), '0.2.0')
    t.match(fetchText(`/ipxe?mac=${mac}`), /vmlinuz/)
    t.equal(await lease(mac), leased)
  })

  await t.test("a unit of Matchbox's own, with nothing changed but its program", async t => {
    await machine.sh('systemctl stop "core-provisioner-*.socket" && systemctl stop core-provisioner && mv /etc/core-provisioner/config.yaml /root/')
    writeFileSync(join(root, 'etc/systemd/system/matchbox.service'), [
      '[Service]', 'User=matchbox', 'Group=matchbox', 'Environment="MATCHBOX_ADDRESS=0.0.0.0:8080"', 'Environment="MATCHBOX_RPC_ADDRESS=0.0.0.0:8081"',
      'ExecStart=/opt/core-provisioner/current/bin/core-provisioner serve', 'ProtectHome=yes', 'ProtectSystem=full', ''
    ].join('\n'))
    await machine.sh('systemctl daemon-reload && systemctl start matchbox')
    const journal = await machine.follow('matchbox', 100)
    await journal.line(/appliance\.ready/)
    t.match(fetchText(`/ipxe?mac=${mac}`), /vmlinuz/)
    for (const said of [/tftp\.off/, /control\.off/, /grpc\.listen/]) t.match(journal.output(), said)
    await machine.sh('systemctl stop matchbox && mv /root/config.yaml /etc/core-provisioner/ && systemctl start core-provisioner')
    t.equal(readyStatus(), '200')
  })

  await t.test('uninstalling leaves the data', async t => {
    t.match(await machine.sh('/opt/core-provisioner/current/install.sh --uninstall --yes'), /kept: /)
    t.notMatch(await machine.sh('ss -Hlntu'), /:(?:67|68|69|8080|8081) /)
    t.same(readdirSync(join(root, 'var/lib/matchbox/groups')), ['one.json'])
    t.match(readFileSync(join(root, 'var/lib/core-provisioner/leases.jsonl'), 'utf8'), leased)
    t.match(readFileSync(join(root, 'etc/core-provisioner/config.yaml'), 'utf8'), /host0/)
    t.notMatch(await machine.sh('ls /etc/systemd/system /opt'), /core-provisioner/)
  })
}
