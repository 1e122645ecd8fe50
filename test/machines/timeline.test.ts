import t from 'tap'
import { parseMac, type Mac } from '../../src/net/mac.js'
import type { Machine, Observation, Stage } from '../../src/machines/machine.js'
import { fromDisk, hasReached, isOver, kernelBootsSince, observe, startOver } from '../../src/machines/timeline.js'

const mac = parseMac('52:54:00:00:00:01') as Mac
type Step = readonly [stage: Stage, more?: Partial<Observation>]

const play = (steps: readonly Step[], from?: Machine): Machine => {
  let machine = from
  let at = machine === undefined ? 1000 : machine.lastSeen
  for (const [stage, more = {}] of steps) machine = observe(machine, { mac, stage, at: at += 100, ...more })
  return machine as Machine
}

const pxe = { program: 'pxe' } as const
const ipxe = { program: 'ipxe' } as const
const system = { program: 'other' } as const

const uefiBoot: readonly Step[] = [
  ['discover', pxe], ['offer', pxe], ['ack', { ...pxe, address: '10.0.0.5' }], ['loader', { detail: 'snponly.efi' }],
  ['discover', ipxe], ['offer', ipxe], ['ack', ipxe], ['script', { group: 'core-1', profile: 'install' }],
  ['kernel'], ['initrd'], ['discover', system], ['offer', system], ['ack', system], ['ignition'], ['installed']
]

t.test('one boot from firmware to installed, through iPXE that asks for its address once more', t => {
  const machine = play(uefiBoot)
  t.match(machine, { boots: 1, stage: 'installed', address: '10.0.0.5', group: 'core-1', profile: 'install', firstSeen: 1100, lastSeen: 2500 })
  t.same(machine.timeline.map(entry => entry.stage),
    ['discover', 'offer', 'ack', 'loader', 'discover', 'offer', 'ack', 'script', 'kernel', 'initrd', 'ignition', 'installed'])
  t.equal(machine.installedAt, 2500)
  t.end()
})

t.test('the word for what failed goes with it', t => {
  const refused = play([['discover', pxe], ['discover', { ...pxe, failed: 'unknown: nobody named it', code: 'unknown' }]])
  t.match(refused.timeline, [{ stage: 'discover', failed: 'unknown: nobody named it', code: 'unknown' }])
  t.equal(play([['discover', pxe]], refused).timeline.at(-1)?.code, 'unknown', 'heard again')
  const [other] = play([['discover', { ...pxe, failed: 'for another reason' }]], refused).timeline
  t.equal(other?.failed, 'for another reason')
  t.notOk('code' in other!, 'which has no word')
  t.end()
})

t.test('iPXE asking again does not take the machine back a stage', t => {
  t.equal(play(uefiBoot.slice(0, 5)).stage, 'loader')
  t.end()
})

t.test('the installed system asking for its address means it runs', t => {
  t.equal(play([['ack', system]], play(uefiBoot)).stage, 'running')
  const rebooted = play([['discover', pxe], ['offer', pxe], ['ack', pxe], ['loader'], ['script', { detail: 'boot from disk' }]], play(uefiBoot))
  t.match(rebooted, { boots: 2, stage: 'script' })
  t.ok(hasReached(rebooted, 'installed'), 'a machine that boots its disk is still installed')
  t.equal(play([['ack', system]], rebooted).stage, 'running')
  t.end()
})

t.test('a machine that boots a kernel from the network again is no longer installed', t => {
  const again = play(uefiBoot.slice(0, 9), play(uefiBoot))
  t.match(again, { boots: 2, stage: 'kernel' })
  t.notOk(hasReached(again, 'installed'))
  t.equal(play([['ack', system]], again).stage, 'kernel', 'its initramfs asking for an address does not mean that it runs')
  t.end()
})

t.test('a ROM that starts over begins a new boot, one that only repeats itself does not', t => {
  const repeats: readonly Step[] = [['discover', pxe], ['discover', pxe], ['offer', pxe], ['discover', pxe]]
  t.match(play(repeats), { boots: 1, timeline: { length: 3 } })
  t.equal(play([...uefiBoot.slice(0, 4), ['discover', pxe]]).boots, 2, 'a ROM after its loader was switched off and on')
  t.equal(play([['discover', ipxe], ['offer', ipxe], ['ack', ipxe], ['script'], ['discover', ipxe]]).boots, 2, 'an iPXE ROM after its script')
  t.end()
})

