import t from 'tap'
import { readPrefix } from '../../src/etcd/read-prefix.js'

t.test('page by page, all of one revision', async t => {
  const asked: unknown[] = []
  const kv = (key: string) => ({ key: Buffer.from(key), value: Buffer.from('v') })
  const pages = [{ kvs: [kv('p/a'), kv('p/b')], more: true, header: { revision: '7' } }, { kvs: [kv('p/c')], more: true, header: { revision: '9' } }, { kvs: [], more: true, header: { revision: '9' } }]
  const etcd = { call: async (...call: unknown[]) => pages[asked.push(call) - 1] }
  t.same(await readPrefix(etcd as never, 'p/'), { kvs: [kv('p/a'), kv('p/b'), kv('p/c')], revision: 7 })
  const page = (key: string, revision: object = { revision: 7 }) => ['Range', { key: Buffer.from(key), range_end: Buffer.from('p0'), limit: 250, ...revision }, 30_000]
  t.same(asked, [page('p/', {}), page('p/b\0'), page('p/c\0')])
  asked.splice(0)
  pages[0]!.more = false
  t.equal((await readPrefix(etcd as never, 'p/')).kvs.length, 2)
  t.equal(asked.length, 1)
})
