/* eslint-disable no-template-curly-in-string -- iPXE's settings */
import t from 'tap'
import { grubArgument } from '../../scripts/lib/grub.js'

t.test("an iPXE profile's arguments in GRUB's words", async t => {
  t.equal(grubArgument('ignition.config.url=http://${next-server}:8080/ignition?uuid=${uuid}&mac=${mac:hexhyp}', 'http://172.30.0.1'),
    'ignition.config.url=http://172.30.0.1/ignition?mac=$net_default_mac')
  t.equal(grubArgument('machine.report=http://${next-server}:8080/v1/installed?mac=${mac:hexhyp}', 'http://172.30.0.1'),
    'machine.report=http://172.30.0.1/v1/installed?mac=$net_default_mac')
  t.equal(grubArgument('console=ttyS0', 'http://172.30.0.1'), 'console=ttyS0')
})
