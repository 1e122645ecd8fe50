// What Terraform's matchbox provider does, against the whole program: apply, an empty plan, a replacement while machines
// boot, a restart, destroy. Both generations of its profile attributes.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { freePort } from '../helpers/free-port.js'
import { layOutProgram, startProgram } from '../helpers/grpc-program.js'
import { makePki } from '../helpers/pki.js'
import { shortFolder } from '../helpers/short-folder.js'
import {
  type GroupResource, type ProfileResource, createGroup, createProfile, deleteGroup, deleteProfile, hasProfile, readGroup, readProfile
} from '../helpers/provider-calls.js'

const pki = makePki()
const boot = { kernel: '/assets/vmlinuz', initrd: ['/assets/initrd'], args: ['quiet', 'ignition.config.url=http://m/ignition?mac=x'] }
const profiles: readonly ProfileResource[] = [
  { name: 'old', ...boot, containerLinuxConfig: 'storage:\n  files:\n    - path: /etc/hostname\n      filesystem: root\n      contents: {inline: "{{.hostname}}"}\n' },
  { name: 'raw', ...boot, rawIgnition: '{"ignition":{"version":"3.6.0-experimental"},  "odd": "spacing"}' },
  { name: 'generic', ...boot, genericConfig: '#cloud-config for {{.hostname}}\n' },
  { name: 'bare', kernel: '', initrd: [], args: [] }
]
const groups: readonly GroupResource[] = [
  { name: 'g-old', profile: 'old', selector: { mac: '52-54-00-AA-BB-01' }, metadata: { hostname: 'one' } },
  { name: 'g-raw', profile: 'raw', selector: { mac: '5254.00aa.bb02', os: 'installed' }, metadata: {} },
  { name: 'g-generic', profile: 'generic', selector: { mac: '52:54:00:AA:BB:03' }, metadata: { hostname: 'three' } }
]

t.test('apply, plan, replace, restart, destroy', async t => {
  const folder = shortFolder(t)
  const http = `127.0.0.1:${await freePort()}`
  const config = layOutProgram(folder, pki, http)
  let running = await startProgram(config, pki)
  t.teardown(() => running.program.child.kill('SIGKILL'))
  let client = running.client()
  const machine = async (path: string): Promise<{ status: number, text: string }> => {
    const response = await fetch(`http://${http}${path}`)
    return { status: response.status, text: await response.text() }
  }
  const planIsEmpty = async (when: string): Promise<void> => {
    for (const profile of profiles) t.same(await readProfile(client, profile), profile, `${when}: profile ${profile.name}`)
    for (const group of groups) t.same(await readGroup(client, group), group, `${when}: group ${group.name}`)
  }

  for (const profile of profiles) await createProfile(client, profile)
  for (const group of groups) await createGroup(client, group)
  await planIsEmpty('after apply')
  t.match(await machine('/ipxe?mac=52:54:00:aa:bb:01'), { status: 200, text: /kernel \/assets\/vmlinuz quiet/ })
  const raw = await machine('/ignition?mac=52:54:00:aa:bb:02&os=installed')
  t.same(raw, { status: 200, text: profiles[1]?.rawIgnition }, 'ready Ignition is sent to the byte')
  t.match(await machine('/ignition?mac=52:54:00:aa:bb:01'), { status: 200, text: /"version":"2\.2\.0".*data:,one/ })
  t.match(await machine('/generic?mac=52:54:00:aa:bb:03'), { status: 200, text: '#cloud-config for three\n' })

  const polling = new AbortController()
  const misses: unknown[] = []
  let polls = 0
  const poll = async (): Promise<void> => {
    while (!polling.signal.aborted) {
      const answers = [await machine('/ipxe?mac=52:54:00:aa:bb:01'), await machine('/ignition?mac=52:54:00:aa:bb:01')]
      polls++
      misses.push(...answers.filter(({ status }) => status !== 200))
    }
  }
  const polled = poll()
  for (let round = 0; round < 10; round++) {
    await deleteGroup(client, groups[0]!)
    await deleteProfile(client, profiles[0]!)
    t.equal(await readGroup(client, groups[0]!), undefined)
    await createProfile(client, profiles[0]!)
    await createGroup(client, groups[0]!)
  }
  polling.abort()
  await polled
  t.same(misses, [], `${polls} polls while everything is replaced ten times`)
  await planIsEmpty('after replacing')

  client.close()
  t.match(await running.program.end('SIGTERM'), { status: 0 })
  running = await startProgram(config, pki)
  client = running.client()
  await planIsEmpty('after a restart')
  t.match(readFileSync(join(folder, 'data/groups/g-old.json'), 'utf8'), '52-54-00-AA-BB-01')

  for (const group of groups) await deleteGroup(client, group)
  for (const profile of profiles) await deleteProfile(client, profile)
  for (const group of groups) await deleteGroup(client, group)
  for (const profile of profiles) t.equal(await readProfile(client, profile), undefined, profile.name)
  client.close()
  t.match(await running.program.end('SIGTERM'), { status: 0 })
})

t.test('0.4.1 and 0.5.4, call by call: drift, a half-done create, a half-done destroy, import', async t => {
  const folder = shortFolder(t)
  const running = await startProgram(layOutProgram(folder, pki), pki)
  t.teardown(() => running.program.child.kill('SIGKILL'))
  const client = running.client()
  const generations = {
    '0.4.1': { isThere: hasProfile },
    // It refreshes every attribute, so that any other spelling of a config would be a change.
    '0.5.4': { isThere: async (from: typeof client, profile: ProfileResource) => isDeepStrictEqual(await readProfile(from, profile), profile) }
  }
  for (const [version, { isThere }] of Object.entries(generations)) {
    for (const profile of profiles) {
      const name = `${version}, ${profile.name}`
      t.equal(await hasProfile(client, profile), false, `${name}: nothing yet`)
      await createProfile(client, profile)
      await createProfile(client, profile)
      t.equal(await isThere(client, profile), true, `${name}: created, and once more after a create that was cut off`)
      const [call, id] = profile.genericConfig !== undefined ? ['GenericDelete', profile.name] : ['IgnitionDelete', `${profile.name}${profile.rawIgnition === undefined ? '.yaml.tmpl' : '.ign'}`]
      t.match(await client.call(call, { name: id }), { response: {} })
      t.equal(await isThere(client, profile), profile.name === 'bare', `${name}: its config is gone, the plan makes it anew`)
      await deleteProfile(client, profile)
      await createProfile(client, profile)
      t.equal(await isThere(client, profile), true)
      t.match(await client.call('ProfileDelete', { id: profile.name }), { response: {} })
      await deleteProfile(client, profile)
      t.equal(await hasProfile(client, profile), false, `${name}: a destroy that was cut off is finished by the next`)
    }
    for (const group of groups) {
      await createGroup(client, group)
      t.same(await readGroup(client, group), group, `${version}: group ${group.name}`)
      await deleteGroup(client, group)
      await deleteGroup(client, group)
    }
  }
  // 0.5.4 reads metadata as a map of text, and one that is `{}` as none.
  await createGroup(client, { name: 'none', profile: 'p', selector: {}, metadata: {} })
  t.match(await client.call('GroupGet', { id: 'none' }), { response: { group: { metadata: Buffer.from('{}') } } })
  // Either dereferences the answer's profile and its boot at once.
  await client.call('ProfilePut', { profile: { id: 'p' } })
  t.match(await client.call('ProfileGet', { id: 'p' }), { response: { profile: { id: 'p', boot: {} } } })
  client.close()
  t.match(await running.program.end('SIGTERM'), { status: 0 })
})
