// Interfaces of the gateway and firewalld's zones: what was there by nobody's word is named, written down, and taken back.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { placesBelow } from '../../src/cli/setup-places.js'
import { assignedTo, assignmentsOf, assignSteps, releaseSteps } from '../../src/cli/setup-zones.js'
import type { Ask } from '../../src/doctor/command.js'
import { type Assignment, gatewayDropIn, gatewayDropInFile } from '../../src/setup/gateway.js'
import { stepsText } from '../../src/setup/steps.js'

/** firewall-cmd of a firewalld that was told these zones, and keeps those. */
const firewalld = (told: Readonly<Record<string, string>>, kept: readonly Assignment[] = [], runs = true): Ask => async (command, args) => {
  const answer = (code: number, stdout = '') => ({ code, stdout, stderr: '' })
  const [, name] = /^--get-zone-of-interface=(.*)$/.exec(args[0] ?? '') ?? []
  if (command !== 'firewall-cmd' || !runs) return answer(252)
  if (args[0] === '--state') return answer(0, 'running\n')
  if (args[0] === '--get-default-zone') return answer(0, 'public\n')
  if (name !== undefined) return told[name] === undefined ? answer(2, 'no zone\n') : answer(0, `${told[name]}\n`)
  return answer(kept.some(one => args.includes(`--zone=${one.zone}`) && args.includes(`--query-interface=${one.name}`)) ? 0 : 1)
}

t.test('only what nobody named is named, and stays written down once it is', async t => {
  const out = { zone: 'public', name: 'out0' }
  t.same(await assignmentsOf(['host0', 'out0'], [], firewalld({ host0: 'internal' })), [out])
  t.same(await assignmentsOf(['host0', 'out0'], [out], firewalld({ host0: 'internal', out0: 'public' })), [out], 'the second time')
  t.same(await assignmentsOf(['host0', 'out0'], [out], firewalld({ host0: 'internal', out0: 'dmz' })), [], 'somebody has moved it: it is theirs')
  t.same(await assignmentsOf(['host0', 'out1'], [out], firewalld({ host0: 'internal', out1: 'public' })), [])
  t.same(await assignmentsOf(['out0'], [out], firewalld({}, [], false)), [out], 'known again when firewalld runs again')
})

t.test('what is so already is no step', async t => {
  const out = { zone: 'public', name: 'out0' }
  t.equal(stepsText(await assignSteps([out], firewalld({}))), 'assign public out0 - name out0 to firewalld as one of zone public\n')
  t.same(await assignSteps([out], firewalld({}, [out])), [])
  t.equal(stepsText(await releaseSteps([out], [], firewalld({}, [out]))), "release public out0 - take out0 out of firewalld's zone public again\n")
  t.same(await releaseSteps([out], [out], firewalld({}, [out])), [], 'it is wanted still')
  t.same(await releaseSteps([out], [], firewalld({})), [], 'somebody took it out')
  t.same(await releaseSteps([out], [], firewalld({}, [out], false)), [])
})

t.test("the drop-in of the gateway's unit remembers", async t => {
  const places = placesBelow(t.testdir({}))
  t.same(assignedTo(places), [])
  const file = join(places.units, gatewayDropInFile)
  mkdirSync(dirname(file), { recursive: true })
  const assigned = [{ zone: 'public', name: 'out0' }, { zone: 'public', name: 'host0' }]
  const gateway = { inside: ['host0'], outside: 'out0', networks: ['10.1.0.0/16'] }
  writeFileSync(file, gatewayDropIn({ ...gateway, assigned }))
  t.same(assignedTo(places), assigned)
  writeFileSync(file, gatewayDropIn(gateway))
  t.same(assignedTo(places), [])
})
