// What is read of records that somebody else wrote, what is known by their keys and who hears of it, and whose state it is that is joined.
import t from 'tap'
import { applyChange, changeFrom, type DiscoveryToken } from '../../src/cluster/discovery-store.js'
import { Entries, type EntryChange, type SharedEntry } from '../../src/cluster/entries.js'
import { joinFleet } from '../../src/cluster/join-fleet.js'

const entry = (text: string, revision: number): SharedEntry => ({ value: Buffer.from(text), revision })

t.test('a change of discovery is one that is whole: each part of it left out, or another kind of value', t => {
  const token = { kind: 'token', index: 3, token: 't', is: { size: 3, createdIndex: 1, sizeIndex: 2, used: 9, from: '10.0.0.1', cluster: '' } }
  const member = { kind: 'member', index: 4, token: 't', id: 'm', used: 9, is: { value: 'v', createdIndex: 4, modifiedIndex: 4 } }
  for (const whole of [token, member, { ...token, is: null }, { ...member, is: null }, { ...token, index: 0 }]) {
    t.same(changeFrom(JSON.stringify(whole)), whole)
    for (const field of Object.keys(whole)) {
      const others = field === 'is' ? [7, 'x', undefined] : typeof (whole as Record<string, unknown>)[field] === 'number' ? [-1, 0.5, '1', null, undefined] : [7, null, undefined]
      for (const other of others) t.equal(changeFrom(JSON.stringify({ ...whole, [field]: other })), undefined, `${field} ${other} of ${whole.kind}`)
    }
  }
  for (const whole of [token, member]) {
    for (const [field, value] of Object.entries(whole.is)) {
      for (const other of typeof value === 'number' ? [-1, 0.5, '1', undefined] : [7, null, undefined]) {
        t.equal(changeFrom(JSON.stringify({ ...whole, is: { ...whole.is, [field]: other } })), undefined, `${field} ${other} of a ${whole.kind}`)
      }
    }
  }
  for (const text of ['', 'null', '7', '[]', '{', '{"kind":"other","index":1,"token":"t","is":null}']) t.equal(changeFrom(text), undefined, text)
  t.end()
})

t.test('a token keeps its members when its size changes; of one that is not there nobody is a member', t => {
  const tokens = new Map<string, DiscoveryToken>()
  const is = { size: 3, createdIndex: 1, sizeIndex: 1, used: 1, from: 'f', cluster: '' }
  const joined = (id: string, used: number) => ({ kind: 'member', index: 2, token: 't', id, used, is: { value: id, createdIndex: 2, modifiedIndex: 2 } }) as const
  applyChange(tokens, joined('early', 1))
  t.equal(tokens.size, 0)
  applyChange(tokens, { kind: 'token', index: 1, token: 't', is })
  t.same([tokens.get('t')?.token, tokens.get('t')?.size, tokens.get('t')?.members.size], ['t', 3, 0])
  applyChange(tokens, joined('a', 5))
  const before = tokens.get('t')!
  applyChange(tokens, joined('b', 6))
  t.same([[...before.members.keys()], [...tokens.get('t')!.members.keys()], tokens.get('t')!.used], [['a'], ['a', 'b'], 6], 'who looks at the one before sees no change')
  applyChange(tokens, { kind: 'token', index: 3, token: 't', is: { ...is, size: 5 } })
  t.same([tokens.get('t')?.size, tokens.get('t')?.members.size], [5, 2])
  applyChange(tokens, { ...joined('a', 7), is: null })
  t.same([...tokens.get('t')!.members.keys()], ['b'])
  applyChange(tokens, { kind: 'token', index: 4, token: 't', is: null })
  t.equal(tokens.size, 0)
  t.end()
})