t.test('a failure is told and reaches nothing', t => {
  const machine = play([...uefiBoot.slice(0, 10), ['ignition', { failed: 'core.ign is not JSON' }]])
  t.equal(machine.stage, 'initrd')
  t.match(machine.timeline.at(-1), { stage: 'ignition', failed: 'core.ign is not JSON' })
  t.notOk(hasReached(machine, 'ignition'))
  t.end()
})

t.test('a machine with an address of its own has no stage', t => {
  const machine = play([['discover', system], ['ack', { ...system, address: '10.0.0.9' }]])
  t.match(machine, { boots: 0, timeline: [], address: '10.0.0.9' })
  t.equal(machine.stage, undefined)
  t.equal(play([['script']], machine).boots, 1, 'a script fetched without our DHCP begins a boot')
  t.end()
})

t.test('a machine that loops does not grow without end', t => {
  const steps: Step[] = []
  for (let i = 0; i < 500; i++) steps.push(['script', { detail: String(i) }])
  t.equal(play(steps).timeline.length, 64)
  t.end()
})

t.test('what repeats is one line with its count', t => {
  t.match(play([['discover', pxe], ['discover', pxe], ['discover', pxe], ['offer', pxe]]).timeline, [{ stage: 'discover', at: 1100, times: 3 }, { stage: 'offer' }])
  t.end()
})

t.test('boots that are over are kept in short, with why they stopped', t => {
  const rom: readonly Step[] = [['discover', pxe], ['offer', pxe], ['ack', pxe], ['loader', { detail: 'snponly.efi' }]]
  const machine = play([...uefiBoot, ...rom, ...rom, ...rom, ['discover', pxe]])
  t.match(machine.history, [
    { stage: 'loader', ms: 300, reason: 'got the loader snponly.efi 3 times, never asked for the script' },
    { stage: 'loader', reason: 'got the loader snponly.efi, never asked for the script' },
    { stage: 'loader', reason: 'got the loader snponly.efi, never asked for the script' },
    { stage: 'installed', profile: 'install', at: 1100, ms: 1400 }
  ])
  t.equal(machine.history?.[3]?.reason, undefined)
  t.same(machine.history?.map(({ stages }) => stages), [{ discover: 0, offer: 100, ack: 200, loader: 300 }, undefined, undefined, undefined], 'the latest with its stages')
  t.equal(play(Array.from({ length: 20 }, () => rom).flat()).history?.length, 10)
  t.end()
})

t.test('what a machine was installed with is what its last script booted, until it boots a kernel from the network again', t => {
  const once = uefiBoot.map(([stage, more]) => [stage, stage === 'script' ? { ...more, bootedAs: 'abc' } : more] as Step)
  const machine = play(once)
  t.match(machine, { installedAs: 'abc' })
  t.equal(play([['discover', pxe], ['loader'], ['script', { detail: fromDisk }]], machine).installedAs, 'abc')
  t.ok(isOver(play([['discover', pxe], ['loader'], ['script', { detail: fromDisk }]], machine)))
  t.equal(play([['discover', pxe], ['loader'], ['script', { bootedAs: 'def' }], ['kernel']], machine).installedAs, undefined)
  t.equal(startOver(machine).installedAs, undefined)
  t.end()
})

t.test('boots that load a kernel are counted within a time', t => {
  const install: readonly Step[] = [['discover', pxe], ['ack', pxe], ['loader'], ['script'], ['kernel']]
  const machine = play([...install, ...install, ...install])
  t.equal(kernelBootsSince(machine, 0), 3)
  t.equal(kernelBootsSince(machine, 1700), 1)
  t.end()
})

t.test('texts from outside are kept up to a length', t => {
  const machine = play([['script', { failed: 'x'.repeat(10_000), vendorClass: 'y'.repeat(300) }]])
  t.equal(machine.timeline[0]?.failed?.length, 259)
  t.equal(machine.vendorClass?.length, 259)
  t.end()
})

t.test('a DISCOVER that is refused is one line with the reason, however often it comes', t => {
  const refused = { ...pxe, failed: 'unknown_client' } as const
  const machine = play([['discover', pxe], ['discover', refused], ['discover', pxe], ['discover', refused]])
  t.match(machine.timeline, [{ stage: 'discover', failed: 'unknown_client' }])
  t.equal(machine.timeline.length, 1)
  t.end()
})
