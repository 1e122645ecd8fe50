import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readMachineLog, tailOf } from '../../scripts/lib/machine-log.js'

function logOf (t: Tap, text: string): string {
  const file = join(t.testdir(), 'serial.log')
  writeFileSync(file, text)
  return file
}
type Tap = Pick<typeof t, 'testdir'>

t.test('a machine that did everything', t => {
  const log = readMachineLog(logOf(t, [
    '\x1bc\x1b[?7l\x1b[2JSeaBIOS (version 1.16.2)\r', '[    1.45] Run /init as init process\r', 'machine: mac 52:54:00:c0:7e:01\r',
    '[    1.9] machine: address 172.30.0.21\r', 'machine: file /etc/a file with spaces 00ff\r', 'machine: file /etc/motd abcd\r', 'machine: applied\r', ''
  ].join('\n')))
  t.equal(log.applied, true)
  t.equal(log.failure, undefined)
  t.equal(log.address, '172.30.0.21')
  t.strictSame([...log.files], [['/etc/a file with spaces', '00ff'], ['/etc/motd', 'abcd']])
  t.end()
})

t.test('a machine that gave up says why', t => {
  const log = readMachineLog(logOf(t, 'machine: failed: no DHCP lease\r\n[ 3.0] reboot: Power down'))
  t.equal(log.applied, false)
  t.equal(log.failure, 'no DHCP lease')
  t.end()
})

t.test('a machine that never wrote anything', t => {
  const file = join(t.testdir(), 'missing.log')
  t.match(readMachineLog(file), { applied: false, failure: undefined, address: undefined })
  t.strictSame(tailOf(file, 5), [])
  t.end()
})

t.test('the tail leaves out escape sequences, countdowns and empty lines', t => {
  const file = logOf(t, 'one\r\n\r\n\x1b[0;1miPXE\x1b[0m -- ready\r\nPress Ctrl-B5\b4\b3\b\r\n   \r\nlast')
  t.strictSame(tailOf(file, 3), ['iPXE -- ready', 'Press Ctrl-B', 'last'])
  t.end()
})
