// What `systemctl show` prints here is what that of systemd 252 printed for units of these lines; the settings are those that a program in
// Matchbox's place was started with by it.
/* eslint-disable no-template-curly-in-string -- systemd's variables are written so too */
import t from 'tap'
import { settingsOfUnit, type UnitFileReader } from '../../src/inventory/matchbox-unit.js'

const filesOf = (files: Readonly<Record<string, string>>): UnitFileReader => ({
  read: file => files[file],
  glob: pattern => Object.keys(files).filter(file => pattern === '/etc/matchbox.d/*.env' && /^\/etc\/matchbox\.d\/[^./][^/]*\.env$/.test(file)).sort()
})
const nothing = filesOf({})
const command = (path: string, argv: string, extended = ''): string =>
  `ExecStart${extended === '' ? '' : 'Ex'}={ path=${path} ; argv[]=${argv} ; ${extended === '' ? 'ignore_errors=no' : extended} ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }`
/** Without the part of a variable's name that all of them have. */
const told = (show: string, files = nothing): Readonly<Record<string, string>> =>
  Object.fromEntries([...settingsOfUnit(show, files).environment].map(([name, value]) => [name.replace('MATCHBOX_', ''), value]))
const notes = (show: string, files = nothing): readonly string[] => settingsOfUnit(show, files).notes

t.test('variables, files and arguments, each stronger than the one before', t => {
  const files = filesOf({ '/etc/matchbox/env': 'MATCHBOX_DATA_PATH=/srv/matchbox\nMATCHBOX_LOG_LEVEL=debug\nOTHER=1\n' })
  const show = [
    'LoadState=loaded',
    'Environment=MATCHBOX_ADDRESS=0.0.0.0:8080 "MATCHBOX_PASSPHRASE=a pass \\"phrase\\"" MATCHBOX_LOG_LEVEL=warning PATH=/bin',
    'EnvironmentFiles=/etc/matchbox/env (ignore_errors=no)',
    'EnvironmentFiles=/etc/matchbox/missing (ignore_errors=no)',
    'EnvironmentFiles=/etc/matchbox/optional (ignore_errors=yes)',
    command('/usr/local/bin/matchbox', '/usr/local/bin/matchbox -address=0.0.0.0:9090 --rpc-address 0.0.0.0:8081 -web-ssl -web-cert-file=/etc/ssl/web.crt -version=false'),
    ''
  ].join('\n')
  t.same(told(show, files), {
    PASSPHRASE: 'a pass "phrase"',
    LOG_LEVEL: 'debug',
    DATA_PATH: '/srv/matchbox',
    RPC_ADDRESS: '0.0.0.0:8081'
  }, 'but for the address, which is that of HTTP over TLS')
  t.match(notes(show, files), [
    /^EnvironmentFile=\/etc\/matchbox\/missing cannot be read/,
    /^MATCHBOX_WEB_SSL: HTTP over TLS is http\.https in config\.yaml: \{ address: "0\.0\.0\.0:9090", cert_file: "\/etc\/ssl\/web\.crt", key_file: "\/etc\/matchbox\/ssl\/server\.key" \}/
  ])
  t.equal(notes(show, files).length, 2)
  t.end()
})

t.test('a unit that is not there says nothing, and what is unknown is named, but not its value', t => {
  t.same(told('LoadState=not-found\nEnvironment=\nExecStart=\n'), {})
  const show = "Environment=MATCHBOX_NEW_TOKEN=s3cret 'MATCHBOX_PASSPHRASE=single quoted'\nPassEnvironment=MATCHBOX_X HOME\n"
  t.same(told(show), { PASSPHRASE: 'single quoted' })
  t.same(notes(show), [
    'PassEnvironment=MATCHBOX_X: systemctl show-environment tells what that is; write it to the environment file',
    'MATCHBOX_NEW_TOKEN: core-provisioner knows no such setting'
  ])
  t.match(notes(command('/m', '/m -aws-s3-bucket-name=x')), [/^MATCHBOX_AWS_S3_BUCKET_NAME: a bucket holds its store/])
  t.end()
})

