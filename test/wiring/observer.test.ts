import t from 'tap'
import { Fence } from '../../src/base/fence.js'
import { createLog } from '../../src/base/log.js'
import { Metrics } from '../../src/base/metrics.js'
import type { RequestEvent } from '../../src/http/machine-log.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { createObserver } from '../../src/wiring/observer.js'
import { mac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'

const victim = mac('52:54:00:00:00:41')

t.test('what is asked for in a machine\'s name from elsewhere changes nothing for it', t => {
  const { stream } = logLines()
  const log = createLog({ level: 'info', pretty: false, destination: stream })
  const registry = new MachineRegistry([], { note: () => {} })
  const observer = createObserver({
    registry,
    metrics: new Metrics(),
    clock: new FakeClock(),
    macOf: address => address === '10.0.0.41' ? victim : undefined,
    addressClaims: { isAddressOf: (machine, address) => machine === victim && address === '10.0.0.41' },
    log,
    loaderChosen: () => false,
    bootsAs: () => undefined,
    fence: new Fence({ log })
  })
  const ask = (ip: string, kind: RequestEvent['kind'], path: string, named: boolean): void => {
    const answer = { group: undefined, profile: undefined, status: 200, bytes: 1, ms: 1, finished: true, problem: undefined, fromDisk: false, bootedAs: undefined }
    observer.onHttp({ kind, path, mac: named ? victim : undefined, ip, labels: new Map(), ...answer })
  }
  const attack = (): void => {
    ask('10.0.0.66', 'script', '/ipxe', true)
    for (let i = 0; i < 4; i++) ask('10.0.0.66', 'loader', '/boot/snponly.efi', false)
    for (let i = 0; i < 4; i++) ask('10.0.0.66', 'loader', '/boot/snponly.efi', true)
  }
  attack()
  t.equal(registry.get(victim)?.otherLoader, undefined)

  ask('10.0.0.41', 'script', '/ipxe', true)
  t.match(registry.get(victim), { stage: 'script', address: '10.0.0.41' })
  const before = registry.get(victim)
  attack()
  t.equal(registry.get(victim), before, 'of a machine whose address is known nothing is even written down')
  for (let i = 0; i < 4; i++) ask('10.0.0.41', 'loader', '/boot/snponly.efi', false)
  t.equal(registry.get(victim)?.otherLoader, true, 'the machine itself is helped out of its loop')
  t.end()
})
