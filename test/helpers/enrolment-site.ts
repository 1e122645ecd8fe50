// Enrolment over a store on disk, as the appliance puts it together, with gRPC before the store.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { createEnrolment, type EnrolmentOptions } from '../../src/wiring/enrolment.js'
import { homesOf } from '../../src/wiring/homes.js'
import { mac } from './dhcp.js'
import { FakeClock } from './fake-clock.js'
import { quiet, startAppliance } from './grpc-appliance.js'
import { makePki } from './pki.js'

export const pki = makePki()
export const card = (n: number) => mac(`52:54:00:00:00:0${n}`)
const profile = (id: string): Buffer => Buffer.from(JSON.stringify({ id, boot: { kernel: '/k' } }))

export async function world (t: Test, profiles: readonly string[] = ['core', 'default']) {
  const clock = new FakeClock()
  const [dataPath, state] = [join(t.testdir({ state: {} }), 'data'), join(t.testdirName, 'state')]
  const before = Object.fromEntries(profiles.map(id => [`profiles/${id}.json`, profile(id)]))
  const loaded = loadConfig({
    file: undefined,
    defaultFile: '/nowhere',
    env: {},
    set: [`data_path=${dataPath}`, `state_path=${state}`, 'enrolment.profiles=[{profile: core, quantity: 3}, {profile: default}]', 'enrolment.range=10.0.0.21-10.0.0.40', 'enrolment.hostname=core-{n}']
  })
  const table = new LeaseTable()
  const byCard: EnrolmentOptions['addressClaims'] = {
    hear: () => undefined,
    isAddressOf: (machine, address) => address === `10.0.1.${Number.parseInt(machine.slice(-2), 16)}`
  }
  const opened = async (addressClaims = byCard) => {
    mkdirSync(dataPath, { recursive: true })
    const appliance = await startAppliance({ pki, dataPath, before, clock })
    const registry = new MachineRegistry([], { note: () => {} })
    const enrolment = createEnrolment({
      ground: { loaded, config: loaded.config, clock, log: quiet, store: appliance.store, homes: homesOf(loaded.config) },
      leases: { table } as never,
      registry,
      provisioner: appliance.provisioner,
      addressClaims,
      onEnrolled: () => {}
    })
    const enrol = (n: number, client = `10.0.1.${n}`, serial = `S${n}`): Promise<string | undefined> | undefined =>
      enrolment.enrol?.(new Map([['mac', card(n)], ['serial', serial]]), client)
    return { appliance, registry, enrol }
  }
  return { opened, clock, dataPath, state, table, loaded }
}