t.test('blanks in arguments are told by the line of the unit, wherever its drop-ins have it', t => {
  const files = filesOf({
    '/etc/systemd/system/matchbox.service': '[Service]\nExecStart=/usr/bin/matchbox -address=1.1.1.1:1\n[Install]\nExecStart=/no\n',
    '/etc/systemd/system/matchbox.service.d/20 b.conf':
      '[Service]\nExecStart=\nExecStart=-@/usr/bin/matchbox matchbox -rpc-address 0.0.0.0:8081 \\\n  # a comment\n  -data-path "/srv/match  box" \\\n  -assets-path=%h/as%%sets -log-level=Info \'-key-ring-path=/etc/my\\x20ring\' ""\n'
  })
  const show = [
    'FragmentPath=/etc/systemd/system/matchbox.service',
    'DropInPaths="/etc/systemd/system/matchbox.service.d/20 b.conf"',
    command('/usr/bin/matchbox', 'matchbox -rpc-address 0.0.0.0:8081 -data-path /srv/match  box -assets-path=/home/a user/as%sets -log-level=Info -key-ring-path=/etc/my ring ')
  ].join('\n')
  t.same(told(show, files), {
    RPC_ADDRESS: '0.0.0.0:8081', DATA_PATH: '/srv/match  box', ASSETS_PATH: '/home/a user/as%sets', LOG_LEVEL: 'Info', KEY_RING_PATH: '/etc/my ring'
  })
  t.same(told(command('/m', '/m -address=0.0.0.0:8080  -log-level debug')), { ADDRESS: '0.0.0.0:8080', LOG_LEVEL: 'debug' }, 'without the unit as well as can be')
  t.end()
})

t.test('variables in arguments', t => {
  const environment = 'Environment=ADDR=0.0.0.0:9090 "OPTS=-log-level=debug -rpc-address \'0.0.0.0:8081\'" EMPTY=\n'
  const argv = '/m -address=${ADDR} $OPTS $EMPTY $UNSET -data-path=/srv/${UNSET}x$$y'
  t.same(told(environment + command('/m', argv)), { ADDRESS: '0.0.0.0:9090', LOG_LEVEL: 'debug', RPC_ADDRESS: '0.0.0.0:8081', DATA_PATH: '/srv/x$y' })
  t.same(told(environment + command('/m', '/m -data-path=/srv/${ADDR}') + '\n' + command('/m', '/m -data-path=/srv/${ADDR}', 'flags=no-env-expand')), { DATA_PATH: '/srv/${ADDR}' })
  t.end()
})

t.test('what systemd prints of a value, and what its older versions do not', t => {
  t.same(told('Environment="MATCHBOX_PASSPHRASE=a\\"b\\\\c\\$d\\`e\\tf\'g  h ü \\303\\251"\n'), { PASSPHRASE: 'a"b\\c$d`e\tf\'g  h ü é' })
  const files = filesOf({ '/u': '[Service]\nEnvironment=MATCHBOX_LOG_LEVEL=debug "MATCHBOX_PASSPHRASE=100%% of it"\n' })
  t.same(told('FragmentPath=/u\nEnvironment=MATCHBOX_LOG_LEVEL=debug [unprintable]\n', files), { LOG_LEVEL: 'debug', PASSPHRASE: '100% of it' })
  t.end()
})

t.test('what is empty, unset, a pattern or relative', t => {
  t.same(told('Environment=MATCHBOX_LOG_LEVEL= MATCHBOX_ADDRESS= MATCHBOX_ASSETS_PATH=\n'), {})
  const off = command('/m', '/m -assets-path= -rpc-address=')
  t.same(told(off), { RPC_ADDRESS: '' })
  t.match(notes(off), [/^-assets-path= turns \/assets\/ off: write assets_path: "" to config\.yaml/])
  const unset = 'Environment=MATCHBOX_LOG_LEVEL=debug MATCHBOX_ADDRESS=1.1.1.1:1 MATCHBOX_RPC_ADDRESS=2.2.2.2:2\nUnsetEnvironment=MATCHBOX_LOG_LEVEL MATCHBOX_ADDRESS=9.9.9.9:9 MATCHBOX_RPC_ADDRESS=2.2.2.2:2\n'
  t.same(told(unset), { ADDRESS: '1.1.1.1:1' })
  const files = filesOf({ '/etc/matchbox.d/10.env': 'MATCHBOX_LOG_LEVEL=warning\n', '/etc/matchbox.d/20.env': 'MATCHBOX_LOG_LEVEL=panic\n', '/etc/matchbox.d/.30.env': 'MATCHBOX_LOG_LEVEL=trace\n' })
  t.same(told('EnvironmentFiles=/etc/matchbox.d/*.env (ignore_errors=no)\n', files), { LOG_LEVEL: 'panic' })
  t.match(notes('EnvironmentFiles=/etc/none/*.env (ignore_errors=no)\n', files), [/^EnvironmentFile=\/etc\/none/])
  t.same(told(`WorkingDirectory=!/srv\nRootDirectory=/chroot\n${command('/m', '/m -data-path=data -assets-path /assets')}`), { DATA_PATH: '/chroot/srv/data', ASSETS_PATH: '/chroot/assets' })
  t.same(told('Environment=MATCHBOX_CA_FILE=/gone MATCHBOX_CERT_FILE=/there\n', filesOf({ '/there': '' })), { CERT_FILE: '/there' }, 'files of an API that was off')
  t.end()
})

