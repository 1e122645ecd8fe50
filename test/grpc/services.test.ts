// The calls by themselves, over a provisioner that is behind another one of its cluster, and what is told of each.
import { status } from '@grpc/grpc-js'
import t from 'tap'
import { AppError, DecodeError } from '../../src/base/errors.js'
import { loadProtocol } from '../../src/grpc/proto.js'
import { type CallEvent, createCalls, implementationOf, maxReadableBytes } from '../../src/grpc/services.js'
import { createProvisioner, type Provisioner } from '../../src/matchbox/provisioner.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'

const protocol = await loadProtocol()
type Call = (request: never) => Promise<object>

function site () {
  const store = new MemoryStore({ groups: [makeGroup({ id: 'g' })], profiles: [makeProfile({ id: 'p' })], configs: { ignition: { i: '{}' }, generic: { x: 'y' } } })
  const provisioner = createProvisioner({ store })
  return { store, provisioner, calls: createCalls(provisioner, protocol) }
}

t.test('what is read was caught up with first, of that kind and that name', async t => {
  const read: ReadonlyArray<readonly [service: 'Groups' | 'Profiles' | 'Ignition' | 'Generic' | 'Select', call: string, request: object, settled: readonly string[]]> = [
    ['Groups', 'GroupGet', { id: 'g' }, ['group g']],
    ['Groups', 'GroupList', {}, ['group']],
    ['Profiles', 'ProfilePut', { profile: { id: 'p' } }, ['profile p']],
    ['Profiles', 'ProfileGet', { id: 'p' }, ['profile p']],
    ['Profiles', 'ProfileList', {}, ['profile']],
    ['Ignition', 'IgnitionGet', { name: 'i' }, ['ignition i']],
    ['Generic', 'GenericGet', { name: 'x' }, ['generic x']],
    ['Select', 'SelectGroup', {}, ['group']],
    ['Select', 'SelectProfile', {}, ['group', 'profile']]
  ]
  for (const [service, call, request, expected] of read) {
    const { provisioner } = site()
    const settled: string[] = []
    const behind = new Proxy(provisioner, {
      get: (of, name) => name === 'settle'
        ? async (kind: string, id?: string) => {
          await new Promise(resolve => { setImmediate(resolve) })
          settled.push(id === undefined ? kind : `${kind} ${id}`)
        }
        : name === 'store'
          ? { get snapshot () { return settled.length === expected.length ? of.store.snapshot : t.fail(`${call} looks before it knows`) } }
          : (...args: readonly unknown[]) => settled.length === expected.length ? (Reflect.get(of, name) as (...args: readonly unknown[]) => unknown)(...args) : t.fail(`${call} reads before it knows`)
    }) as Provisioner
    const answer = (createCalls(behind, protocol)[service] as Record<string, Call>)[call]!
    await answer(request as never)
    t.same(settled.sort(), expected, call)
  }
})

t.test('what is not there is empty, and a call without its message is refused', async t => {
  const { calls, store } = site()
  for (const [service, call] of [['Groups', 'GroupPut'], ['Profiles', 'ProfilePut']] as const) await t.rejects((calls[service] as Record<string, Call>)[call]!({} as never), { code: 'message_invalid', message: `${call} needs a ${call === 'GroupPut' ? 'group' : 'profile'}` })
  for (const [service, call] of [['Groups', 'GroupGet'], ['Profiles', 'ProfileGet'], ['Ignition', 'IgnitionGet'], ['Generic', 'GenericGet']] as const) await t.rejects((calls[service] as Record<string, Call>)[call]!({} as never), AppError, call)
  const kept = Buffer.from('kept')
  await (calls.Generic['GenericPut'] as Call)({ name: 'a', config: kept } as never)
  kept.fill(0)
  t.equal(store.snapshot.configs.generic.get('a')?.content.toString(), 'kept', 'the message may be part of a larger one')
  await (calls.Generic['GenericPut'] as Call)({ name: 'empty' } as never)
  t.equal(store.snapshot.configs.generic.get('empty')?.content.length, 0)
  for (const [bytes, fits] of [[maxReadableBytes - 5, true], [maxReadableBytes, false]] as const) {
    const put = (calls.Ignition['IgnitionPut'] as Call)({ name: 'large', config: Buffer.alloc(bytes, 32) } as never)
    if (fits) t.same(await put, {})
    else await t.rejects(put, { code: 'message_too_large', message: /^the config "large" is too large: \d+ bytes, and at most/ })
  }
})

t.test('each call is told when it is answered: what about, by whom, how it ended, how long it took', async t => {
  const { provisioner } = site()
  const clock = new FakeClock()
  const [told, running]: [CallEvent[], Set<Promise<void>>] = [[], new Set()]
  const work = {
    GroupPut: async () => { clock.advance(7); return {} },
    GroupGet: async () => { throw new AppError('group_missing', 'there is no group "g"') },
    ProfileList: async () => { throw new TypeError('a mistake') }
  }
  type Handler = (call: object, answered: (...answer: unknown[]) => void) => void
  const handlers = implementationOf(work as never, provisioner, event => { told.push(event) }, running, clock.now) as unknown as Record<string, Handler>
  const ask = async (name: string, request: object): Promise<readonly unknown[]> => {
    const answer = await new Promise<readonly unknown[]>(resolve => { handlers[name]!({ request, getPeer: () => '10.0.0.9:1' }, (...answer) => { resolve(answer) }) })
    await Promise.all(running)
    t.equal(running.size, 0, 'it runs no more')
    return answer
  }
  t.same(await ask('GroupPut', { group: { id: 'g' } }), [null, {}])
  t.match(told.at(-1), { call: 'GroupPut', id: 'g', peer: '10.0.0.9:1', code: status.OK, ms: 7, told: {} })
  t.match(await ask('GroupGet', { id: 'g' }), [{ code: status.NOT_FOUND }])
  t.match(told.at(-1), { call: 'GroupGet', id: 'g', code: status.NOT_FOUND, ms: 0, told: undefined, error: AppError })
  t.match(await ask('ProfileList', {}), [{ code: status.INTERNAL }])
  t.match(told.at(-1), { call: 'ProfileList', id: '', code: status.INTERNAL, error: TypeError })
  t.match(await ask('GroupPut', new DecodeError('truncated', 3)), [{ code: /\d/ }])
  t.match(told.at(-1), { call: 'GroupPut', id: '', error: DecodeError })
  t.not(told.at(-1)?.code, status.OK)
  for (const [request, id] of [[{ profile: { id: 'p' } }, 'p'], [{ name: 'n' }, 'n'], [{ id: 7 }, ''], [{ group: null }, ''], [{ group: 'g' }, ''], [{ labels: new Map() }, '']] as const) {
    await ask('GroupPut', request)
    t.equal(told.at(-1)?.id, id)
  }
})
