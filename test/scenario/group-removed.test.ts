// A group that is removed while its machine installs: the machine is told why, nothing of another machine changes, and the group
// put back goes on where it was.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import t from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { Fence } from '../../src/base/fence.js'
import { Metrics } from '../../src/base/metrics.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { openFileStore } from '../../src/store/file-store.js'
import { bootsAs, pastOf } from '../../src/wiring/machines.js'
import { createObserver } from '../../src/wiring/observer.js'
import { mac } from '../helpers/dhcp.js'

const [one, other] = [mac('52:54:00:00:00:01'), mac('52:54:00:00:00:02')]
const log = pino({ level: 'silent' })

t.test('a group removed while its machine installs', async t => {
  const dataPath = t.testdir({ data: { groups: {}, profiles: { 'p.json': '{"id":"p","boot":{"kernel":"/k"},"ignition_id":"p.ign"}' }, ignition: { 'p.ign': '{"ignition":{"version":"3.3.0"}}' } } }) + '/data'
  const put = (id: string, machine: string): void => {
    writeFileSync(join(dataPath, 'groups', `${id}.json`), JSON.stringify({ id, profile: 'p', selector: { mac: machine }, metadata: { install_once: 'true' } }))
  }
  mkdirSync(join(dataPath, 'groups'), { recursive: true })
  put('one', one)
  put('other', other)
  const store = await openFileStore({ dataPath, tombstoneMs: 0, clock: systemClock, log, watch: false })
  t.teardown(() => store.close())
  const registry = new MachineRegistry([], { note: () => {}, kindOf: ({ group }) => store.snapshot.groups.has(group ?? '') ? 'known' : 'stranger' })
  const provisioner = createProvisioner({ store, past: pastOf(registry) })
  const observer = createObserver({
    registry,
    metrics: new Metrics(),
    clock: systemClock,
    macOf: () => undefined,
    addressClaims: { isAddressOf: () => true, reservedName: () => undefined },
    log,
    loaderChosen: () => false,
    news: { enrolled: () => {}, conflict: () => {} },
    bootsAs: bootsAs(provisioner),
    bootFileOf: () => undefined,
    fence: new Fence({ log })
  })
  /** Asks as HTTP does, and has the observer told of it. */
  const ask = (machine: typeof one, document: 'ipxe' | 'ignition'): string => {
    const labels = new Map<string, string>([['mac', machine]])
    const { body, error, group, profile, startsFromDisk, bootedAs } = provisioner.render(document, { labels, rawQuery: '', client: '10.0.0.1' })
    observer.onHttp({
      kind: document === 'ipxe' ? 'script' : 'ignition',
      path: `/${document}`,
      mac: machine,
      ip: machine === one ? '10.0.0.1' : '10.0.0.2',
      labels,
      group: group?.id,
      profile: profile?.id,
      status: body === undefined ? 404 : 200,
      bytes: 1,
      ms: 1,
      finished: true,
      problem: error?.message,
      code: error?.code,
      fromDisk: startsFromDisk,
      bootedAs
    })
    return body?.toString() ?? ''
  }
  t.match(ask(one, 'ipxe'), /kernel \/k/)
  t.match(ask(other, 'ipxe'), /kernel \/k/)
  const otherBefore = registry.get(other)
  rmSync(join(dataPath, 'groups/one.json'))
  await store.rescan()
  t.equal(ask(one, 'ignition'), '', 'its config is gone')
  t.match(registry.get(one)?.timeline.at(-1)?.failed, /no group matches the labels/)
  t.match(registry.troubleOf(registry.get(one)!, Date.now())?.reason, /no group matches/)
  observer.onInstalled(one, '10.0.0.1')
  t.type(registry.get(one)?.installedAt, 'number', 'what it had loaded already it may have installed')
  t.equal(ask(one, 'ipxe'), '', 'and nothing stands for it any more')
  t.equal(registry.get(other), otherBefore, 'nothing of another machine changed')
  t.match(ask(other, 'ignition'), /3\.3\.0/)
  put('one', one)
  await store.rescan()
  t.match(ask(one, 'ipxe'), /local disk/, 'put back, it is as installed as it was')
})