t.test('env, a shell, and what is no flag', t => {
  t.same(told(command('/usr/bin/env', '/usr/bin/env MATCHBOX_ADDRESS=0.0.0.0:8080 /m -log-level fatal serve -data-path=/x')), { ADDRESS: '0.0.0.0:8080', LOG_LEVEL: 'fatal' })
  const shell = command('/bin/sh', '/bin/sh -c exec /m -address=0.0.0.0:8080')
  t.same(told(shell), {})
  t.match(notes(shell), [/^ExecStart= runs sh: what its script tells Matchbox is not taken over/])
  t.end()
})

t.test('a container, as its own documentation starts it', t => {
  const docker = [
    'Environment=IMAGE=quay.io/poseidon/matchbox VERSION=v0.10.0 MATCHBOX_LOG_LEVEL=debug MATCHBOX_ASSETS_PATH=/not/handed/on',
    command('/usr/bin/docker', '/usr/bin/docker run --net=host --rm -v /srv/matchbox:/var/lib/matchbox:Z -v /etc/matchbox:/etc/matchbox:Z,ro -e MATCHBOX_PASSPHRASE=secret -e MATCHBOX_LOG_LEVEL ${IMAGE}:${VERSION} -address=0.0.0.0:8080 -rpc-address=0.0.0.0:8081')
  ].join('\n')
  t.same(told(docker), {
    PASSPHRASE: 'secret', LOG_LEVEL: 'debug', ADDRESS: '0.0.0.0:8080', RPC_ADDRESS: '0.0.0.0:8081', DATA_PATH: '/srv/matchbox', ASSETS_PATH: '/srv/matchbox/assets'
  }, 'its files as they are outside')
  t.same(notes(docker), [])
  const podman = command('/usr/bin/podman', '/usr/bin/podman run --name=systemd-matchbox --cidfile=/run/m.cid --replace --rm --cgroups=split -d -v data:/var/lib/matchbox --mount type=bind,source=/opt/certs,target=/etc/matchbox ' +
    '--publish 80:8080 -p 192.0.2.1:9081:8081/tcp --env MATCHBOX_ADDRESS=0.0.0.0:8080 --env-file /etc/mb.env quay.io/poseidon/matchbox:v0.10.0 -rpc-address=0.0.0.0:8081 -assets-path=/assets')
  t.same(told(podman, filesOf({ '/etc/mb.env': 'MATCHBOX_PASSPHRASE="quotes and all"\n#x\n' })), {
    ADDRESS: '0.0.0.0:80', RPC_ADDRESS: '192.0.2.1:9081', PASSPHRASE: '"quotes and all"', CA_FILE: '/opt/certs/ca.crt', CERT_FILE: '/opt/certs/server.crt', KEY_FILE: '/opt/certs/server.key'
  }, 'its ports as they are outside')
  t.match(notes(podman), [/^--env-file \/etc\/mb\.env cannot be read/, /^MATCHBOX_DATA_PATH: .* in the volume data of the container/, /^MATCHBOX_ASSETS_PATH: \/assets is inside of the container: copy it out/])
  const rkt = command('/usr/bin/rkt', '/usr/bin/rkt run --net=host --inherit-env --trust-keys-from-https --mount volume=data,target=/var/lib/matchbox --volume data,kind=host,source=/data quay.io/coreos/matchbox:v0.6.0 -- -log-level=debug')
  t.same(told(`Environment=MATCHBOX_ADDRESS=0.0.0.0:8080\n${rkt}`), { ADDRESS: '0.0.0.0:8080', LOG_LEVEL: 'debug', DATA_PATH: '/data', ASSETS_PATH: '/data/assets' })
  t.match(notes(command('/usr/bin/docker', '/usr/bin/docker start -a matchbox')), [/^ExecStart= is docker start: what the container is told is not taken over; docker inspect/])
  t.end()
})
