import t from 'tap'
import { settingsOfUnit } from '../../src/inventory/matchbox-unit.js'

t.test('variables, files and arguments, each stronger than the one before', t => {
  const files: Record<string, string> = { '/etc/matchbox/env': 'MATCHBOX_DATA_PATH=/srv/matchbox\nMATCHBOX_LOG_LEVEL=debug\nOTHER=1\n' }
  const { environment, notes } = settingsOfUnit([
    'LoadState=loaded',
    'Environment=MATCHBOX_ADDRESS=0.0.0.0:8080 "MATCHBOX_PASSPHRASE=a pass \\"phrase\\"" MATCHBOX_LOG_LEVEL=warning PATH=/bin',
    'EnvironmentFiles=/etc/matchbox/env (ignore_errors=no)',
    'EnvironmentFiles=/etc/matchbox/missing (ignore_errors=no)',
    'EnvironmentFiles=/etc/matchbox/optional (ignore_errors=yes)',
    'ExecStart={ path=/usr/local/bin/matchbox ; argv[]=/usr/local/bin/matchbox -address=0.0.0.0:9090 --rpc-address 0.0.0.0:8081 -web-ssl -web-cert-file=/etc/ssl/web.crt -version=false ; ignore_errors=no ; start_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }',
    ''
  ].join('\n'), file => files[file])
  t.same(Object.fromEntries(environment), {
    MATCHBOX_ADDRESS: '0.0.0.0:9090',
    MATCHBOX_PASSPHRASE: 'a pass "phrase"',
    MATCHBOX_LOG_LEVEL: 'debug',
    MATCHBOX_DATA_PATH: '/srv/matchbox',
    MATCHBOX_RPC_ADDRESS: '0.0.0.0:8081'
  })
  t.match(notes, [/^EnvironmentFile=\/etc\/matchbox\/missing cannot be read/, /^MATCHBOX_WEB_SSL=true: .*http\.https/, /^MATCHBOX_WEB_CERT_FILE=\/etc\/ssl\/web\.crt: http\.https\.cert_file/])
  t.equal(notes.length, 3)
  t.end()
})

t.test('a unit that is not there says nothing, and what is unknown is named', t => {
  t.same([...settingsOfUnit('LoadState=not-found\nEnvironment=\nExecStart=\n', () => undefined).environment], [])
  t.match(settingsOfUnit("Environment=MATCHBOX_NEW_THING=1 'MATCHBOX_PASSPHRASE=single quoted'", () => undefined), {
    environment: new Map([['MATCHBOX_PASSPHRASE', 'single quoted']]), notes: ['MATCHBOX_NEW_THING=1: core-provisioner knows no such setting']
  })
  t.end()
})
