import pino from 'pino'
import t from 'tap'
import { LoaderWatch } from '../../src/machines/loader-watch.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { parseMac } from '../../src/net/mac.js'
import { FakeClock } from '../helpers/fake-clock.js'

const mac = parseMac('52:54:00:00:00:01')!

t.test('a machine whose loader leads nowhere gets the other one, until a person chooses', t => {
  const registry = new MachineRegistry([], { note: () => {} })
  const chosen = new Set<string>()
  const watch = new LoaderWatch({
    registry, clock: new FakeClock(), log: pino({ level: 'silent' }), loaderChosen: mac => chosen.has(mac), record: observation => { registry.record(observation) }
  })
  const boot = (times: number): void => { for (let i = 0; i < times; i++) watch.sent(mac, '10.0.0.1', 'snponly.efi') }
  boot(2)
  for (let i = 0; i < 5; i++) watch.sent(mac, '10.0.0.1', 'efi/autoexec.ipxe')
  t.not(registry.get(mac)?.otherLoader, true, 'what a loader fetches for itself is none')
  boot(1)
  t.equal(registry.get(mac)?.otherLoader, true)
  watch.forgetChosen()
  t.equal(registry.get(mac)?.otherLoader, true, 'nobody chose')
  chosen.add(mac)
  watch.forgetChosen()
  t.not(registry.get(mac)?.otherLoader, true)
  boot(3)
  t.not(registry.get(mac)?.otherLoader, true, 'what was chosen stays')
  t.end()
})

t.test('its first loader again when the other leads nowhere too; what shim looks for is no boot', t => {
  const registry = new MachineRegistry([], { note: () => {} })
  const files: Array<string | undefined> = []
  const watch = new LoaderWatch({
    registry,
    clock: new FakeClock(),
    log: pino({ level: 'silent' }),
    loaderChosen: () => false,
    record: observation => {
      files.push(observation.otherLoader === undefined ? observation.detail : `${observation.detail}: ${observation.otherLoader}`)
      registry.record(observation)
    }
  })
  const boot = (...loaders: readonly string[]): void => { for (const loader of loaders) watch.sent(mac, '10.0.0.1', loader) }
  boot('shimx64.efi', 'grubx64.efi', 'mmx64.efi', 'shimx64.efi', 'revocations.efi')
  t.same(files.splice(0), ['shimx64.efi', 'grubx64.efi', 'mmx64.efi', 'shimx64.efi', 'revocations.efi'])
  boot('shimx64.efi')
  t.same(files.splice(0), ['shimx64.efi: true'])
  boot('snponly.efi', 'snponly.efi', 'snponly.efi')
  t.same(files.splice(0), ['snponly.efi', 'snponly.efi', 'snponly.efi: false'])
  t.equal(registry.get(mac)?.otherLoader, false)
  t.end()
})