t.test('entries by folder: what changed is told to who listens there, once', t => {
  const entries = new Entries()
  const [told, noted]: [EntryChange[], Array<readonly [string, string | undefined]>] = [[], []]
  const apply = (...changes: ReadonlyArray<readonly [key: string, after: SharedEntry | undefined]>): void => {
    entries.apply(changes.map(([key, after]) => ({ key, after })), (key, value) => { noted.push([key, value?.toString()]) })
  }
  const stop = entries.onChange('a', changes => { told.push(...changes) })
  entries.onChange('b', () => { t.fail('nothing of it changed') })()
  apply(['a/1', entry('x', 0)], ['b/1', entry('y', 3)], ['a/none', undefined])
  t.same([entries.size, entries.get('a/1')?.value.toString(), entries.get('a/2'), [...entries.under('b').keys()], entries.under('c').size], [2, 'x', undefined, ['b/1'], 0])
  t.match(told, [{ key: 'a/1', before: undefined, after: { revision: 0 } }])
  t.equal(told.length, 1)
  t.same(noted, [['a/1', 'x'], ['b/1', 'y']])
  apply(['a/1', entry('x', 5)])
  t.same([told.length, noted.length, entries.get('a/1')?.revision], [1, 2, 5], 'what the copy had is told no second time')
  apply(['a/1', entry('x', 6)])
  t.match(told.slice(1), [{ before: { revision: 5 }, after: { revision: 6 } }])
  t.match(entries.newest(), ['a/1', { revision: 6 }])
  apply(['a/1', entry('z', 7)], ['a/1', undefined])
  t.match(told.slice(2), [{ after: { revision: 7 } }, { before: { revision: 7 }, after: undefined }])
  t.equal(entries.get('a/1'), undefined)
  t.same([...entries.values()].map(([key, value]) => `${key} ${value.toString()}`), ['b/1 y'])
  t.match(entries.newest(), ['b/1', { revision: 3 }])
  stop()
  apply(['a/1', entry('n', 9)])
  t.equal(told.length, 4)
  t.equal(new Entries().newest(), undefined)
  t.end()
})

t.test('a fleet is joined, made by the first, and no other taken for it', async t => {
  const record = (id: string, format = 1): Buffer => Buffer.from(JSON.stringify({ format, id }))
  const join = async (value: Buffer | undefined, { known, readOnly = false, then = value }: { known?: string, readOnly?: boolean, then?: Buffer | undefined } = {}) => {
    const calls: string[] = []
    const etcd = {
      call: async (name: string, request: { readonly success?: ReadonlyArray<{ readonly request_put: { readonly value: Buffer } }> }) => {
        calls.push(name)
        const put = request.success?.[0]?.request_put.value
        return { kvs: then === undefined ? [] : [{ value: then }], put }
      }
    }
    const id = await joinFleet({ kvs: value === undefined ? [] : [{ value }] } as never, { etcd: etcd as never, prefix: '/f/', known, readOnly })
    return { id, calls }
  }
  t.same(await join(record('one')), { id: 'one', calls: [] })
  t.same(await join(record('one'), { known: 'one' }), { id: 'one', calls: [] })
  await t.rejects(join(record('one'), { known: 'two' }), { code: 'etcd_foreign', message: /holds fleet one, and this provisioner belongs to fleet two/ })
  await t.rejects(join(record('one', 2)), { code: 'state_newer' })
  for (const text of ['', '{}', '{"format":1}', '{"format":1,"id":""}', '{"format":1,"id":7}', '{"format":"1","id":"x"}', '{"format":1.5,"id":"x"}', 'null']) await t.rejects(join(Buffer.from(text)), { code: 'etcd_foreign' }, text)
  await t.rejects(join(undefined, { known: 'one' }), { code: 'etcd_foreign', message: /has nothing at \/f\// })
  await t.rejects(join(undefined, { readOnly: true }), { code: 'etcd_foreign', message: /the first provisioner that starts there makes a fleet/ })
  t.same(await join(undefined, { then: record('other') }), { id: 'other', calls: ['Txn', 'Range'] }, 'of two at once one makes it')
  t.same(await join(undefined, { then: undefined }), { id: undefined, calls: ['Txn', 'Range'] })
})
