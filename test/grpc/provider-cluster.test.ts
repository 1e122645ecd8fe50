// What Terraform's matchbox provider does, over mTLS, with each call at another of two provisioners: as if there were one.
import { mkdirSync, appendFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startEtcd } from '../helpers/etcd.js'
import type { RawClient } from '../helpers/grpc-appliance.js'
import { layOutProgram, startProgram } from '../helpers/grpc-program.js'
import { makePki } from '../helpers/pki.js'
import { shortFolder } from '../helpers/short-folder.js'
import {
  type GroupResource, type ProfileResource, createGroup, createProfile, deleteGroup, deleteProfile, hasProfile, readGroup, readProfile
} from '../helpers/provider-calls.js'
import { needs } from '../helpers/tools.js'

const boot = { kernel: '/assets/vmlinuz', initrd: ['/assets/initrd'], args: ['quiet'] }
const profiles: readonly ProfileResource[] = [
  { name: 'old', ...boot, containerLinuxConfig: 'storage: {}\n' },
  { name: 'raw', ...boot, rawIgnition: '{"ignition":{"version":"3.3.0"},  "odd": "spacing"}' },
  { name: 'generic', ...boot, genericConfig: '#cloud-config\n' },
  { name: 'bare', kernel: '', initrd: [], args: [] }
]
const groups: readonly GroupResource[] = profiles.map(({ name }, n) =>
  ({ name: `g-${name}`, profile: name, selector: { mac: `52:54:00:aa:bb:0${n}` }, metadata: { hostname: name } }))

t.test('apply, plan, replace and destroy with two endpoints in turn', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await startEtcd(t)
  const pki = makePki()
  const clients = await Promise.all(['p1', 'p2'].map(async name => {
    const folder = shortFolder(t)
    mkdirSync(join(folder, 'data'))
    const config = layOutProgram(folder, pki)
    appendFileSync(config, `cluster: { name: ${name}, etcd: { endpoints: ${JSON.stringify(etcd.endpoints)} } }\n`)
    const running = await startProgram(config, pki)
    t.teardown(() => running.program.child.kill('SIGKILL'))
    const client = running.client()
    t.teardown(() => { client.close() })
    return client
  }))
  let calls = 0
  const inTurn: RawClient = { call: (rpc, request) => clients[calls++ % 2]!.call(rpc, request), close: () => {} }
  for (let round = 0; round < 10; round++) {
    for (const profile of profiles) await createProfile(inTurn, profile)
    for (const group of groups) await createGroup(inTurn, group)
    for (const profile of profiles) {
      t.same(await readProfile(inTurn, profile), profile, `an empty plan: profile ${profile.name}`)
      t.equal(await hasProfile(inTurn, profile), true)
    }
    for (const group of groups) t.same(await readGroup(inTurn, group), group, `an empty plan: group ${group.name}`)
    // To replace it is deleted and created.
    await deleteProfile(inTurn, profiles[1]!)
    t.equal(await readProfile(inTurn, profiles[1]!), undefined)
    const other = { ...profiles[1]!, rawIgnition: `{"ignition":{"version":"3.3.0"},"round":${round}}` }
    await createProfile(inTurn, other)
    t.same(await readProfile(inTurn, other), other)
    for (const group of groups) await deleteGroup(inTurn, group)
    for (const profile of profiles) await deleteProfile(inTurn, profile)
    for (const group of groups) t.equal(await readGroup(inTurn, group), undefined, 'gone, whoever is asked')
    for (const profile of profiles) t.equal(await readProfile(inTurn, profile), undefined)
    // Each round begins at the other one.
    calls = round + 1
  }
})
