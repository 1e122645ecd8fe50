// Tokens of clusters that groups name, on a discovery service whose disk can be full.
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { ClusterTokens, type ClusterTokensOptions } from '../../src/cluster/cluster-tokens.js'
import { FakeClock } from '../helpers/fake-clock.js'

class PlayedDiscovery {
  readonly sizes = new Map<string, number>()
  isFull = false
  knownTokenOf = (name: string): string | undefined => this.sizes.has(name) ? `token of ${name}` : undefined
  tokenOf = async (name: string, size: number): Promise<string> => {
    if (this.isFull) throw new Error('no space left')
    this.sizes.set(name, size)
    return `token of ${name}`
  }

  get state () { return { index: 0, tokens: new Map([...this.sizes].map(([name, size]) => [`token of ${name}`, { size }])) } }
}

const opened = () => {
  const [clock, discovery, told] = [new FakeClock(), new PlayedDiscovery(), [] as string[]]
  const tokens = new ClusterTokens({
    discovery: discovery as unknown as ClusterTokensOptions['discovery'],
    clock,
    onSizesDiffer: ({ name, sizes }) => { told.push(`${name} ${sizes.join(' ')}`) },
    onUnsaved: ({ name }, error) => { told.push(`${name} ${(error as Error).message}`) }
  })
  return { clock, discovery, told, tokens }
}

t.test('each has one, and of one that is known the size stays where groups do not agree', async t => {
  const { discovery, told, tokens } = opened()
  discovery.sizes.set('known', 5)
  const { version } = tokens
  await tokens.begin([{ name: 'main', sizes: [3] }, { name: 'known', sizes: [3, 4] }, { name: 'new', sizes: [7, 9] }])
  t.same([...discovery.sizes], [['known', 5], ['main', 3], ['new', 7]])
  t.same(told, ['known 3 4', 'new 7 9'])
  t.not(tokens.version, version)
  const after = tokens.version
  await tokens.keep({ name: 'main', size: 5 })
  t.equal(discovery.sizes.get('main'), 5)
  t.equal(tokens.version, after, 'its token is the same')
})

t.test('one that could not be kept is tried again, with the size that was said last', async t => {
  const { clock, discovery, told, tokens } = opened()
  discovery.isFull = true
  await tokens.keep({ name: 'main', size: 3 })
  await tokens.keep({ name: 'main', size: 5 })
  t.same(told, ['main no space left', 'main no space left'])
  t.equal(clock.pending, 1, 'all of them at once')
  discovery.isFull = false
  clock.advance(10_000)
  t.same([...discovery.sizes], [['main', 5]])
  t.equal(clock.pending, 0)
  discovery.isFull = true
  await tokens.keep({ name: 'other', size: 1 })
  tokens.close()
  t.equal(clock.pending, 0)
})

t.test('begun is what has them; one that fails after the end is not tried again', async t => {
  const { clock, discovery, told, tokens } = opened()
  const { tokenOf } = discovery
  discovery.tokenOf = async (...asked) => {
    await turn()
    return await tokenOf(...asked)
  }
  await tokens.begin([{ name: 'main', sizes: [3] }, { name: 'other', sizes: [5] }])
  t.same([...discovery.sizes], [['main', 3], ['other', 5]])
  discovery.isFull = true
  const kept = tokens.keep({ name: 'late', size: 1 })
  tokens.close()
  await kept
  t.same([told, clock.pending], [['late no space left'], 0])
})
